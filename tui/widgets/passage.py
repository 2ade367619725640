"""One passage in full: where it stands, and its text with what was found marked in it."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from tui import describe, figures, literal
from tui.widgets.found import Found

MARK = "bold $mark on $mark-background"


class PassagePane(VerticalScroll, can_focus=True):
    def compose(self) -> ComposeResult:
        yield Static("", id="passage-head")
        yield Static("", id="passage-text")

    def show(self, found: Found | None) -> None:
        head, text = self.query_one("#passage-head", Static), self.query_one("#passage-text", Static)
        head.display = found is not None
        self.border_title = Content("Passage")
        if found is None:
            text.update("")
            return
        head.update(passage_head(found))
        text.update(literal.marked(found.passage.text, found.spans, MARK))
        self.scroll_home(animate=False)
        self.call_after_refresh(self._reveal, found)

    def _reveal(self, found: Found) -> None:
        """Scrolls so that the first mark can be seen, as a long passage may begin far above it."""
        if not found.spans or not self.is_attached:
            return
        text = self.query_one("#passage-text", Static)
        top, bottom = mark_rows(found, text.content_size.width)
        if text.virtual_region.y + bottom >= self.scrollable_content_region.height:
            self.scroll_to(y=text.virtual_region.y + top - 1, animate=False)


def mark_rows(found: Found, width: int) -> tuple[int, int]:
    """First and last row of the first mark, from 0, when the passage is wrapped at `width` cells."""
    start, end = found.spans[0] if found.spans else (0, 0)
    text = literal.lines(found.passage.text)
    first, last = (len(Content(text[:offset]).wrap(max(width, 1))) - 1 for offset in (start + 1, end))
    return max(first, 0), max(last, 0)


def passage_head(found: Found) -> Content:
    file, passage = found.file, found.passage
    folder, name = literal.split_path(file.path)
    facts = [
        describe.place(passage.place),
        f"at {figures.count(passage.char_start)}–{figures.count(passage.char_end)}",
        literal.line(file.kind),
        figures.size(file.size),
        figures.day(file.modified),
    ]
    rows = [Content.assemble((f"{file.volume}:{folder}", "$quiet"), (name, "bold"))]
    if file.title and file.title != name:
        rows.append(Content.styled(literal.line(file.title), "italic"))
    rows.append(Content.styled(" · ".join(fact for fact in facts if fact), "$quiet"))
    if found.note:
        rows.append(Content.styled(f"found by {found.note}", "$quiet"))
    return Content("\n").join(rows)
