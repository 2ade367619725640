"""Volumes: the table, what one can do to them, and the files of one that failed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import OptionList

from nasd import wire
from nasd.clock import Clock
from nasd.errors import NasdError
from tui import figures, literal, volume_actions
from tui.feed import Feed
from tui.screens.base import FeedScreen
from tui.screens.confirm import ConfirmScreen
from tui.screens.why import WhyScreen
from tui.widgets import failure_rows, volume_rows
from tui.widgets.answer import problem_text
from tui.widgets.lists import RowList
from tui.widgets.still import Still
from tui.widgets.volume_cards import NO_VOLUME

FAILED_SHOWN = 200


class VolumesScreen(FeedScreen):
    MODE = "volumes"
    AUTO_FOCUS = "#volume-rows"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a", "app.add_volume", "Add"),
        Binding("s", "scan", "Scan"),
        Binding("p", "pause", "Pause/resume"),
        Binding("d,delete", "remove", "Remove", key_display="d"),
        Binding("w", "why", "Why"),
        Binding("slash", "app.go('search')", "Search", key_display="/"),
    ]

    def __init__(self, feed: Feed, clock: Clock) -> None:
        super().__init__(feed, clock)
        self._failed_of: tuple[str, int] | None = None  # volume and number of failures that are shown

    def body(self) -> ComposeResult:
        with self.panel(Vertical(id="volume-table"), "Volumes"):
            yield Still(id="volume-heading")
            yield RowList[wire.VolumeOut](
                id="volume-rows",
                draw=lambda volume, width: volume_rows.row(volume, width, self.clock.now()),
                key=lambda volume: volume.name,
                empty=NO_VOLUME,
            )
        with self.panel(Vertical(id="volume-detail"), "Details"):
            yield Still(id="volume-facts")
            yield RowList[wire.FailureOut](
                id="failed-files",
                draw=lambda failed, width: failure_rows.failure(failed, width, self.clock.now()),
                key=lambda failed: failed.id,
                empty=failure_rows.NO_FAILURE,
            )

    def on_resize(self) -> None:
        self.call_after_refresh(self._draw_heading)

    def show(self) -> None:
        status = self.feed.status
        if status is None:
            return
        self._rows.show(status.volumes)
        self._draw_heading()
        self._show_detail()

    @property
    def _rows(self) -> RowList[wire.VolumeOut]:
        return self.query_one("#volume-rows", RowList)

    @property
    def _failed(self) -> RowList[wire.FailureOut]:
        return self.query_one("#failed-files", RowList)

    def _draw_heading(self) -> None:
        heading = self.query_one("#volume-heading", Still)
        heading.display = bool(self._rows.items)
        heading.show(volume_rows.heading(self._rows.row_width))

    @on(OptionList.OptionHighlighted, "#volume-rows")
    def volume_chosen(self) -> None:
        self._show_detail()

    def _show_detail(self) -> None:
        volume = self._rows.chosen
        detail = self.query_one("#volume-detail")
        detail.display = volume is not None
        if volume is None:
            self._failed_of = None
            return
        detail.border_title = Content(volume.name)
        self.query_one("#volume-facts", Still).show(volume_rows.facts(volume, self.clock.now()))
        wanted = (volume.name, volume.coverage.failed)
        if wanted == self._failed_of:
            return
        self._failed_of = wanted
        if volume.coverage.failed:
            self.run_worker(self._fetch_failed(volume.name), group="failed", exclusive=True)
        else:
            self.workers.cancel_group(self, "failed")
            self._show_failed(())

    async def _fetch_failed(self, name: str) -> None:
        try:
            page = await self.daemon.files(volume=name, state="failed", limit=FAILED_SHOWN)
        except NasdError as error:
            self._failed_of = None
            self._failed.show((), empty=problem_text(error.detail, error.cure))
            return
        self._show_failed(
            [failure_rows.from_entry(entry) for entry in page.items], more=bool(page.next_cursor)
        )

    def _show_failed(self, failed: Sequence[wire.FailureOut], *, more: bool = False) -> None:
        self._failed.show(failed, empty=failure_rows.NO_FAILURE)
        text = figures.counted(len(failed), "failed file") if failed else ""
        self.query_one("#volume-detail").border_subtitle = f"the first {text}" if more else text

    def action_scan(self) -> None:
        if (volume := self._rows.chosen) is not None:
            volume_actions.start(self.app, self.feed, volume_actions.scan(self.feed, [volume.name]))

    def action_pause(self) -> None:
        if (volume := self._rows.chosen) is not None:
            volume_actions.start(self.app, self.feed, volume_actions.pause_or_resume(self.feed, volume))

    def action_remove(self) -> None:
        if (volume := self._rows.chosen) is not None:
            name = volume.name

            def decided(yes: bool | None) -> None:
                if yes:
                    volume_actions.start(self.app, self.feed, volume_actions.remove(self.feed, name))

            self.app.push_screen(removal_question(volume), decided)

    @on(OptionList.OptionSelected, "#failed-files")
    def action_why(self) -> None:
        failed = self._failed.chosen
        if failed is not None:
            self.app.push_screen(WhyScreen(self.feed, f"{failed.volume}:{failed.path}"))


def removal_question(volume: wire.VolumeOut) -> ConfirmScreen:
    return ConfirmScreen(
        title=Content(f"Remove {volume.name}?"),
        text=Content.assemble(
            "nasd forgets what it has learned from ",
            (literal.line(volume.path), "bold"),
            f": {figures.counted(volume.coverage.files, 'file')} can no longer be found or quoted.\n\n",
            ("The files themselves are not touched.", "bold $success"),
        ),
        yes="Remove",
        no="Keep",
    )
