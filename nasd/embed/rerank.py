"""Serving a prepared cross-encoder with ONNX Runtime: how well a passage answers a query, read together.

Nogueira and Cho, "Passage Re-ranking with BERT", 2019: the best of a cheap first stage, scored once more by a
model that reads query and passage as one text.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from nasd.embed.manifest import GRAPH_FILE, TOKENIZER_FILE
from nasd.embed.onnx import first_line, session_options
from nasd.embed.text import encodable
from nasd.errors import ModelError

if TYPE_CHECKING:
    from onnxruntime import InferenceSession
    from tokenizers import Tokenizer

FACTS_FILE = "reranker.json"
"""Beside the graph and the tokenizer."""

OUTPUT = "relevance"
"""The graph's one output: float32 of shape (pairs,), the higher the better."""


class Reranker(Protocol):
    """Reads a query and a passage together. Synchronous; safe to call from several threads."""

    @property
    def name(self) -> str: ...

    def score(self, query: str, texts: Sequence[str], seconds: float) -> list[float]:
        """Of the first of `texts`, as many as could be begun within `seconds`, at least one: how well each
        answers the query, the higher the better. Raises `ModelError`."""

    def rest(self, after_s: float) -> bool:
        """Lets go of its memory when nothing was asked for `after_s` seconds; whether it did so now."""

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What serving needs to know, and how near it is to the original."""

    max_tokens: int  # of query and passage together, special ones included
    serving: str  # "onnx-int8" | "onnx-fp32"
    furthest: float  # between a score in full precision and the original's
    order: float  # least rank correlation between the orders that both give to the passages of a query


def facts_json(facts: Facts) -> str:
    return json.dumps(asdict(facts), indent=1) + "\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Loaded:
    session: InferenceSession
    tokenizer: Tokenizer
    inputs: tuple[str, ...]


class OnnxReranker:
    """Implements `Reranker` over a folder written by `nasd.embed.prepare_rerank`. Each pair is one run on one
    thread, for the reasons that `OnnxEmbedder` has."""

    def __init__(self, name: str, folder: Path, threads: int | None = None) -> None:
        """Raises ModelError."""
        self._name = name
        self._folder = folder
        self._used = time.monotonic()
        self._loading = threading.Lock()
        self._loaded: _Loaded | None = _load(folder)
        self._pool = ThreadPoolExecutor(
            threads or len(os.sched_getaffinity(0)), thread_name_prefix="nasd-rerank"
        )

    @property
    def name(self) -> str:
        return self._name

    def score(self, query: str, texts: Sequence[str], seconds: float) -> list[float]:
        until = time.monotonic() + seconds
        self._used = time.monotonic()
        with self._loading:
            if self._loaded is None:
                self._loaded = _load(self._folder)
            loaded = self._loaded

        def one(position: int) -> float | None:
            if position and time.monotonic() >= until:
                return None
            return _score(loaded, query, texts[position])

        try:
            scores = list(self._pool.map(one, range(len(texts))))
        except RuntimeError as error:  # after close()
            raise ModelError("The re-ranking model was closed.") from error
        begun = next((at for at, score in enumerate(scores) if score is None), len(scores))
        return [score for score in scores[:begun] if score is not None]

    def rest(self, after_s: float) -> bool:
        with self._loading:
            if self._loaded is None or time.monotonic() - self._used < after_s:
                return False
            self._loaded = None
            return True

    def close(self) -> None:
        self._pool.shutdown(cancel_futures=True)


def _load(folder: Path) -> _Loaded:
    import onnxruntime
    from tokenizers import Tokenizer

    try:
        facts = Facts(**json.loads((folder / FACTS_FILE).read_text("utf-8")))
        onnxruntime.set_default_logger_severity(3)
        session = onnxruntime.InferenceSession(
            str(folder / GRAPH_FILE), session_options(facts.serving), providers=["CPUExecutionProvider"]
        )
        tokenizer = Tokenizer.from_str((folder / TOKENIZER_FILE).read_text("utf-8"))
        tokenizer.no_padding()
        tokenizer.enable_truncation(facts.max_tokens, strategy="longest_first")
        inputs = tuple(node.name for node in session.get_inputs())
        return _Loaded(session=session, tokenizer=tokenizer, inputs=inputs)
    except Exception as error:  # both libraries raise types of their own that share no base
        raise ModelError(
            f"The re-ranking model in {folder} cannot be loaded: {first_line(error)}",
            cure="Remove the folder and bring the model again: `nasd model import FOLDER --kind rerank`.",
        ) from error


def _score(loaded: _Loaded, query: str, text: str) -> float:
    encoding = loaded.tokenizer.encode(encodable(query), encodable(text))
    columns: dict[str, Any] = {
        "input_ids": encoding.ids,
        "attention_mask": encoding.attention_mask,
        "token_type_ids": encoding.type_ids,
    }
    feed = {name: np.asarray([columns[name]], np.int64) for name in loaded.inputs}
    try:
        (scores,) = loaded.session.run([OUTPUT], feed)
    except Exception as error:  # onnxruntime's exceptions share no base of their own
        raise ModelError(f"The re-ranking model failed: {first_line(error)}") from error
    score = float(scores[0])
    if not np.isfinite(score):
        raise ModelError("The re-ranking model gave a score that is no number.")
    return score
