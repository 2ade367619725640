"""Serving a prepared model with ONNX Runtime and its tokenizer: no torch, about 100 MB in all."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import CancelledError, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from nasd.embed.base import ModelInfo, Vectors
from nasd.embed.counting import TokenCounter
from nasd.embed.manifest import GRAPH_FILE, TOKENIZER_FILE, Manifest, read_manifest
from nasd.embed.text import encodable
from nasd.errors import ModelError

if TYPE_CHECKING:
    from onnxruntime import InferenceSession
    from tokenizers import Encoding, Tokenizer

OUTPUT = "unit_vectors"
"""The graph's one output: float32 of shape (texts, dimension), rows of unit length."""

SERVING: Mapping[str, Mapping[str, str]] = {
    "onnx-int8": {},
    "onnx-bf16": {"mlas.enable_gemm_fastmath_arm64_bfloat16": "1"},
    "onnx-fp32": {},
}
"""How a graph can be served, with the settings of the runtime that this takes."""

SHRINKS = "memory.enable_memory_arena_shrinkage"

SLOWER_FUSED = ("SkipLayerNormFusion",)
"""ONNX Runtime's kernel for an addition with a normalisation is no vector code: left as two, all-MiniLM-L6-v2
embeds 194 tokens in 16.1 ms rather than 19.1."""


@dataclass(slots=True)
class _Loaded:
    """What takes the memory."""

    session: InferenceSession
    tokenizer: Tokenizer  # neither truncates nor pads
    counter: TokenCounter
    inputs: tuple[str, ...]
    most: int  # tokens of a text, special ones left out
    grown: bool = field(default=False)  # by what was run since it was last shrunk

    def tokenize(self, text: str) -> Encoding:
        """As the model reads it: cut, then with its special tokens. By the tokenizer that counts, too: a
        second one that cuts by itself takes 10 MB more."""
        encoding = self.tokenizer.encode(encodable(text), add_special_tokens=False)
        encoding.truncate(self.most)
        return self.tokenizer.post_process(encoding)


class OnnxEmbedder:
    """Implements `Embedder` and `Rests` over a folder written by `nasd.embed.prepare`.

    Each text is one run of the graph, on one thread; `threads` texts run at once, each tokenised by its own
    thread while the others run. Dynamic int8 scales activations over everything in a run, so in a batch of
    four a text's vector depends on its companions (cosine to itself alone down to 0.98 with
    all-MiniLM-L6-v2); alone it depends on the text only, needs no padding and less memory, and costs no
    more: 20 ms of processor time for 205 tokens against 21.
    """

    def __init__(self, folder: Path, threads: int | None = None, *, nice: int = 0) -> None:
        """`threads`: by default as many as there are processors to run on; they give way to other programs
        by `nice` at least. Raises ModelError."""
        self._manifest = manifest = read_manifest(folder)
        self._info = ModelInfo(
            name=manifest.name,
            fingerprint=manifest.fingerprint,
            dimension=manifest.dimension,
            max_tokens=manifest.max_tokens,
            serving=manifest.serving,
        )
        self._loading = threading.Lock()
        self._used = time.monotonic()
        self._closed = False
        self._files = _Files(folder, manifest)
        try:
            self._loaded: _Loaded | None = _load(self._files, manifest)
        except ModelError:
            self._files.close()
            raise
        self._pool = ThreadPoolExecutor(
            threads or len(os.sched_getaffinity(0)),
            thread_name_prefix="nasd-embed",
            initializer=_give_way,
            initargs=(nice,),
        )

    @property
    def info(self) -> ModelInfo:
        return self._info

    @property
    def resting(self) -> bool:
        return self._loaded is None

    def embed_documents(self, texts: Sequence[str]) -> Vectors:
        prompt = self._manifest.prompt_document
        vectors = np.empty((len(texts), self._info.dimension), np.float32)
        try:
            futures = [self._pool.submit(self._embed, prompt + text) for text in texts]
            for index, future in enumerate(futures):
                vectors[index] = future.result()
        except (RuntimeError, CancelledError) as error:  # submitted or still waiting after close()
            raise ModelError("The embedding model was closed.") from error
        return vectors

    def embed_query(self, text: str) -> Vectors:
        """On the caller's own thread, so that a query does not wait behind documents."""
        return self._embed(self._manifest.prompt_query + text)

    def count_tokens(self, text: str) -> int:
        return self._need().counter.count(text)

    def ease(self, after_s: float) -> bool:
        """As `Rests.ease`: what runs of documents leave behind is 25 MB with the default model."""
        loaded = self._loaded
        if loaded is None or not loaded.grown or time.monotonic() - self._used < after_s:
            return False
        loaded.grown = False
        _run(loaded, "", shrinking=True)
        return True

    def rest(self, after_s: float) -> bool:
        """As `Rests.rest`. With the default model 40 MB; the next call loads them again in 0.15 s."""
        with self._loading:
            if self._loaded is None or time.monotonic() - self._used < after_s:
                return False
            self._loaded = None  # whoever uses it now holds it until he is done
            return True

    def close(self) -> None:
        """Waits for texts under way; those not yet begun are dropped."""
        self._pool.shutdown(cancel_futures=True)
        with self._loading:
            self._closed = True
            self._files.close()

    def _need(self) -> _Loaded:
        self._used = time.monotonic()
        if (loaded := self._loaded) is not None:
            return loaded
        with self._loading:
            if self._loaded is None:
                if self._closed:
                    raise ModelError("The embedding model was closed.")
                self._loaded = _load(self._files, self._manifest)
            return self._loaded

    def _embed(self, text: str) -> Vectors:
        loaded = self._need()
        loaded.grown = True
        return _run(loaded, text)


