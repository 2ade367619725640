"""A model's reply taken apart: its sentences, what each cites, what each quotes. Pure.

A reply is plain text whose sentences end in markers, `The warranty runs five years [1].` Whatever else comes
(headings, lists, links, pictures, thoughts said aloud) is brought to plain text first.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from nasd.answer.plain import plain_text
from nasd.answer.sentences import split

_MARKER = re.compile(
    r"[\[【]\s*\^?(?:(?:passages?|sources?|quellen?|ref\.?)\s*)?\d{1,4}"
    r"(?:\s*(?:[,;–-]|and|und)\s*\d{1,4})*\s*[\]】](?!\()",
    re.IGNORECASE,
)
_LEADING = re.compile(rf"(?:[\s.,;]*{_MARKER.pattern})+[\s.]*", re.IGNORECASE)
_QUOTED = re.compile('"([^"]{3,}?)"|“([^“”]{3,}?)”|„([^„“”]{3,}?)[“”]|«([^«»]{3,}?)»')
_OPEN, _CLOSE = "<think>", "</think>"

MOST_CITED = 8
"""Citations kept of one sentence; a range such as [1-40] says nothing."""


@dataclass(frozen=True, slots=True)
class Claim:
    """`text` is without markers; `cited` are the numbers in them, in order, each once; `quoted` is what
    stands in double quotation marks."""

    text: str
    cited: tuple[int, ...]
    quoted: tuple[str, ...] = ()


def read_reply(reply: str) -> list[Claim]:
    """The sentences of a whole reply. Any text is a reply."""
    reader = ReplyReader()
    return [*reader.take(reply), *reader.end()]


class ReplyReader:
    """Takes a reply as it comes and gives each sentence once nothing can be added to it any more."""

    def __init__(self) -> None:
        self._raw = ""  # may be the beginning of a mark
        self._held = ""  # of the answer, not yet given
        self._thinking = False

    def take(self, piece: str) -> list[Claim]:
        """The sentences that this piece completes."""
        self._raw += piece
        self._hear()
        units = split(self._held)
        # The last sentence may go on, and the one before may still get a marker behind its full stop.
        while units and _is_marker(self._held[units[-1].start :]):
            units.pop()
        if len(units) < 2:
            return []
        cut = units[-1].start
        marker = re.search(r"[\[【(*_#>-]*\s*$", self._held[:cut])
        cut = marker.start() if marker and marker.start() > units[-2].end else cut
        leading = _LEADING.match(self._held[cut:])
        cut += leading.end() if leading else 0
        done, self._held = self._held[:cut], self._held[cut:]
        return list(_claims(done))

    def end(self) -> list[Claim]:
        """What is left."""
        rest = "" if self._thinking else self._raw
        done, self._held, self._raw = self._held + rest, "", ""
        return list(_claims(done))

    def _hear(self) -> None:
        """Some models think aloud between marks: that is no part of the answer."""
        while True:
            mark = _CLOSE if self._thinking else _OPEN
            before, found, after = self._raw.partition(mark)
            if not found:
                kept = next((n for n in range(len(mark) - 1, 0, -1) if self._raw.endswith(mark[:n])), 0)
                cut = len(self._raw) - kept
                if not self._thinking:
                    self._held += self._raw[:cut]
                self._raw = self._raw[cut:]
                return
            if not self._thinking:
                self._held += before
            self._thinking, self._raw = not self._thinking, after


def _is_marker(text: str) -> bool:
    """Whether a text is markers alone, or may become one."""
    return bool(_LEADING.fullmatch(text) or re.fullmatch(r"[\s.]*[\[【][^\]】]{0,40}", text))


def _claims(text: str) -> Iterator[Claim]:
    held: Claim | None = None
    for span in split(text):
        unit = text[span.start : span.end]
        leading = _LEADING.match(unit)
        if leading and held is not None:
            cited = tuple(dict.fromkeys((*held.cited, *_numbers(leading[0]))))[:MOST_CITED]
            held = Claim(held.text, cited, held.quoted)
            unit = unit[leading.end() :]
        claim = _claim(unit)
        if any(map(str.isalnum, claim.text)):
            if held is not None:
                yield held
            held = claim
    if held is not None:
        yield held


def _claim(unit: str) -> Claim:
    bare = " ".join(plain_text(_MARKER.sub(" ", unit)).split())
    bare = re.sub(r"\s+([.,;:!?…])", r"\1", bare)
    quoted = tuple(next(filter(None, match.groups())) for match in _QUOTED.finditer(bare))
    return Claim(bare, _numbers(unit), quoted)


def _numbers(text: str) -> tuple[int, ...]:
    found: list[int] = []
    for marker in _MARKER.finditer(text):
        for part in re.findall(r"\d+\s*[–-]\s*\d+|\d+", marker[0]):
            ends = [int(end) for end in re.findall(r"\d+", part)]
            found += range(ends[0], min(ends[-1], ends[0] + MOST_CITED) + 1)
    return tuple(dict.fromkeys(found))[:MOST_CITED]
