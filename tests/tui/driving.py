"""How tests look at the UI and wait for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from textual import events
from textual.pilot import Pilot
from textual.widgets import Input

from tui.app import NasdApp

PATIENCE_S = 20.0
STEP_S = 0.02


class StillApp(NasdApp):
    """Nothing blinks and nothing glides."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.animation_level = "none"

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        if isinstance(event.widget, Input):
            event.widget.cursor_blink = False


def shown(pilot: Pilot[Any]) -> str:
    """The text on the screen, line by line, as a terminal would get it."""
    strips = pilot.app.screen._compositor.render_strips()
    return "\n".join(strip.text.rstrip() for strip in strips)


async def until(pilot: Pilot[Any], holds: Callable[[], bool]) -> None:
    """Waits for what must come true; fails with the screen's text when it does not."""
    for _ in range(int(PATIENCE_S / STEP_S)):
        if holds():
            return
        await pilot.pause(STEP_S)
    raise AssertionError(f"it did not happen; the screen shows:\n{shown(pilot)}")


async def until_shown(pilot: Pilot[Any], *texts: str) -> None:
    await until(pilot, lambda: all(text in shown(pilot) for text in texts))


async def until_gone(pilot: Pilot[Any], text: str) -> None:
    await until(pilot, lambda: text not in shown(pilot))


async def type_text(pilot: Pilot[Any], text: str) -> None:
    names = {
        " ": "space",
        "?": "question_mark",
        "/": "slash",
        ".": "full_stop",
        "-": "minus",
        "_": "underscore",
    }
    await pilot.press(*(names.get(character, character) for character in text))
