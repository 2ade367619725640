"""What can be done to a volume, each with the line that says so; run so that an error harms nothing."""

from __future__ import annotations

from collections.abc import Coroutine, Sequence
from typing import Any

from textual.app import App

from nasd import wire
from nasd.errors import NasdError
from tui import literal
from tui.feed import Feed


def start(app: App[Any], feed: Feed, work: Coroutine[Any, Any, str]) -> None:
    """Runs `work` beside the UI and shows its line, or the daemon's error with what to do; then asks the feed
    for how things stand now."""
    app.run_worker(_reported(app, feed, work))


async def _reported(app: App[Any], feed: Feed, work: Coroutine[Any, Any, str]) -> None:
    try:
        said = await work
    except NasdError as error:
        text = literal.lines(str(error))
        app.notify(text, title=error.title, severity="error", timeout=10, markup=False)
    else:
        app.notify(literal.lines(said), markup=False)
    feed.poke()


async def scan(feed: Feed, names: Sequence[str]) -> str:
    for name in names:
        await feed.daemon.scan_volume(name)
    return f"Scanning {', '.join(names)}. Files that failed are tried again."


async def pause_or_resume(feed: Feed, volume: wire.VolumeOut) -> str:
    if volume.state == "paused":
        await feed.daemon.resume_volume(volume.name)
        return f"{volume.name} is watched again."
    await feed.daemon.pause_volume(volume.name)
    return f"{volume.name} is paused. What is known stays searchable, changes wait."


async def remove(feed: Feed, name: str) -> str:
    await feed.daemon.remove_volume(name)
    return f"{name} is forgotten. Its files were not touched."
