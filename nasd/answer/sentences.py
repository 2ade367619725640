"""Text cut into the units that can be quoted: sentences of prose, items of lists, rows of tables.

Pure, and exact: every unit is a span of the text it was cut from.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

MAX_UNIT = 600
"""Characters. A longer unit is cut at a semicolon or a space: running text of scripts without full stops
(Thai), or a table that lost its lines. The longest sentence in a thousand of English prose has about 400."""

_WRAP_WIDTH = 45
"""Columns. Lines of wrapped prose are at least this wide; below, a line break is meant (verse, addresses)."""

_SLACK = 0.75
"""A line that had room for the next word within this part of the widest line was broken on purpose.
Proportional type makes lines of equal width differ by about a fifth in characters."""

_MARKER = re.compile(r"(?:[-*+•‣▪●◦·–—>]|#{1,6}|\(?(?:\d{1,3}|[a-zA-Z]|[ivxIVX]{2,4})[.)])[ \t]+")
_BULLET = re.compile(r"(?:(?:[-*+•‣▪●◦·–—>|]|#{1,6})[ \t]+)+")
_AMOUNT = r"[$€£¥(+−–—-]*(?:\d[\d.,'’]*|[—–-])[%)x]*"
_CELLS = re.compile(r"\t|\S[ ]*[|¦][ ]*\S|^\||\S {3,}\S")
_AMOUNTS = re.compile(rf"(?:(?:^|[ ])[$€£¥]?[ ]?{_AMOUNT}){{2,}}[ ]*$")
_WIDE = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")

_FULL = "。！？｡؟۔।॥։።፧។៕။"
"""Marks that end a sentence whatever follows them."""

_CLOSERS = r"(?:[\"'”’»›)\]}}」』】）]|\[\d{1,3}\])*"
_END = re.compile(rf"[{_FULL}]+{_CLOSERS}|[.!?…\u037e]+{_CLOSERS}(?=\s|$)")


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_TITLES = _words("""
    mr mrs ms dr prof rev gen col capt lt sgt gov sen rep hon messrs mme mlle sr sra srta dott sig dra
    hr fr frl dipl ing bzw ca vgl evtl ggf sog usw inkl exkl zzgl vs cf e.g i.e z.b d.h u.a o.g m.e s.o
    p.ex p.e resp env approx
""")
_BEFORE_NUMBER = _words("""
    no nr nos núm num n vol fig figs eq sec ch chap p pp pg art abs sect par para ed jan feb mar apr jun
    jul aug sep sept oct nov dec tel ext ver v c ab abb tab kap ziff rn
""")
_OFTEN_INSIDE = _words("""
    inc co corp ltd llc plc jr sr etc al dept est bros st mt ft
""")
_STARTERS = _words("""
    the a an in it its he she they we this that these those there however but and on at for as if when
    while after before since although also his her their our der die das ein eine es er sie wir dies im
    le la les il elle un une ce el los las lo y de het een
