"""A clean environment for every test: no settings of this user, no model hub, no network but loopback."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from nasd.embed.store import PreparedModel
from tests.fakes.model import prepare_once
from tests.fakes.tiny_gguf import write_tiny_gguf

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TRANSFORMERS_OFFLINE"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"

CORPORA = Path(os.environ.get("NASD_CORPORA", Path(__file__).parents[2] / "shared" / "corpora"))


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    for name in list(os.environ):
        if name.startswith(("NASD_", "XDG_")) and name != "NASD_CORPORA":
            monkeypatch.delenv(name)
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(home))


@pytest.fixture(autouse=True)
def loopback_only(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: object) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6):
            host = str(address[0]) if isinstance(address, tuple) else str(address)
            if not (host.startswith("127.") or host in ("::1", "localhost")):
                raise AssertionError(f"a test tried to reach {host}")
        connect(self, address)  # type: ignore[arg-type]

    monkeypatch.setattr(socket.socket, "connect", guarded)
    yield


@pytest.fixture(scope="session")
def corpora() -> Path:
    if not CORPORA.is_dir():
        pytest.skip("the shared document collections are not beside this checkout (set NASD_CORPORA)")
    return CORPORA


@pytest.fixture(scope="session")
def prepared_model(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> PreparedModel:
    """The real default model, prepared once and kept between runs; for tests marked `real_model`."""
    return prepare_once(pytestconfig, tmp_path_factory)


@pytest.fixture(scope="session")
def tiny_gguf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real language model of 2.5 MB that gives one answer, see `tests.fakes.tiny_gguf`."""
    return write_tiny_gguf(tmp_path_factory.mktemp("gguf") / "Tiny-F32.gguf")


@pytest.fixture(scope="session")
def endless_gguf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same, but its answer never ends."""
    return write_tiny_gguf(tmp_path_factory.mktemp("gguf") / "Endless-F32.gguf", endless=True)
