"""The first line of every screen: where one is, and how the daemon is."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Static

from nasd import wire
from tui import describe, literal
from tui.messages import Link
from tui.widgets.still import Still

PLACES = (("dashboard", "1", "Dashboard"), ("search", "2", "Search & ask"), ("volumes", "3", "Volumes"))


class Tab(Static):
    """One place to go; a click goes there."""

    def __init__(self, mode: str, key: str, title: str, *, here: bool) -> None:
        shown = Content.assemble((f"{key} ", "$quiet"), (title, "bold" if here else ""))
        super().__init__(shown, classes="-here" if here else "")
        self._mode = mode

    async def on_click(self) -> None:
        await self.run_action(f"app.go('{self._mode}')")


class TopBar(Horizontal):
    def __init__(self, mode: str) -> None:
        super().__init__()
        self._mode = mode

    def compose(self) -> ComposeResult:
        yield Static(Content.assemble(("◆ ", "$accent"), ("nasd", "bold")), id="brand")
        for mode, key, title in PLACES:
            yield Tab(mode, key, title, here=mode == self._mode)
        yield Still(id="daemon")

    def show(self, link: Link, status: wire.StatusOut | None) -> None:
        self.query_one("#daemon", Still).show(daemon_line(link, status))


def daemon_line(link: Link, status: wire.StatusOut | None) -> Content:
    """State and address of the daemon, for the right end of the bar."""
    if link.state == "connecting":
        return Content.styled("○ connecting", "$quiet")
    if link.state == "down" or status is None:
        return Content.styled("○ no daemon", "$error")
    colour = {"ready": "$success", "starting": "$warning"}.get(status.state, "$error")
    address = literal.line(describe.host_and_port(status))
    return Content.assemble(("● ", colour), status.state, (f"  {address}", "$quiet"))
