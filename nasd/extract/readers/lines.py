"""Text as lines with exact offsets, and blocks as spans of it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from nasd.domain.passages import Block, Role

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n|$)")
MAX_BLOCK_CHARS = 20_000  # longer runs are cut at line ends, so that none has to be held or sent as one


@dataclass(frozen=True, slots=True)
class Line:
    """One line: its offsets without and with its line break, and its number from 1."""

    start: int
    end: int
    stop: int
    number: int


@dataclass(frozen=True, slots=True)
class Span:
    """The lines `first`..`last` (inclusive) as one block."""

    first: Line
    last: Line
    role: Role = Role.PARAGRAPH
    level: int = 0


def split_lines(text: str) -> list[Line]:
    """Lines end at CR LF, LF or CR, as editors count them."""
    lines = []
    for number, match in enumerate(_LINE.finditer(text), start=1):
        start, stop = match.span()
        if start == stop == len(text):
            break
        end = stop
        while end > start and text[end - 1] in "\r\n":
            end -= 1
        lines.append(Line(start, end, stop, number))
    return lines


def blocks_of(text: str, spans: Iterable[Span]) -> Iterator[Block]:
    """Blocks that rebuild `text` exactly, from spans in order that cover everything but white space."""
    before: tuple[int, int, Span] | None = None
    for span in spans:
        start, end = _stripped(text, span.first.start, span.last.end)
        if start == end:
            continue
        if before is not None:
            yield _block(text, before, start)
        elif start > 0:
            yield Block(text="", after=text[:start])
        before = (start, end, span)
    if before is not None:
        yield _block(text, before, len(text))


def _stripped(text: str, start: int, end: int) -> tuple[int, int]:
    piece = text[start:end]
    left = len(piece) - len(piece.lstrip())
    return (end, end) if left == len(piece) else (start + left, start + len(piece.rstrip()))


def _block(text: str, held: tuple[int, int, Span], following: int) -> Block:
    start, end, span = held
    return Block(
        text=text[start:end],
        after=text[end:following],
        role=span.role,
        level=span.level,
        line_start=span.first.number,
        line_end=span.last.number,
    )


def paragraphs(text: str, lines: Iterable[Line], role: Role = Role.PARAGRAPH) -> Iterator[Span]:
    """Runs of lines between blank ones."""
    run: list[Line] = []
    for line in lines:
        if not text[line.start : line.end].strip():
            yield from _close(run, role)
            run = []
        elif run and line.end - run[0].start > MAX_BLOCK_CHARS:
            yield from _close(run, role)
            run = [line]
        else:
            run.append(line)
    yield from _close(run, role)


def _close(run: list[Line], role: Role) -> Iterator[Span]:
    if run:
        yield Span(run[0], run[-1], role)
