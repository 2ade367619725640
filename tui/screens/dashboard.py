"""The dashboard: volumes, work, engine, failures and events at a glance."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, VerticalScroll
from textual.content import Content
from textual.widgets import OptionList

from nasd import wire
from tui import figures, literal
from tui.screens.base import FeedScreen
from tui.screens.why import WhyScreen
from tui.widgets import failure_rows
from tui.widgets.engine import engine_rows
from tui.widgets.lists import RowList
from tui.widgets.still import Still
from tui.widgets.volume_cards import VolumeCards
from tui.widgets.work import WorkPanel

WAITING = Content.styled("Waiting for the daemon.", "$quiet")


class DashboardScreen(FeedScreen):
    MODE = "dashboard"
    AUTO_FOCUS = "#dashboard"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a", "app.add_volume", "Add volume"),
        Binding("slash", "app.go('search')", "Search", key_display="/"),
        Binding("w", "why", "Why"),
        Binding("tab", "app.focus_next", "Next panel", show=False),
    ]

    def body(self) -> ComposeResult:
        with VerticalScroll(id="dashboard"):
            with self.panel(VerticalScroll(id="volumes-panel", can_focus=False), "Volumes"):
                yield VolumeCards()
            with Container(id="machine"):
                yield self.panel(WorkPanel(id="work"), "Work")
                yield self.panel(Still(id="engine"), "Engine")
            yield self.panel(
                RowList[wire.FailureOut](
                    id="failures",
                    draw=lambda failed, width: failure_rows.failure(failed, width, self.clock.now()),
                    key=lambda failed: failed.id,
                    empty=Content(""),
                ),
                "Recent failures",
            )
            yield self.panel(
                RowList[tuple[wire.EventOut, int]](
                    id="events",
                    draw=failure_rows.event,
                    key=lambda row: str(row[0].id),
                    empty=Content(""),
                ),
                "Events",
            )

    def show(self) -> None:
        status = self.feed.status
        if status is None:
            self.query_one(VolumeCards).show(WAITING)
            return
        self.query_one(VolumeCards).tell(status.volumes)
        self.query_one("#volumes-panel").border_subtitle = totals(status)
        self.query_one(WorkPanel).show(status, self.feed.rates)
        self.query_one("#engine", Still).show(Content("\n").join(engine_rows(status)))
        self.query_one("#engine").border_subtitle = Content(literal.line(f"nasd {status.version}"))
        self.query_one("#failures", RowList).show(status.recent_failures, empty=failure_rows.NO_FAILURE)
        self.query_one("#events", RowList).show(
            failure_rows.fold(self.feed.events), empty=failure_rows.NO_EVENT
        )

    @on(OptionList.OptionSelected, "#failures")
    def action_why(self) -> None:
        failed = self.query_one("#failures", RowList).chosen
        if isinstance(failed, wire.FailureOut):
            self.app.push_screen(WhyScreen(self.feed, f"{failed.volume}:{failed.path}"))


def totals(status: wire.StatusOut) -> str:
    coverage = status.coverage
    parts = [figures.counted(coverage.files, "file")]
    if coverage.pending:
        parts.append(f"{figures.count(coverage.pending)} to do")
    if coverage.failed:
        parts.append(f"{figures.count(coverage.failed)} failed")
    if coverage.skipped:
        parts.append(f"{figures.count(coverage.skipped)} skipped")
    return " · ".join(parts)
