"""A piece of text that is drawn again only when it changes: the feed speaks every second or two."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Static


class Still(Static):
    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__("", id=id, classes=classes, markup=False)
        self._shown = Content("")

    def show(self, content: Content) -> None:
        if not same(self._shown, content):
            self._shown = content
            self.update(content)


def same(one: Content, other: Content) -> bool:
    """Equal in text and style; `Content` compares its text alone."""
    return one.plain == other.plain and one.spans == other.spans
