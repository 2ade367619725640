"""Blocks of formats whose white space is theirs to choose: how they follow each other, and rows of cells."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from nasd.domain.passages import Block, Role

CELL = " | "
_CLOSE = (Role.ITEM, Role.ROW)
_SPACE = re.compile(r"[\s\u200b\ufeff]+")
_NUMBER = re.compile(r"[-+(]?[$€£¥]?\s?[\d.,:/\s-]*\d[\d.,:/\s-]*%?\)?$")


def settle(blocks: Iterable[Block]) -> Iterator[Block]:
    """Sets `after`: items of a list and rows of a table stand on lines of their own, everything else is
    separated by a blank line. Blocks without text are dropped."""
    held: Block | None = None
    for block in blocks:
        text = block.text.strip()
        if not text:
            continue
        if held is not None:
            close = held.role in _CLOSE and block.role is held.role and _beside(held, block)
            yield replace(held, after="\n" if close else "\n\n")
        held = replace(block, text=text)
    if held is not None:
        yield replace(held, after="\n")


def _beside(one: Block, other: Block) -> bool:
    places = [(block.page, block.sheet, block.slide, block.hidden) for block in (one, other)]
    return places[0] == places[1]


def squeeze(text: str) -> str:
    """One line, with single spaces."""
    return _SPACE.sub(" ", text).strip()


def row_text(cells: Sequence[str]) -> str:
    """Cells on one line, so that a value stays beside its label. Empty cells keep the columns apart unless
    most are empty."""
    texts = [squeeze(cell) for cell in cells]
    while texts and not texts[-1]:
        texts.pop()
    filled = [text for text in texts if text]
    return CELL.join(filled if len(filled) * 2 < len(texts) else texts)


def is_header(cells: Sequence[str]) -> bool:
    """Whether a first row names its columns: at least two names, all different, none a number or date."""
    names = [squeeze(cell) for cell in cells]
    while names and not names[-1]:
        names.pop()
    if len(names) < 2 or not all(names) or len(set(names)) < len(names):
        return False
    return not any(_NUMBER.match(name) or len(name) > 120 for name in names)
