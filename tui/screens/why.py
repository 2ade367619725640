"""What nasd knows of one file, and why."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from nasd import wire
from nasd.errors import NasdError
from tui import figures, literal
from tui.feed import Feed
from tui.screens.dialog import Dialog
from tui.widgets.answer import problem_text

_COLOURS = {
    "searchable": "$success",
    "words only": "$secondary",
    "pending": "$primary",
    "failed": "$error",
    "skipped": "$quiet",
    "unknown": "$warning",
}

DETAIL_WIDTH = 41
"""Cells beside the time and the step, in a dialog as wide as 80 columns allow."""


class WhyScreen(Dialog[None]):
    """`path` is absolute, or "volume:path"."""

    def __init__(self, feed: Feed, path: str) -> None:
        super().__init__(Content("Why"))
        self._feed = feed
        self._path = path

    def body(self) -> ComposeResult:
        with VerticalScroll():
            yield Static(Content.styled("Asking…", "$quiet"), id="why-text")

    def on_mount(self) -> None:
        self.run_worker(self._ask())

    async def _ask(self) -> None:
        try:
            shown = why_text(await self._feed.daemon.why(self._path))
        except NasdError as error:
            shown = problem_text(error.detail, error.cure)
        self.query_one("#why-text", Static).update(shown)


def why_text(why: wire.WhyOut) -> Content:
    name = f"{why.volume}:{why.path}" if why.volume and not why.path.startswith("/") else why.path
    rows = [
        Content.styled(literal.line(name), "bold"),
        Content.assemble((f"{why.verdict}  ", f"bold {_COLOURS[why.verdict]}"), literal.lines(why.summary)),
    ]
    if why.file is not None:
        file = why.file
        facts = [
            literal.line(file.kind),
            figures.size(file.size),
            f"changed {figures.day(file.modified)}",
        ]
        if file.passages:
            facts.append(figures.counted(file.passages, "passage"))
        rows.append(Content.styled(" · ".join(facts), "$quiet"))
    if why.steps:
        rows.append(Content(""))
    for step in why.steps:
        when = f"{step.at.astimezone():%d %b %H:%M:%S}" if step.at is not None else ""
        what = literal.line(step.what)
        detail = Content(literal.lines(step.detail)).wrap(DETAIL_WIDTH) or [Content("")]
        rows.append(Content.assemble((f"{when:<16}", "$quiet"), (f"{what:<12}", "$primary"), detail[0]))
        rows += [Content.assemble(" " * 28, more) for more in detail[1:]]
    return Content("\n").join(rows)
