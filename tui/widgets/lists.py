"""A list whose rows are drawn for the width they get, and that keeps its place when they change."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from textual.content import Content
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from tui.widgets.still import same

T = TypeVar("T")


class RowList(OptionList, Generic[T]):
    """Shows `items`, each drawn by `draw(item, width)`. With none it shows `empty`, which says what to do.

    `key` names an item across updates, so that the highlight stays on it.
    """

    def __init__(
        self,
        *,
        draw: Callable[[T, int], Content],
        key: Callable[[T], str],
        empty: Content,
        id: str | None = None,
    ) -> None:
        super().__init__(id=id, markup=False)
        self.items: Sequence[T] = ()
        self._draw = draw
        self._key = key
        self._empty = empty
        self._drawn: tuple[int, tuple[Content, ...]] | None = None

    @property
    def chosen(self) -> T | None:
        """The highlighted item."""
        index = self.highlighted
        return self.items[index] if index is not None and index < len(self.items) else None

    @property
    def row_width(self) -> int:
        """Cells for a row: without the padding of rows, and without the scroll bar's column whether it is
        there or not, so that its coming does not break every line in two."""
        return self.content_region.width - 2 - self.styles.scrollbar_size_vertical

    def show(self, items: Sequence[T], *, empty: Content | None = None) -> None:
        if empty is not None:
            self._empty = empty
        kept = None if self.chosen is None else self._key(self.chosen)
        self.items = items
        self._fill(kept)

    def on_resize(self) -> None:
        self._fill(None if self.chosen is None else self._key(self.chosen))

    def _fill(self, kept: str | None) -> None:
        width = self.row_width
        if width <= 0:
            return
        rows = tuple(self._draw(item, width) for item in self.items) or (self._empty,)
        if self._drawn is not None and self._drawn[0] == width and _same(self._drawn[1], rows):
            return
        self._drawn = (width, rows)
        scroll = self.scroll_y
        self.set_options([Option(row, disabled=not self.items) for row in rows])
        if self.items:
            keys = [self._key(item) for item in self.items]
            self.highlighted = keys.index(kept) if kept in keys else 0
            self.scroll_to(y=scroll if kept in keys else 0, animate=False)


def _same(before: Sequence[Content], after: Sequence[Content]) -> bool:
    return len(before) == len(after) and all(same(a, b) for a, b in zip(before, after, strict=True))
