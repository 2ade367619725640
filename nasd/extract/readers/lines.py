"""Text as lines with exact offsets, and blocks as spans of it."""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import overload

from nasd.domain.passages import Block, Role

_BREAK = re.compile(r"\r\n|\r|\n")
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


class Lines(Sequence[Line]):
    """The lines of a text, each made when it is asked for: held as offsets, eight bytes a line."""

    def __init__(self, text: str, stops: array[int], first: int = 0) -> None:
        """`stops` are the offsets of the first line and of the one after each line; `first` is the index of
        the first line that belongs to this part."""
        self._text = text
        self._stops = stops
        self._first = first

    def __len__(self) -> int:
        return len(self._stops) - 1 - self._first

    def __iter__(self) -> Iterator[Line]:
        number = self._first
        stops = iter(self._stops)
        for _ in range(number):
            next(stops)
        for start, stop in pairwise(stops):
            number += 1
            yield self._line(start, stop, number)

    @overload
    def __getitem__(self, at: int) -> Line: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[Line]: ...
    def __getitem__(self, at: int | slice) -> Line | Sequence[Line]:
        if isinstance(at, slice):
            start, stop, step = at.indices(len(self))
            if step == 1 and stop == len(self):
                return Lines(self._text, self._stops, self._first + min(start, stop))
            return [self[number] for number in range(start, stop, step)]
        if at < 0:
            at += len(self)
        if not 0 <= at < len(self):
            raise IndexError(at)
        at += self._first
        return self._line(self._stops[at], self._stops[at + 1], at + 1)

    def _line(self, start: int, stop: int, number: int) -> Line:
        end = stop
        while end > start and self._text[end - 1] in "\r\n":
            end -= 1
        return Line(start, end, stop, number)


def split_lines(text: str) -> Lines:
    """Lines end at CR LF, LF or CR, as editors count them."""
    stops = array("q", [0])
    stops.extend(match.end() for match in _BREAK.finditer(text))
    if stops[-1] < len(text):
        stops.append(len(text))
    return Lines(text, stops)


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
