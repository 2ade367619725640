"""The command palette's entries: everything the keys do, and each volume by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Protocol, cast

from textual.command import DiscoveryHit, Hit, Hits, Provider

from tui.feed import Feed


class Commanded(Protocol):
    """What the entries need of the app."""

    feed: Feed

    def action_go(self, mode: str) -> None: ...
    def action_add_volume(self) -> None: ...
    def action_toggle_theme(self) -> None: ...
    def action_help(self) -> None: ...
    def action_reconnect(self) -> None: ...
    def scan(self, names: list[str]) -> None: ...
    def pause_or_resume(self, name: str) -> None: ...


Entry = tuple[str, str, Callable[[], None]]


class Commands(Provider):
    async def discover(self) -> Hits:
        for title, told, act in self._entries():
            yield DiscoveryHit(title, act, help=told)

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for title, told, act in self._entries():
            score = matcher.match(title)
            if score > 0:
                yield Hit(score, matcher.highlight(title), act, help=told)

    def _entries(self) -> Iterator[Entry]:
        app = cast(Commanded, self.app)
        yield "Dashboard", "Volumes, work, engine, failures and events", partial(app.action_go, "dashboard")
        yield "Search & ask", "Find passages, or get an answer with quotes", partial(app.action_go, "search")
        yield "Volumes", "Add, scan, pause and remove; failed files", partial(app.action_go, "volumes")
        yield "Add a volume", "Watch another folder", app.action_add_volume
        status = app.feed.status
        volumes = status.volumes if status is not None else []
        if len(volumes) > 1:
            yield "Scan all volumes", "Look for changes now", partial(app.scan, [v.name for v in volumes])
        for volume in volumes:
            name = volume.name
            yield f"Scan {name}", "Look for changes now, try failed files again", partial(app.scan, [name])
            if volume.state == "paused":
                yield f"Resume {name}", "Watch it again", partial(app.pause_or_resume, name)
            else:
                yield (
                    f"Pause {name}",
                    "Stop watching; what is known stays",
                    partial(app.pause_or_resume, name),
                )
        yield "Light or dark", "Change the theme", app.action_toggle_theme
        yield "Reconnect", "Try the daemon now", app.action_reconnect
        yield "Keys", "All keys on one page", app.action_help
