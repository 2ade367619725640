"""The text of a whole file, as nasd read it, opened at one passage."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from nasd.errors import NasdError
from tui import figures, literal
from tui.feed import Feed
from tui.screens.dialog import Dialog
from tui.widgets.answer import problem_text
from tui.widgets.found import Found
from tui.widgets.passage import MARK, mark_rows

AROUND = 20_000
"""Code points shown before and after the passage: wrapping a whole book holds up the keys for seconds."""


class TextScreen(Dialog[None]):
    def __init__(self, feed: Feed, found: Found) -> None:
        super().__init__(Content(literal.line(f"{found.file.volume}:{found.file.path}")))
        self._feed = feed
        self._found = found
        self.add_class("-large")

    def body(self) -> ComposeResult:
        yield Static("", id="text-note")
        with VerticalScroll(id="text-scroll"):
            yield Static(Content.styled("Reading…", "$quiet"), id="text-before")
            yield Static("", id="text-passage")
            yield Static("", id="text-after")

    def on_mount(self) -> None:
        self.run_worker(self._read())

    async def _read(self) -> None:
        before = self.query_one("#text-before", Static)
        try:
            text = (await self._feed.daemon.file_text(self._found.file.id)).text
        except NasdError as error:
            before.update(problem_text(error.detail, error.cure))
            return
        start, end = passage_range(text, self._found)
        first, last = max(start - AROUND, 0), min(end + AROUND, len(text))
        note = figures.counted(len(text), "character")
        if first > 0 or last < len(text):
            note += f"; shown are {figures.count(first)} to {figures.count(last)}"
        self.query_one("#text-note", Static).update(Content.styled(note, "$quiet"))
        before.update(literal.marked(text[first:start].rstrip("\n"), (), ""))
        before.display = bool(text[first:start].strip())
        here = literal.marked(
            text[start:end], self._found.spans if text[start:end] == self._found.passage.text else (), MARK
        )
        passage = self.query_one("#text-passage", Static)
        passage.update(here)
        self.query_one("#text-after", Static).update(literal.marked(text[end:last].lstrip("\n"), (), ""))
        self.call_after_refresh(self._reveal)

    def _reveal(self) -> None:
        """Scrolls to the passage, or further to its mark when that would be out of sight."""
        passage, scroll = self.query_one("#text-passage", Static), self.query_one("#text-scroll")
        top = passage.virtual_region.y - 1
        first, last = mark_rows(self._found, passage.content_size.width)
        if last + 3 > scroll.scrollable_content_region.height:
            top += first
        scroll.scroll_to(y=max(top, 0), animate=False)


def passage_range(text: str, found: Found) -> tuple[int, int]:
    """Where the passage stands in the file's text. A file read anew since may have it elsewhere, or no more:
    then what now stands at its place, within the text."""
    start, end = found.passage.char_start, found.passage.char_end
    if text[start:end] != found.passage.text:
        elsewhere = text.find(found.passage.text)
        if elsewhere >= 0:
            return elsewhere, elsewhere + len(found.passage.text)
    return min(start, len(text)), min(end, len(text))
