"""Cuts a document into passages along its own structure. Pure.

The invariant, for every document whose `after` parts are white space:

- `document.text[p.char_start:p.char_end] == p.text`, and `p.text` neither begins nor ends with white space;
- `"".join(p.text + p.gap for p in passages) == document.text.lstrip()`;
- no passage crosses a page, sheet or slide, nor holds hidden text beside visible;
- if `count_tokens` adds up over white space (as the tokenizers of BERT-like models do, without their special
  tokens), `count_tokens(p.text) <= p.tokens <= max_tokens`. Both counts are equal but for text of more than
  20 characters per token (an endless "word" is a single unknown token), which is measured by its length, and
  for blocks that no white space separates, which are counted one by one.
  Other tokenizers may differ by a token per piece.

A document without text has no passages.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from nasd.domain.passages import Block, Document, Passage, Place, Role
from nasd.extract.headings import Headings
from nasd.extract.splitting import LINE_BREAK, LONG_CHARS, split_text

CountTokens = Callable[[str], int]


class _Piece(NamedTuple):
    """A block, or a part of one too long for a passage; offsets are the document's."""

    start: int
    end: int
    tokens: int
    block: Block
    path: tuple[str, ...]
    line_start: int | None
    line_end: int | None

    @property
    def heading(self) -> bool:
        return self.block.role is Role.HEADING and not self.block.hidden

    @property
    def leaf(self) -> tuple[int | None, str | None, int | None, bool]:
        """The page, sheet and slide, and whether it is seen: what no passage crosses."""
        return self.block.page, self.block.sheet, self.block.slide, self.block.hidden


@dataclass(slots=True)
class _Section:
    """A run of pieces under one heading (with those that lead to it), on one page, sheet, slide."""

    pieces: list[_Piece]
    level: int  # of its first heading; 0 without one

    @property
    def tokens(self) -> int:
        return sum(piece.tokens for piece in self.pieces)