""")


@dataclass(frozen=True, slots=True)
class Span:
    """`text[start:end]` is one unit, without white space or a bullet around it; code points."""

    start: int
    end: int
    row: bool = False  # a line of a table
    paragraph: int = 0  # units of one paragraph or table share the number


def split(text: str) -> list[Span]:
    """The units of a text, in order and without overlap; together they hold all of its letters and digits."""
    spans: list[Span] = []
    for number, block in enumerate(_blocks(text)):
        for start, end, row in _joined_lines(text, block):
            pieces = [(start, end)] if row else _sentences(text, start, end)
            for piece in pieces:
                for part in _bounded(text, *piece):
                    left, right = _trimmed(text, *part)
                    if left < right:
                        spans.append(Span(left, right, row, number))
    return spans


def _blocks(text: str) -> Iterator[list[tuple[int, int]]]:
    """The lines between blank lines, as spans without the white space around them."""
    lines: list[tuple[int, int]] = []
    for match in re.finditer(r"[^\n\r\f\v\u2028\u2029\x85]+", text):
        start, end = _stripped(text, *match.span())
        between = text[lines[-1][1] : start] if lines else ""
        if lines and (start == end or between.count("\n") > 1 or re.search("[\f\u2029]", between)):
            yield lines
            lines = []
        if start < end:
            lines.append((start, end))
    if lines:
        yield lines


def _joined_lines(text: str, lines: list[tuple[int, int]]) -> Iterator[tuple[int, int, bool]]:
    """Lines of one block joined where the break between them is only wrapping."""
    width = max(_columns(text[start:end]) for start, end in lines)
    at, until = lines[0]
    row = _is_row(text[at:until])
    for start, end in lines[1:]:
        next_row = _is_row(text[start:end])
        if row or next_row or not _wrapped(text[at:until], text[start:end], width):
            yield at, until, row
            at, row = start, next_row
        until = end
    yield at, until, row


def _wrapped(before: str, after: str, width: int) -> bool:
    if _MARKER.match(after) or before.startswith("#"):
        return False
    last = before[max(before.rfind("\n"), before.rfind("\r")) + 1 :]
    if after[:1].islower() and not last.endswith((".", "!", "?", ":", ";")):
        return True
    word = after.split(maxsplit=1)[0]
    if _WIDE.search(last[-1:]):
        word = word[:1]
    return width >= _WRAP_WIDTH and _columns(last) + 1 + _columns(word) >= _SLACK * width


def _is_row(line: str) -> bool:
    return bool(_CELLS.search(line) or _AMOUNTS.search(line[-200:]))


def _columns(text: str) -> int:
    """Han, kana and the like are about two columns wide."""
    return len(text) + sum(1 for _ in _WIDE.finditer(text))


def _sentences(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    at = start
    marker = _MARKER.match(text, start, end)
    search = marker.end() if marker else start
    for match in _END.finditer(text, search, end):
        if _ends(text, at, match.start(), match.end(), end):
            yield at, match.end()
            at = match.end()
    if at < end:
        yield at, end


def _ends(text: str, at: int, mark: int, after: int, end: int) -> bool:
    """Whether the mark at `mark` ends the sentence that began at `at`."""
    if text[mark] in _FULL or after >= end:
        return True
    following = text[after : min(end, after + 64)].lstrip()
    first = following.lstrip("\"'“‘„«([")[:1]
    if first.islower():
        return False
    if text[mark] != "." or text[mark : mark + 2] == "..":
        return True
    word = re.split(r"[\s(\[/\"“„«'’-]", text[max(at, mark - 24) : mark])[-1]
    folded = word.casefold()
    next_word = re.split(r"\W", following, maxsplit=1)[0].casefold()
    if folded in _TITLES or (first.isdigit() and folded in _BEFORE_NUMBER):
        return False
    if folded in _OFTEN_INSIDE or re.fullmatch(r"(?:\w\.)+\w", word):
        return next_word in _STARTERS
    if len(word) == 1 and word.isalpha():  # an initial, or "z. B."
        return next_word in _STARTERS or (word.islower() and following[1:2] != ".")
    return not (word.isdigit() and len(word) <= 2 and _is_ordinal(text, at, mark - len(word)))


def _is_ordinal(text: str, at: int, start: int) -> bool:
    """`3.` in "am 3. Oktober" or at the head of an item; not in "the answer is 3. Then"."""
    before = text[at:start].split()
    return not before or before[-1].casefold() in {
        "am",
        "vom",
        "zum",
        "der",
        "den",
        "dem",
        "des",
        "im",
        "bis",
        "und",
    }


def _bounded(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    while end - start > MAX_UNIT:
        half, limit = start + MAX_UNIT // 2, start + MAX_UNIT
        cut = next(
            (found + len(mark) for mark in ("; ", " ") if (found := text.rfind(mark, half, limit)) > 0), limit
        )
        yield start, cut
        start = cut
    yield start, end


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    start, end = _stripped(text, start, end)
    bullet = _BULLET.match(text, start, end)
    if bullet:
        start = bullet.end()
    while end > start and text[end - 1] in "| \t":
        end -= 1
    return (start, end) if any(character.isalnum() for character in text[start:end]) else (start, start)


def _stripped(text: str, start: int, end: int) -> tuple[int, int]:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end
