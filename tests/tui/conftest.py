"""One time zone, and an app that follows a script and stands still."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

import pytest

from tests.tui.driving import StillApp
from tests.tui.scripted import ScriptedDaemon
from tests.tui.specimens import FrozenClock


@pytest.fixture(autouse=True)
def universal_time(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    before = os.environ.get("TZ")
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    if before is None:
        monkeypatch.delenv("TZ")
    else:
        monkeypatch.setenv("TZ", before)
    time.tzset()


@pytest.fixture(autouse=True)
def plain_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """The colours of snapshots must not depend on where the tests run."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLORTERM", "truecolor")


@pytest.fixture
def daemon() -> ScriptedDaemon:
    return ScriptedDaemon()


@pytest.fixture
def app(daemon: ScriptedDaemon) -> StillApp:
    return StillApp(daemon.connect, clock=FrozenClock())
