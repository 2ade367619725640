"""The answer with its numbered citations, as it arrives and when it is whole."""

from __future__ import annotations

import re

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from nasd import wire
from tui import literal

_REFERENCE = re.compile(r"\[(\d{1,3})\]")


class AnswerPane(VerticalScroll, can_focus=True):
    """Hidden until something is asked."""

    def compose(self) -> ComposeResult:
        yield Static("", id="answer-text")

    def begin(self) -> None:
        self._set(Content.styled("Reading the passages…", "$quiet"), title="Answer", abstained=False)

    def grow(self, text: str) -> None:
        """What has been said so far."""
        self._set(literal.marked(text, (), ""), title="Answer", abstained=False)
        self.scroll_end(animate=False)

    def finish(self, answer: wire.AskOut) -> None:
        title = "No answer found" if answer.abstained else "Answer"
        self._set(answer_text(answer), title=title, abstained=answer.abstained)
        self.border_subtitle = Content(literal.line(answer.answerer))
        self.scroll_home(animate=False)

    def fail(self, detail: str, cure: str | None) -> None:
        self._set(problem_text(detail, cure), title="Not answered", abstained=True)

    def hide(self) -> None:
        self.display = False

    def _set(self, content: Content, *, title: str, abstained: bool) -> None:
        self.display = True
        self.border_title = Content(title)
        self.border_subtitle = Content("")
        self.set_class(abstained, "-abstained")
        self.query_one("#answer-text", Static).update(content)


def answer_text(answer: wire.AskOut) -> Content:
    """The answer; references to its citations stand out, sentences without support are said to be so."""
    content = literal.marked(answer.answer, (), "$warning" if answer.abstained else "")
    numbers = {citation.n for citation in answer.citations}
    for found in _REFERENCE.finditer(answer.answer):
        if int(found[1]) in numbers:
            content = content.stylize("bold $accent", found.start(), found.end())
    doubtful = [sentence for sentence in answer.sentences if not sentence.supported]
    position = 0
    for sentence in doubtful:
        start = answer.answer.find(sentence.text, position)
        if start >= 0:
            position = start + len(sentence.text)
            content = content.stylize("underline $warning", start, position)
    if doubtful and not answer.abstained:
        content = Content.assemble(content, "\n", ("Underlined: no passage supports it.", "$warning"))
    return content


def problem_text(detail: str, cure: str | None) -> Content:
    """An error of the daemon: what is wrong and, where there is one, what to do."""
    rows = [Content.styled(literal.lines(detail), "$error")]
    if cure:
        rows.append(Content(literal.lines(cure)))
    return Content("\n").join(rows)
