"""Serving a model with sentence-transformers, in a process of its own: torch never enters this one."""

from __future__ import annotations

import subprocess
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from nasd.embed.base import ModelInfo, Vectors
from nasd.embed.child import command, environment
from nasd.embed.frames import read_frame, write_frame
from nasd.embed.text import encodable
from nasd.errors import ModelError

BATCH = 64
"""Texts a request, so that a query waits for one request of documents at most."""


class SentenceEmbedder:
    """Implements `Embedder`. One request at a time. A process that died is started anew by the next call;
    the call that found it dead raises ModelError."""

    def __init__(self, model: str) -> None:
        """`model`: a packaged name or a folder. Takes as long as torch takes to load. Raises ModelError."""
        self._model = model
        self._turn = threading.Lock()
        self._child: subprocess.Popen[bytes] | None = None
        self._scratch = tempfile.TemporaryDirectory(prefix="nasd-model-")
        self._closed = False
        try:
            facts = self._start()
        except ModelError:
            self.close()
            raise
        self._info = ModelInfo(
            name=facts["name"],
            fingerprint=facts["fingerprint"],
            dimension=facts["dimension"],
            max_tokens=facts["max_tokens"],
            serving="sentence-transformers",
        )
        self._counter = _counter(facts["tokenizer"])

    @property
    def info(self) -> ModelInfo:
        return self._info

    def embed_documents(self, texts: Sequence[str]) -> Vectors:
        vectors = np.empty((len(texts), self._info.dimension), np.float32)
        for start in range(0, len(texts), BATCH):
            batch = list(texts[start : start + BATCH])
            vectors[start : start + len(batch)] = self._embed("documents", batch)
        return vectors

    def embed_query(self, text: str) -> Vectors:
        return np.asarray(self._embed("query", [text])[0], np.float32)

    def count_tokens(self, text: str) -> int:
        """Here when the model has a fast tokenizer, else in the model's process."""
        text = encodable(text)
        if self._counter is not None:
            return len(self._counter.encode(text, add_special_tokens=False))
        return int(self._ask({"op": "count", "texts": [text]})[0]["counts"][0])

    def close(self) -> None:
        """The request under way, if any, raises ModelError."""
        self._closed = True
        if (child := self._child) is not None:
            child.kill()
        with self._turn:
            self._end()
            self._scratch.cleanup()

    def _embed(self, operation: str, texts: list[str]) -> Vectors:
        texts = [encodable(text) for text in texts]
        _, payload = self._ask({"op": operation, "texts": texts})
        vectors = np.frombuffer(payload, "<f4").reshape(len(texts), self._info.dimension)
        return vectors.astype(np.float32)

    def _ask(self, request: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
        with self._turn:
            if self._closed:
                raise ModelError("The embedding model was closed.")
            if self._child is None and self._start()["fingerprint"] != self._info.fingerprint:
                self._end()
                raise ModelError("The embedding model changed.", cure="Restart nasd.")
            assert self._child is not None
            assert self._child.stdin is not None
            try:
                write_frame(self._child.stdin, request)
                return self._reply(self._child)
            except OSError as error:
                self._end()
                raise ModelError("The embedding model's process ended.", cure="Free some memory.") from error

    def _start(self) -> dict[str, Any]:
        self._child = subprocess.Popen(
            command("nasd.embed.sentence_child", "--model", self._model),
            env=environment(Path(self._scratch.name)),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        try:
            return self._reply(self._child)[0]
        except ModelError:
            self._end()
            raise

    def _reply(self, child: subprocess.Popen[bytes]) -> tuple[dict[str, Any], bytes]:
        assert child.stdout is not None
        try:
            frame = read_frame(child.stdout)
        except ValueError:
            frame = None
        if frame is None:
            self._end()
            raise ModelError("The embedding model's process ended.", cure="Free some memory.")
        if "error" in frame[0]:
            raise ModelError(frame[0]["error"], cure=frame[0]["cure"])
        return frame

    def _end(self) -> None:
        child, self._child = self._child, None
        if child is None:
            return
        child.kill()
        child.wait()
        for stream in (child.stdin, child.stdout):
            assert stream is not None
            try:
                stream.close()
            except BrokenPipeError:  # what was buffered for it has no reader any more
                continue


def _counter(tokenizer_json: str | None) -> Any:
    if tokenizer_json is None:
        return None
    from tokenizers import Tokenizer

    counter = Tokenizer.from_str(tokenizer_json)
    counter.no_truncation()
    counter.no_padding()
    return counter
