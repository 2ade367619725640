"""Which embedder serves, from the settings."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from nasd.embed.base import Embedder, NotExportable
from nasd.embed.store import PreparedModel, Progress, find, prepare
from nasd.errors import ConfigError

SERVE = ("auto", "onnx", "sentence-transformers")


def open_embedder(
    models: Path,
    model: str,
    *,
    serve: str = "auto",
    url: str | None = None,
    api_key: str | None = None,
    threads: int | None = None,
    nice: int = 0,
    on_progress: Callable[[Progress], None] = lambda _: None,
    stop: threading.Event | None = None,
) -> Embedder:
    """The embedder for `model`, prepared first where it is not. Blocks for as long as that takes.

    With a `url` the server there; "onnx" the prepared model; "sentence-transformers" the model itself in a
    process of its own; "auto" the prepared model, or the model itself where it cannot be exported.
    Raises ConfigError, ModelError, StateError, and Unavailable when `stop` was set.
    """
    if url is not None:
        from nasd.embed.remote import RemoteEmbedder

        return RemoteEmbedder(url, model, api_key=api_key)
    if serve not in SERVE:
        raise ConfigError(f"embedding.serve cannot be {serve!r}.", cure=f"Use one of {', '.join(SERVE)}.")
    if serve == "sentence-transformers":
        return _open_sentence(model)
    prepared = find(models, model)
    if prepared is None:
        try:
            prepared = prepare(models, model, on_progress, stop=stop)
        except NotExportable:
            if serve == "onnx":
                raise
            return _open_sentence(model)
    return open_prepared(prepared, threads, nice=nice)


def open_prepared(prepared: PreparedModel, threads: int | None = None, *, nice: int = 0) -> Embedder:
    """Raises ModelError."""
    from nasd.embed.onnx import OnnxEmbedder

    return OnnxEmbedder(prepared.folder, threads, nice=nice)


def _open_sentence(model: str) -> Embedder:
    from nasd.embed.sentence import SentenceEmbedder

    return SentenceEmbedder(model)
