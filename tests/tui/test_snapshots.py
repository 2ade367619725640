"""How it looks. After a wanted change: `pytest tests/tui --snapshot-update`, then look at what changed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from textual.pilot import Pilot

from tests.tui.driving import StillApp, type_text, until_shown
from tests.tui.scripted import ScriptedDaemon
from tests.tui.specimens import abstention, empty_status

SMALL, LARGE = (80, 24), (120, 36)
Compare = Callable[..., bool]


def steps(*parts: Any) -> Callable[[Pilot[Any]], Awaitable[None]]:
    """Keys in tuples, text to wait for as strings."""

    async def act(pilot: Pilot[Any]) -> None:
        for part in ("● ready", *parts, "nasd"):
            if isinstance(part, tuple):
                await pilot.press(*part)
            elif part.startswith("type "):
                await type_text(pilot, part.removeprefix("type "))
            else:
                await until_shown(pilot, part)
        await pilot.pause()

    return act


SEARCHED = (("2",), "Type some words", "type dishwasher warranty", ("enter",), "4 hits", "found by")
ASKED = (
    ("2",),
    "Type some words",
    "type dishwasher warranty?",
    ("enter",),
    "2 citations",
    "Guarantee period",
)


@pytest.mark.parametrize("size", [SMALL, LARGE], ids=["small", "large"])
def test_dashboard(snap_compare: Compare, app: StillApp, size: tuple[int, int]) -> None:
    assert snap_compare(app, terminal_size=size, run_before=steps("tax-2019.pdf", "31,204"))


def test_dashboard_light(snap_compare: Compare, app: StillApp) -> None:
    assert snap_compare(app, terminal_size=LARGE, run_before=steps("tax-2019.pdf", "gone", ("ctrl+t",)))


def test_dashboard_empty(snap_compare: Compare, app: StillApp, daemon: ScriptedDaemon) -> None:
    daemon.answers_status, daemon.remembered = empty_status(), []
    assert snap_compare(app, terminal_size=SMALL, run_before=steps("No volume yet", "Nothing has happened"))


@pytest.mark.parametrize("size", [SMALL, LARGE], ids=["small", "large"])
def test_search(snap_compare: Compare, app: StillApp, size: tuple[int, int]) -> None:
    assert snap_compare(app, terminal_size=size, run_before=steps(*SEARCHED))


def test_answer(snap_compare: Compare, app: StillApp) -> None:
    assert snap_compare(app, terminal_size=LARGE, run_before=steps(*ASKED))


def test_abstention(snap_compare: Compare, app: StillApp, daemon: ScriptedDaemon) -> None:
    daemon.answers = abstention()
    asked = (
        ("2",),
        "Type some words",
        "type dishwasher warranty?",
        ("enter",),
        "Nearest passages",
        "blue folder",
    )
    assert snap_compare(app, terminal_size=LARGE, run_before=steps(*asked))


@pytest.mark.parametrize("size", [SMALL, LARGE], ids=["small", "large"])
def test_volumes(snap_compare: Compare, app: StillApp, size: tuple[int, int]) -> None:
    assert snap_compare(app, terminal_size=size, run_before=steps(("3",), "last scan", "3 failed files"))


def test_add_volume(snap_compare: Compare, app: StillApp) -> None:
    filled = (("3",), "3 failed files", ("a",), "Add a volume", ("enter",), "Give the folder")
    assert snap_compare(app, terminal_size=SMALL, run_before=steps(*filled))


def test_remove_volume(snap_compare: Compare, app: StillApp) -> None:
    asked = (("3",), "3 failed files", ("d",), "not touched")
    assert snap_compare(app, terminal_size=SMALL, run_before=steps(*asked))
