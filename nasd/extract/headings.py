"""The path of headings above a block."""

from __future__ import annotations

import re
from collections.abc import Sequence

from nasd.domain.passages import Block, Role

SEPARATOR = " › "
_PART_CHARS = 120  # a row of column names can be a heading too, and must leave room for the text
_ATX = re.compile(r"#{1,6}[ \t]+(?P<text>.*?)(?:[ \t]+#+)?$", re.DOTALL)
_UNDERLINE = re.compile(r"\s*[\r\n]\s*([!-/:-@\[-`{-~])\1*\s*$")
_OVERLINE = re.compile(r"([!-/:-@\[-`{-~])\1+\s*[\r\n]\s*")
_ORG = re.compile(r"\*{1,30}[ \t]+(?:(?:TODO|DONE)[ \t]+)?(?P<text>[^\r\n]*?)(?:[ \t]+:[\w@:]+:)?$")
_LATEX = re.compile(
    r"\\(?:part|chapter|(?:sub){0,2}section|frametitle)\*?(?:\[[^\]]*\])?\{(?P<text>.*)\}", re.DOTALL
)
_LATEX_MARK = re.compile(r"\\[a-zA-Z]+\*?\s?|\\(?=[&%$#_{}])|[{}]")
_SPACE = re.compile(r"\s+")


class Headings:
    """Follows a document's headings. A sheet or slide begins without any: titles do not reach across."""

    def __init__(self) -> None:
        self._open: list[tuple[int, str]] = []
        self._leaf: tuple[str | None, int | None] = (None, None)

    def enter(self, block: Block) -> tuple[str, ...]:
        """The path of a block; a heading's own ends with itself. What nobody sees heads nothing."""
        leaf = (block.sheet, block.slide)
        if leaf != self._leaf:
            self._open, self._leaf = [], leaf
        if block.role is Role.HEADING and not block.hidden:
            while self._open and self._open[-1][0] >= block.level:
                self._open.pop()
            self._open.append((block.level, plain(block.text)))
        return tuple(text for _, text in self._open)

    @staticmethod
    def shared(paths: Sequence[tuple[str, ...]]) -> str | None:
        """What is true of all: the longest path that they begin with."""
        if not paths:
            return None
        common = paths[0]
        for path in paths[1:]:
            length = next(
                (i for i, (a, b) in enumerate(zip(common, path, strict=False)) if a != b),
                min(len(common), len(path)),
            )
            common = common[:length]
        return SEPARATOR.join(part for part in common if part) or None


def plain(text: str) -> str:
    """A heading without the marks of Markdown, reStructuredText, Org and LaTeX, on one line, of bounded
    length."""
    text = text.strip()
    if (match := _ATX.match(text) or _ORG.match(text)) is not None:
        text = match["text"]
    elif (match := _LATEX.match(text)) is not None:
        text = _LATEX_MARK.sub("", match["text"])
    elif _UNDERLINE.search(text) is not None:
        text = _OVERLINE.sub("", text, count=1) if _OVERLINE.match(text) else text
    text = _SPACE.sub(" ", _UNDERLINE.sub("", text)).strip()
    if len(text) > _PART_CHARS:
        text = text[:_PART_CHARS].rsplit(" ", 1)[0].rstrip(" |,;") + " …"
    return text
