"""From recognised words to blocks: paragraphs joined, lines of forms and receipts kept. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby, pairwise

from nasd.domain.passages import Block, Role
from nasd.extract.ocr.base import Word

_LEAST_CONFIDENCE = 30.0  # of a line; below, it is specks and drawings taken for letters
_FULL = 0.85  # of its paragraph's width, that a line of running text reaches
_WIDE_GAP = 2.5  # of a line's height: cells that stand apart
_SURE = 60.0


def sure_chars(words: Sequence[Word]) -> int:
    """Letters and digits in words that the engine is sure of: how good a reading is."""
    return sum(
        sum(1 for c in word.text if c.isalnum())
        for word in words
        if word.confidence >= _SURE and sum(1 for c in word.text if c.isalnum()) >= 2
    )


def page_blocks(words: Sequence[Word], *, page: int | None) -> Iterator[Block]:
    """The blocks of one page, without lines that are likely no text."""
    for _, of_paragraph in groupby(words, key=lambda word: word.paragraph):
        lines = [list(line) for _, line in groupby(of_paragraph, key=lambda word: word.line)]
        kept = [line for line in lines if _credible(line)]
        if not kept:
            continue
        texts = [_line_text(line) for line in kept]
        if _runs_on(kept):
            text = _joined(texts)
            yield Block(text=text, page=page)
        else:
            for number, text in enumerate(texts):
                last = number + 1 == len(texts)
                yield Block(text=text, after="\n\n" if last else "\n", role=Role.ROW, page=page)


def _credible(line: Sequence[Word]) -> bool:
    weight = sum(len(word.text) for word in line)
    sure = sum(word.confidence * len(word.text) for word in line) / weight
    return sure >= _LEAST_CONFIDENCE and any(c.isalnum() for word in line for c in word.text)


def _line_text(line: Sequence[Word]) -> str:
    parts = [line[0].text]
    for before, word in pairwise(line):
        height = max(before.bottom - before.top, word.bottom - word.top, 1)
        parts.append(" | " if word.left - before.right > _WIDE_GAP * height else " ")
        parts.append(word.text)
    return "".join(parts)


def _runs_on(lines: Sequence[Sequence[Word]]) -> bool:
    """Whether the lines but the last fill the paragraph's width, as running text does."""
    if len(lines) == 1:
        return True
    left = min(line[0].left for line in lines)
    right = max(line[-1].right for line in lines)
    full = sum(1 for line in lines[:-1] if line[-1].right - left >= _FULL * (right - left))
    return full * 2 > len(lines) - 1


def _joined(texts: Sequence[str]) -> str:
    """One paragraph; a word cut at a line end loses its hyphen."""
    text = texts[0]
    for following in texts[1:]:
        cut = len(text) > 1 and text[-1] == "-" and text[-2].isalpha() and following[:1].islower()
        text = text[:-1] + following if cut else f"{text} {following}"
    return text
