"""Text written in characters that no font draws, told apart from the text that people see. Pure.

Tag characters (U+E0000..U+E007F) mirror ASCII, variation selectors can carry bytes, and runs of zero-width
characters carry bits. All have honest uses one at a time: a joiner within a word, a selector behind a sign,
tags behind the black flag that spell a region's flag.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from nasd.domain.passages import Block

_TAGS = re.compile("\U0001f3f4[\U000e0020-\U000e007e]{2,6}\U000e007f|[\U000e0000-\U000e007f]+")
_SELECTORS = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]{4,}")
_NOTHING = re.compile(
    "[\u200b-\u200f\u2060-\u2064\u206a-\u206f\u00ad\u180e\ufeff\u202a-\u202e\u2066-\u2069]{4,}"
)
_SUSPECT = re.compile(
    "[\U000e0000-\U000e01ef]|[\u200b-\u200f\u2060-\u206f\u00ad\u180e\ufe00-\ufe0f\ufeff\u202a-\u202e]{4}"
)


def part_unseen(blocks: Iterable[Block]) -> Iterator[Block]:
    """The blocks without undrawn characters; what they spell follows in hidden blocks."""
    for block in blocks:
        if block.text.isascii() or _SUSPECT.search(block.text) is None:
            yield block
            continue
        text, unseen = told_apart(block.text)
        if not unseen:
            yield replace(block, text=text)
        elif text.strip():
            yield replace(block, text=text, after="\n\n")
            yield replace(block, text=unseen, hidden=True)
        else:
            yield replace(block, text=unseen, hidden=True)


def told_apart(text: str) -> tuple[str, str]:
    """What is seen of a text, and what its undrawn characters spell (empty when they spell nothing)."""
    found: list[str] = []

    def tags(match: re.Match[str]) -> str:
        if match[0][0] == "\U0001f3f4":
            return match[0]
        found.append("".join(chr(ord(c) - 0xE0000) for c in match[0] if 0xE0020 <= ord(c) < 0xE007F))
        return ""

    def selectors(match: re.Match[str]) -> str:
        data = bytes(ord(c) - 0xFE00 if c < "\U000e0100" else ord(c) - 0xE0100 + 16 for c in match[0])
        found.append(data.decode("utf-8", "replace"))
        return ""

    seen = _NOTHING.sub("", _SELECTORS.sub(selectors, _TAGS.sub(tags, text)))
    return seen, "\n".join(piece for piece in found if piece.strip())
