"""The terminal admin UI: three screens, one feed. What it knows of a daemon comes through `tui.daemon`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

from textual.app import App
from textual.binding import Binding, BindingType
from textual.command import Provider

from nasd import wire
from nasd.clock import Clock, SystemClock
from nasd.errors import ConfigError
from tui import themes, volume_actions
from tui.commands import Commands
from tui.daemon import Connect
from tui.feed import Feed
from tui.screens.add_volume import AddVolumeScreen
from tui.screens.dashboard import DashboardScreen
from tui.screens.help import HelpScreen
from tui.screens.search import SearchScreen
from tui.screens.volumes import VolumesScreen


class NasdApp(App[int]):
    """`connect` opens a client for as long as it is used; it is called again after each loss."""

    TITLE = "nasd"
    CSS_PATH = Path(__file__).with_name("style.tcss")  # whole, so that a subclass elsewhere finds it
    COMMANDS: ClassVar[set[type[Provider] | Callable[[], type[Provider]]]] = {Commands}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("1,f2", "go('dashboard')", "Dashboard", show=False),
        Binding("2,f3", "go('search')", "Search & ask", show=False),
        Binding("3,f4", "go('volumes')", "Volumes", show=False),
        Binding("f1,question_mark", "help", "Keys", key_display="F1"),
        Binding("ctrl+t,f9", "toggle_theme", "Light or dark", show=False, priority=True),
        Binding("ctrl+r", "reconnect", "Refresh, or reconnect now", show=False, priority=True),
        Binding("ctrl+p", "command_palette", "Commands", show=False, priority=True),
        Binding("ctrl+q", "quit", "Quit", priority=True),
        Binding("q", "quit", "Quit", show=False),
    ]

    def __init__(self, connect: Connect, *, clock: Clock | None = None, feed: Feed | None = None) -> None:
        super().__init__()
        self.clock = clock or SystemClock()
        self.feed = feed or Feed(connect)
        self.add_mode("dashboard", lambda: DashboardScreen(self.feed, self.clock))
        self.add_mode("search", lambda: SearchScreen(self.feed, self.clock))
        self.add_mode("volumes", lambda: VolumesScreen(self.feed, self.clock))
        for theme in (themes.DARK, themes.LIGHT):
            self.register_theme(theme)

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return themes.DARK.variables

    def on_mount(self) -> None:
        self.theme = themes.DARK.name
        self.switch_mode("dashboard")
        self.run_worker(self.feed.run(), name="feed")

    def action_go(self, mode: str) -> None:
        self.switch_mode(mode)

    def action_help(self) -> None:
        if not isinstance(self.screen, HelpScreen):
            screens = (
                ("Dashboard", DashboardScreen),
                ("Search & ask", SearchScreen),
                ("Volumes", VolumesScreen),
            )
            groups = [("Everywhere", self.BINDINGS), *((title, screen.BINDINGS) for title, screen in screens)]
            self.push_screen(HelpScreen(groups))

    def action_toggle_theme(self) -> None:
        self.theme = themes.LIGHT.name if self.current_theme.dark else themes.DARK.name

    def action_reconnect(self) -> None:
        self.feed.poke()

    def action_add_volume(self) -> None:
        def added(volume: wire.VolumeOut | None) -> None:
            if volume is not None:
                self.notify(f"{volume.name} is added; it is being scanned.", markup=False)
                self.switch_mode("volumes")

        self.push_screen(AddVolumeScreen(self.feed), added)

    def scan(self, names: list[str]) -> None:
        volume_actions.start(self, self.feed, volume_actions.scan(self.feed, names))

    def pause_or_resume(self, name: str) -> None:
        status = self.feed.status
        volume = next((one for one in status.volumes if one.name == name), None) if status else None
        if volume is not None:
            volume_actions.start(self, self.feed, volume_actions.pause_or_resume(self.feed, volume))


def run(connect: Connect) -> int:
    """Runs the UI until it is left; the command's exit code. `ConfigError` without a terminal."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):  # the screen is drawn on stderr
        raise ConfigError("The terminal UI needs a terminal, for its input and its stderr.")
    app = NasdApp(connect)
    app.run()
    return app.return_code or 0
