"""Markup that no parser is to be trusted with, read as text: its tags taken out, nothing else understood."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

from nasd.domain.passages import Block
from nasd.extract.readers.flow import squeeze
from nasd.extract.readers.lines import paragraphs, split_lines

DEEPEST = 4_000
"""Elements within elements that an HTML parser is given: it walks through all that are open at each further
one, so its time grows with the square of their number. Browsers draw no more than 512."""

_TAG = re.compile(r"<[^<>]{0,2000}>")
_NAME = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9]{0,20})")
_UNREAD = re.compile(r"<(script|style)\b", re.IGNORECASE)
# No end tag is written for these, or it may be left out.
_SHALLOW = frozenset({
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track",
    "wbr", "p", "li", "dt", "dd", "option", "optgroup", "tr", "td", "th", "thead", "tbody", "tfoot",
    "colgroup", "rt", "rp", "body", "html", "head",
})  # fmt: skip


def too_deep(text: str) -> bool:
    """Whether an HTML text opens more elements within one another than `DEEPEST`, or never closes them."""
    if text.count("<") <= DEEPEST:
        return False
    depth = 0
    for match in _NAME.finditer(text):
        if match[2].lower() in _SHALLOW:
            continue
        depth = max(0, depth - 1) if match[1] else depth + 1
        if depth > DEEPEST:
            return True
    return False


def untagged(text: str, *, hidden: bool = False) -> Iterator[Block]:
    """Its paragraphs, without tags, scripts and styles."""
    bare = html.unescape(_TAG.sub("\n\n", _without_scripts(text)))
    for span in paragraphs(bare, split_lines(bare)):
        yield Block(text=squeeze(bare[span.first.start : span.last.end]), hidden=hidden)


def _without_scripts(text: str) -> str:
    parts: list[str] = []
    at = 0
    while (start := _UNREAD.search(text, at)) is not None:
        parts.append(text[at : start.start()])
        end = re.compile(f"</{start[1]}", re.IGNORECASE).search(text, start.end())
        if end is None:  # a browser takes all that follows for the script
            return "".join(parts)
        at = end.end()
    return "".join((*parts, text[at:]))
