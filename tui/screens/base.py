"""What the three main screens have in common: the bar, the banner, the footer and the feed."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Footer

from nasd.clock import Clock
from tui.daemon import Daemon
from tui.feed import Feed
from tui.messages import EventsArrived, LinkChanged, StatusArrived
from tui.widgets.banner import Banner
from tui.widgets.topbar import TopBar


class FeedScreen(Screen[None]):
    """Listens to the feed while it is shown."""

    MODE: ClassVar[str]
    # Textual declares these on the instance.
    HORIZONTAL_BREAKPOINTS: list[tuple[int, str]] | None = [(0, "-narrow"), (100, "-wide")]  # noqa: RUF012

    VERTICAL_BREAKPOINTS: list[tuple[int, str]] | None = [(0, "-short"), (30, "-tall")]  # noqa: RUF012

    def __init__(self, feed: Feed, clock: Clock) -> None:
        super().__init__()
        self.feed = feed
        self.clock = clock

    def compose(self) -> ComposeResult:
        yield TopBar(self.MODE)
        yield Banner()
        yield from self.body()
        yield Footer(show_command_palette=False)

    def body(self) -> ComposeResult:
        """The widgets between banner and footer."""
        raise NotImplementedError

    def show(self) -> None:
        """Draws what the feed holds. Called when the screen appears and at each change."""
        raise NotImplementedError

    @property
    def daemon(self) -> Daemon:
        return self.feed.daemon

    def on_screen_resume(self) -> None:
        self.feed.join(self)

    def on_screen_suspend(self) -> None:
        self.feed.leave(self)

    def on_unmount(self) -> None:
        self.feed.leave(self)

    @on(LinkChanged)
    @on(StatusArrived)
    @on(EventsArrived)
    def redraw(self) -> None:
        link = self.feed.link
        self.query_one(TopBar).show(link, self.feed.status)
        self.query_one(Banner).tell(link)
        self.set_class(link.state == "down", "-away")
        self.show()

    def panel(self, widget: Widget, title: str) -> Widget:
        widget.border_title = title
        widget.add_class("panel")
        return widget