class _Files:
    """The files of a prepared model, held open: what is loaded again is what was loaded first, even after the
    model was prepared anew beside it."""

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        """Raises ModelError."""
        self._open: list[int] = []
        try:
            for name in (GRAPH_FILE, TOKENIZER_FILE):
                self._open.append(os.open(folder / name, os.O_RDONLY | os.O_CLOEXEC))
        except OSError as error:
            self.close()
            raise _not_loaded(manifest, error) from error

    @property
    def graph(self) -> Path:
        return Path(f"/proc/self/fd/{self._open[0]}")

    def tokenizer(self) -> str:
        return Path(f"/proc/self/fd/{self._open[1]}").read_text("utf-8")

    def close(self) -> None:
        while self._open:
            os.close(self._open.pop())


def _not_loaded(manifest: Manifest, error: Exception) -> ModelError:
    return ModelError(
        f"The prepared model {manifest.name} cannot be loaded: {first_line(error)}",
        cure="Run `nasd model prepare`.",
    )


def _load(files: _Files, manifest: Manifest) -> _Loaded:
    """Raises ModelError."""
    import onnxruntime
    from tokenizers import Tokenizer

    try:
        onnxruntime.set_default_logger_severity(3)
        session = onnxruntime.InferenceSession(
            str(files.graph),
            session_options(manifest.serving),
            providers=["CPUExecutionProvider"],
            disabled_optimizers=list(SLOWER_FUSED),
        )
        tokenizer = Tokenizer.from_str(files.tokenizer())
        tokenizer.no_truncation()
        tokenizer.no_padding()
        return _Loaded(
            session=session,
            tokenizer=tokenizer,
            counter=TokenCounter(tokenizer),
            inputs=tuple(node.name for node in session.get_inputs()),
            most=max(1, manifest.max_tokens - tokenizer.num_special_tokens_to_add(is_pair=False)),
        )
    except Exception as error:  # both libraries raise types of their own that share no base
        raise _not_loaded(manifest, error) from error


def _run(loaded: _Loaded, text: str, *, shrinking: bool = False) -> Vectors:
    import onnxruntime

    encoding = loaded.tokenize(text)
    columns = {
        "input_ids": encoding.ids,
        "attention_mask": encoding.attention_mask,
        "token_type_ids": encoding.type_ids,
    }
    feed = {name: np.asarray([columns[name]], np.int64) for name in loaded.inputs}
    options: Any = None
    if shrinking:
        options = onnxruntime.RunOptions()
        options.add_run_config_entry(SHRINKS, "cpu:0")
    try:
        (rows,) = loaded.session.run([OUTPUT], feed, options)
    except Exception as error:  # onnxruntime's exceptions share no base of their own
        raise ModelError(f"The embedding model failed: {first_line(error)}") from error
    return np.asarray(rows[0], np.float32)


def _give_way(nice: int) -> None:
    """Linux gives every thread its own niceness; a query is embedded on another thread."""
    os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), max(nice, os.nice(0)))


def session_options(serving: str) -> object:
    """One thread a run, without spinning between runs. The arena makes runs faster than malloc and can be
    shrunk; memory patterns, kept for every shape seen, would grow with the shapes."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = True
    options.enable_mem_pattern = False
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    for key, value in SERVING.get(serving, {}).items():
        options.add_session_config_entry(key, value)
    return options


def first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
