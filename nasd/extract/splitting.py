"""Parts of a text that is too long for one passage: by sentences or lines, then words, then characters.

Every part of the text is counted a small number of times, so the cost grows with its length alone.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from nasd.domain.passages import Role

LONG_CHARS = 20  # characters per token beyond which text is no language: it is measured by its length then
LINE_BREAK = re.compile(r"\r\n|\r|\n")

# After a full stop the next sentence begins with anything but a small letter; scripts without spaces end
# theirs with a sign that nothing else uses.
_SENTENCE = re.compile(r"(?<=[.!?…][\"'”’»)\]])\s+(?![a-z])|(?<=[.!?…])\s+(?![a-z])|(?<=[。！？｡।])\s*")
_LINE = re.compile(r"[ \t]*(?:\r\n|\r|\n)\s*")
_SPACE = re.compile(r"\s+")
_LAST_SPACE = re.compile(r"\s+(?=\S*\Z)")


class Part(NamedTuple):
    """Offsets within the text, without the white space around, and the count."""

    start: int
    end: int
    tokens: int


def split_text(
    text: str, role: Role, count_tokens: Callable[[str], int], target_tokens: int, max_tokens: int
) -> Iterator[Part]:
    """Parts of nearly equal size, each of at most `max_tokens`, with only white space (or nothing) between
    them. Prose is cut between sentences, code and rows between lines, where that is possible."""
    breaks = (_LINE,) if role in (Role.CODE, Role.ROW) else (_SENTENCE, _LINE)
    atoms = list(_atoms(text, 0, len(text), breaks, count_tokens, max_tokens))
    left = sum(atom.tokens for atom in atoms)
    if atoms and left <= max_tokens:
        yield Part(atoms[0].start, atoms[-1].end, left)
        return
    start, end, size = -1, -1, 0
    for atom in atoms:
        total = left + size
        aim = total / max(1, math.ceil(total / target_tokens))
        over = size + atom.tokens > max_tokens or size + atom.tokens / 2 > aim
        if start >= 0 and over:
            yield Part(start, end, size)
            start, size = -1, 0
        if start < 0:
            start = atom.start
        end = atom.end
        size += atom.tokens
        left -= atom.tokens
    if start >= 0:
        yield Part(start, end, size)


def _atoms(
    text: str,
    start: int,
    end: int,
    breaks: tuple[re.Pattern[str], ...],
    count_tokens: Callable[[str], int],
    max_tokens: int,
) -> Iterator[Part]:
    """Parts between breaks; one that is too long is broken by the next finer kind, at last between words."""
    if not breaks:
        yield from _windows(text, start, end, count_tokens, max(1, max_tokens // 4), max_tokens)
        return
    for left, right in _between(text, start, end, breaks[0]):
        if right - left <= LONG_CHARS * max_tokens:
            tokens = count_tokens(text[left:right])
            if tokens <= max_tokens:
                yield Part(left, right, tokens)
                continue
        yield from _atoms(text, left, right, breaks[1:], count_tokens, max_tokens)


def _between(text: str, start: int, end: int, pattern: re.Pattern[str]) -> Iterator[tuple[int, int]]:
    at = start
    for match in pattern.finditer(text, start, end):
        if match.start() > at:
            yield at, match.start()
        at = max(at, match.end())
    if at < end:
        yield at, end


def _windows(
    text: str, start: int, end: int, count_tokens: Callable[[str], int], wanted: int, most: int
) -> Iterator[Part]:
    """Runs of words of about `wanted` tokens, of characters where a word is longer than that; the length of
    a run follows what the last one counted."""
    length = 4 * wanted
    while start < end:
        stop = _word_end(text, start, min(end, start + length), end)
        tokens = count_tokens(text[start:stop])
        while tokens > most and stop - start > 1:
            shorter = start + max(1, min(stop - start - 1, int((stop - start) * wanted / tokens)))
            stop = _word_end(text, start, shorter, end)
            tokens = count_tokens(text[start:stop])
        yield Part(start, stop, tokens)
        factor = wanted / max(1, tokens)
        length = max(1, min(int((stop - start) * min(2.0, max(0.5, factor))), LONG_CHARS * wanted))
        space = _SPACE.match(text, stop, end)
        start = space.end() if space else stop


def _word_end(text: str, start: int, stop: int, end: int) -> int:
    """The end of the last whole word before `stop`; `stop` itself within a first word that goes beyond."""
    if stop >= end or text[stop].isspace():
        return start + len(text[start:stop].rstrip()) or stop
    space = _LAST_SPACE.search(text, start, stop)
    return space.start() if space and space.start() > start else stop