def cut(
    document: Document, *, count_tokens: CountTokens, target_tokens: int, max_tokens: int
) -> tuple[Passage, ...]:
    """The passages of a document, in order.

    `target_tokens` is the size to aim at, `max_tokens` what no passage exceeds; 1 <= target <= max, or
    ValueError. Each block is counted once, a long one by its sentences or lines.
    """
    if not 1 <= target_tokens <= max_tokens:
        raise ValueError(f"target_tokens {target_tokens} must lie within 1 and max_tokens {max_tokens}")

    def count(text: str) -> int:
        return max(count_tokens(text), len(text) // LONG_CHARS)

    pieces = _pieces(document.blocks, count, target_tokens, max_tokens)
    groups = [
        group
        for run in _merge_short(_sections(pieces), target_tokens)
        for group in _pack(run, target_tokens, max_tokens)
    ]
    return tuple(_passages(document.text, _join_stranded(groups, max_tokens)))


def _pieces(
    blocks: Sequence[Block], count_tokens: CountTokens, target_tokens: int, max_tokens: int
) -> Iterator[_Piece]:
    headings = Headings()
    at = 0
    for block in blocks:
        start, end = at, at + len(block.text)
        at = end + len(block.after)
        text = block.text.strip()
        if not text:
            continue
        start += len(block.text) - len(block.text.lstrip())
        path = headings.enter(block)
        # Likely too long: counting its parts is enough, and they come back as one if they fit.
        long = len(text) > 3 * max_tokens
        tokens = 0 if long else count_tokens(text)
        if not long and tokens <= max_tokens:
            yield _Piece(
                start, start + len(text), tokens, block, path, *_lines(block, text, block.line_start)
            )
            continue
        line, seen = block.line_start, 0
        for part in split_text(text, block.role, count_tokens, target_tokens, max_tokens):
            if line is not None:
                line += _breaks(text, seen, part.start)
            seen = part.start
            yield _Piece(
                start + part.start,
                start + part.end,
                part.tokens,
                block,
                path,
                *_lines(block, text[part.start : part.end], line),
            )


def _lines(block: Block, text: str, first: int | None) -> tuple[int | None, int | None]:
    """First and last line of a part that begins on line `first`. Where the lines in the text are not the
    file's (a quoted cell's are, a joined paragraph's are not), the block's own range bounds them."""
    if first is None:
        return None, None
    last = first + _breaks(text, 0, len(text))
    if block.line_end is not None:
        last = min(last, block.line_end)
        if text == block.text.strip():
            last = block.line_end
    return min(first, last), last


def _breaks(text: str, start: int, end: int) -> int:
    if "\r" not in text:
        return text.count("\n", start, end)
    # A CR LF cut in two counts once, with its LF.
    count = sum(1 for _ in LINE_BREAK.finditer(text, start, end))
    return count - (text[end - 1 : end + 1] == "\r\n" and end > start)


# --- sections -----------------------------------------------------------------------------------------------


def _sections(pieces: Iterator[_Piece]) -> Iterator[_Section]:
    held: _Section | None = None
    body = False  # whether the held section has more than headings
    for piece in pieces:
        fresh = held is None or held.pieces[-1].leaf != piece.leaf or (piece.heading and body)
        # A heading that is not below the one before it begins its own section even when that had no text.
        if not fresh and held is not None and piece.heading and held.pieces[-1].heading:
            before = held.pieces[-1]
            fresh = before.block is not piece.block and piece.block.level <= before.block.level
        if fresh or held is None:
            if held is not None:
                yield held
            held = _Section([], piece.block.level if piece.heading else 0)
            body = False
        held.pieces.append(piece)
        body = body or not piece.heading
    if held is not None:
        yield held


def _merge_short(sections: Iterator[_Section], target_tokens: int) -> Iterator[_Section]:
    """Short sections that follow each other become one, up to the target, so that a document of many small
    headings is not one of many tiny passages. A section never joins the end of a chapter it is not part of:
    only deeper or equal headings follow."""
    held: _Section | None = None
    for section in sections:
        if held is not None and _may_join(held, section, target_tokens):
            held.pieces.extend(section.pieces)
            continue
        if held is not None:
            yield held
        held = section
    if held is not None:
        yield held


def _may_join(held: _Section, section: _Section, target_tokens: int) -> bool:
    one, other = held.pieces[-1], section.pieces[0]
    if one.leaf != other.leaf:
        return False
    if all(piece.heading for piece in held.pieces):
        return True  # a heading alone says nothing
    tokens = held.tokens
    small = tokens < target_tokens / 2 and tokens + section.tokens <= target_tokens
    return small and section.level >= held.level


# --- passages -----------------------------------------------------------------------------------------------


def _pack(section: _Section, target_tokens: int, max_tokens: int) -> Iterator[list[_Piece]]:
    """Parts of about equal size, none above the limit, rather than full ones and a rest. Headings stay with
    what follows them."""
    pieces = section.pieces
    left = section.tokens
    if left <= max_tokens:
        yield list(pieces)
        return
    group: list[_Piece] = []
    size = 0
    for at, piece in enumerate(pieces):
        aim = (left + size) / math.ceil((left + size) / target_tokens)
        room = size + piece.tokens <= max_tokens
        wanted = size + piece.tokens / 2 <= aim and size + piece.tokens <= max(target_tokens, aim)
        # A heading that ends a passage belongs to the next one.
        lonely = piece.heading and at + 1 < len(pieces) and size > aim * 2 / 3
        if group and (not room or not wanted or lonely) and not _only_headings(group, piece, room):
            yield group
            group, size = [], 0
        group.append(piece)
        size += piece.tokens
        left -= piece.tokens
    if group:
        yield group


def _join_stranded(groups: Sequence[list[_Piece]], max_tokens: int) -> list[list[_Piece]]:
    """A heading at the end of a page, its text on the next one, joins what stands above it."""
    joined: list[list[_Piece]] = []
    for group in groups:
        above = joined[-1] if joined else None
        if (
            above is not None
            and all(piece.heading for piece in group)
            and above[-1].leaf == group[0].leaf
            and sum(piece.tokens for piece in (*above, *group)) <= max_tokens
        ):
            above.extend(group)
        else:
            joined.append(group)
    return joined


def _only_headings(group: list[_Piece], piece: _Piece, room: bool) -> bool:
    return room and not piece.heading and all(item.heading for item in group)


def _passages(text: str, groups: list[list[_Piece]]) -> Iterator[Passage]:
    for ordinal, group in enumerate(groups):
        first, last = group[0], group[-1]
        following = groups[ordinal + 1][0].start if ordinal + 1 < len(groups) else len(text)
        yield Passage(
            ordinal=ordinal,
            text=text[first.start : last.end],
            gap=text[last.end : following],
            char_start=first.start,
            char_end=last.end,
            place=_place(group),
            tokens=sum(piece.tokens for piece in group),
            hidden=first.block.hidden,
        )


def _place(group: list[_Piece]) -> Place:
    first = group[0]
    starts = [piece.line_start for piece in group if piece.line_start is not None]
    ends = [piece.line_end for piece in group if piece.line_end is not None]
    return Place(
        page=first.block.page,
        line_start=min(starts, default=None),
        line_end=max(ends, default=None),
        heading=Headings.shared([piece.path for piece in group if not piece.heading] or [group[-1].path]),
        sheet=first.block.sheet,
        slide=first.block.slide,
        time_s=first.block.time_s,
    )
