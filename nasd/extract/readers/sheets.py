"""The rows of a sheet as blocks: its name, the names of its columns, then a row per block."""

from __future__ import annotations

from collections.abc import Sequence

from nasd.domain.passages import Block, Role
from nasd.extract.readers.flow import is_header, row_text


class SheetRows:
    """Takes the rows of one sheet in order. The first row is a heading when it names columns, also below a
    caption of one cell."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._first = True

    def title(self) -> Block:
        return Block(text=self._name, role=Role.HEADING, level=1, sheet=self._name)

    def block(self, cells: Sequence[str]) -> Block | None:
        """None for a row without text."""
        text = row_text(cells)
        if not text:
            return None
        start = next(i for i, cell in enumerate(cells) if cell.strip())
        header = self._first and is_header(cells[start:])
        self._first = self._first and not header and sum(1 for cell in cells if cell.strip()) == 1
        role = Role.HEADING if header else Role.ROW
        return Block(text=text, role=role, level=2 if header else 0, sheet=self._name)
