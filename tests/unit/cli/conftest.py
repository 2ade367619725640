"""Running the command line in this process against a scripted client."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from nasd.cli import main
from nasd.cli.session import Session
from tests.fakes.client import ScriptedClient


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str


RunNasd = Callable[..., Ran]


@pytest.fixture
def nasd(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> RunNasd:
    """`nasd("search", "x", client=…)`. Without a client: no daemon, an empty state folder."""

    def run(*arguments: str, client: ScriptedClient | None = None, state: Path | None = tmp_path) -> Ran:
        options = ["--state-dir", str(state)] if state else []
        with monkeypatch.context() as patch:
            patch.setattr("sys.argv", ["nasd", *options, *arguments])
            if client is not None:
                patch.setattr(Session, "client", lambda self: client.open())
            with pytest.raises(SystemExit) as ended:
                main.run()
        captured = capsys.readouterr()
        assert isinstance(ended.value.code, int)
        return Ran(ended.value.code, captured.out, captured.err)

    return run
