"""The real default model, prepared once and kept between runs."""

from __future__ import annotations

import fcntl
import hashlib
from importlib.metadata import version
from pathlib import Path

import pytest

import nasd.embed
from nasd.embed.source import DEFAULT_MODEL
from nasd.embed.store import PreparedModel, find, prepare

LIBRARIES = ("sentence-transformers", "torch", "onnx", "onnxruntime", "transformers")


def prepare_once(config: pytest.Config, temporary: pytest.TempPathFactory) -> PreparedModel:
    """Prepares all-MiniLM-L6-v2 (15 s), or finds it in pytest's cache from an earlier run. It is prepared
    anew when the code that prepares or a library that it uses has changed."""
    cache = getattr(config, "cache", None)
    root = Path(cache.mkdir("nasd-models")) if cache is not None else temporary.mktemp("nasd-models")
    models = root / _key()
    models.mkdir(exist_ok=True)
    with (models / ".lock").open("w") as lock:  # other processes of this run wait for the one that prepares
        fcntl.flock(lock, fcntl.LOCK_EX)
        return find(models, DEFAULT_MODEL) or prepare(models, DEFAULT_MODEL)


def _key() -> str:
    digest = hashlib.sha256()
    for path in sorted(Path(nasd.embed.__path__[0]).glob("*.py")):
        digest.update(path.read_bytes())
    digest.update(repr([version(name) for name in LIBRARIES]).encode())
    return digest.hexdigest()[:16]
