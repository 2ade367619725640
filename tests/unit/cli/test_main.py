"""The command line as a process: signals, pipes, help."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from nasd.cli import main
from tests.unit.cli.conftest import RunNasd

NASD = [sys.executable, "-c", "from nasd.cli.main import run; run()"]


def test_an_interrupted_command_ends_with_130_and_without_a_trace(tmp_path: Path) -> None:
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(tmp_path / "nasd.sock"))
    listener.listen()
    listener.settimeout(60)
    running = subprocess.Popen(
        [*NASD, "--state-dir", str(tmp_path), "status"], stderr=subprocess.PIPE, stdout=subprocess.PIPE
    )
    connection, _ = listener.accept()  # it waits for an answer that never comes
    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=60)
    connection.close()
    listener.close()
    assert (running.returncode, out) == (130, b"")
    assert b"Traceback" not in err


def test_a_reader_that_has_had_enough_is_no_error(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [*NASD, "--state-dir", str(tmp_path), "config", "show"],
        check=False,
        stdout=writing,
        stderr=subprocess.PIPE,
        timeout=60,
    )
    os.close(writing)
    assert done.stderr == b""
    assert done.returncode in (0, 1)


@pytest.mark.parametrize("command", [(), ("volume",), ("device",), ("model",), ("config",), ("db",)])
def test_help_names_every_command(nasd: RunNasd, command: tuple[str, ...]) -> None:
    ran = nasd(*command, "--help", state=None)
    assert ran.code == 0
    assert "Usage: nasd" in ran.out


def test_the_commands_are_those_that_work() -> None:
    names = {
        info.name or (info.callback.__name__ if info.callback else "")
        for info in main.app.registered_commands
    }
    groups = {group.name for group in main.app.registered_groups}
    assert names == {
        "run", "try", "wait", "status", "search", "ask", "why", "evaluate", "openapi", "tui", "version"
    }  # fmt: skip
    assert groups == {"volume", "device", "model", "config", "db"}


def test_the_ui_has_an_entry_point_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["nasd-tui", "--url", "http://nas:1"])
    monkeypatch.setattr(main, "run", lambda: sys.exit(0))
    with pytest.raises(SystemExit):
        main.run_tui()
    assert sys.argv == ["nasd-tui", "--url", "http://nas:1", "tui"]
