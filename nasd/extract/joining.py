"""Small blocks joined into larger ones once a document has too many of them: they are held in memory while
they are cut, and a million lines of one word need a hundred times the memory of their text. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from nasd.domain.passages import Block, Role

PLENTY = 50_000
"""So many blocks come as they are: more than the longest books have paragraphs."""

JOINED_CHARS = 2_000
"""What blocks are joined up to: some passages, so that these are still cut between them."""


def join_plenty(
    blocks: Iterable[Block], *, plenty: int = PLENTY, chars: int = JOINED_CHARS
) -> Iterator[Block]:
    """The blocks; after the first `plenty`, those that follow each other in one place are joined. The text
    stays the same, and lines, pages and what is hidden are told as before; headings become text."""
    source = iter(blocks)
    for _ in range(plenty):
        block = next(source, None)
        if block is None:
            return
        yield block
    run: list[Block] = []
    size = 0
    for block in source:
        length = len(block.text) + len(block.after)
        if run and (size + length > chars or not _beside(run[0], block)):
            yield _joined(run)
            run, size = [], 0
        run.append(block)
        size += length
    if run:
        yield _joined(run)


def _beside(one: Block, other: Block) -> bool:
    return (one.page, one.sheet, one.slide, one.hidden) == (
        other.page,
        other.sheet,
        other.slide,
        other.hidden,
    )


def _joined(run: list[Block]) -> Block:
    first, last = run[0], run[-1]
    if len(run) == 1:
        return first
    roles = {block.role for block in run}
    lines = [line for block in run for line in (block.line_start, block.line_end) if line is not None]
    return replace(
        first,
        text="".join(part for block in run for part in (block.text, block.after))[: -len(last.after) or None],
        after=last.after,
        role=first.role if len(roles) == 1 and first.role is not Role.HEADING else Role.PARAGRAPH,
        level=0,
        line_start=min(lines, default=None),
        line_end=max(lines, default=None),
    )
