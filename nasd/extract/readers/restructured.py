"""reStructuredText, kept as it is written: sections by their adornment, literal blocks and lists apart."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from nasd.domain.passages import Block, Role
from nasd.extract.base import Notes, Source
from nasd.extract.readers.decoding import decode
from nasd.extract.readers.lines import MAX_BLOCK_CHARS, Line, Span, blocks_of, split_lines

_ADORNMENT = re.compile(r"([!-/:-@\[-`{-~])\1+\s*$")
_ITEM = re.compile(r"\s{0,12}(?:[-*+•]|\(?(?:\d{1,9}|[a-zA-Z]|#)[.)])\s")
_CODE = re.compile(r"\s*\.\. (?:code|code-block|sourcecode|math|literalinclude|parsed-literal)::")


class RestructuredReader:
    name = "restructured"
    version = 1

    def read(self, source: Source, notes: Notes) -> Iterator[Block]:
        text, notes.metadata["encoding"] = decode(source.stream.read())
        for block in blocks_of(text, _scan(text, split_lines(text))):
            if notes.title is None and block.role is Role.HEADING:
                notes.title = title_of(block.text)[:300] or None
            yield block


def title_of(section: str) -> str:
    """The words between the adornments."""
    lines = [line.strip() for line in section.splitlines()]
    return next((line for line in lines if not _ADORNMENT.match(line)), "")


def _scan(text: str, lines: Sequence[Line]) -> Iterator[Span]:
    styles: list[str] = []  # in the order in which the document uses them: that is their level
    run: list[Line] = []
    role = Role.PARAGRAPH
    literal = -1  # the indentation of the paragraph that a literal block belongs to; -1: none
    at = 0
    while at < len(lines):
        line = lines[at]
        content = text[line.start : line.end]
        if not content.strip():
            if run and role is not Role.CODE:
                yield Span(run[0], run[-1], role)
                run = []
            at += 1
            continue
        indent = len(content) - len(content.lstrip())
        if role is Role.CODE:
            if indent > literal and not (run and line.end - run[0].start > MAX_BLOCK_CHARS):
                run.append(line)
                at += 1
                continue
            if run:
                yield Span(run[0], run[-1], role)
            run = []
            if indent > literal:
                continue
            role, literal = Role.PARAGRAPH, -1
        if not run and (section := _section(text, lines, at)) is not None:
            length, style = section
            if style not in styles:
                styles.append(style)
            yield Span(line, lines[at + length - 1], Role.HEADING, styles.index(style) + 1)
            at += length
            continue
        item = _ITEM.match(content) is not None
        if run and (item or line.end - run[0].start > MAX_BLOCK_CHARS):
            yield Span(run[0], run[-1], role)
            run = []
        if not run:
            role = Role.ITEM if item else Role.PARAGRAPH
        run.append(line)
        last = at + 1 == len(lines) or not text[lines[at + 1].start : lines[at + 1].end].strip()
        if last and (content.rstrip().endswith("::") or _CODE.match(text[run[0].start : run[0].end])):
            yield Span(run[0], run[-1], role)
            run, role, literal = [], Role.CODE, indent
        at += 1
    if run:
        yield Span(run[0], run[-1], role)


def _section(text: str, lines: Sequence[Line], at: int) -> tuple[int, str] | None:
    """How many lines a section title takes that begins here, and its style."""
    shown = [text[line.start : line.end].rstrip() for line in lines[at : at + 3]]
    over = _ADORNMENT.match(shown[0])
    if over is not None:
        same = len(shown) == 3 and shown[1].strip() and shown[2][:1] == over[1] and _ADORNMENT.match(shown[2])
        return (3, over[1] * 2) if same else None
    if len(shown) < 2 or shown[0][:1].isspace() or (under := _ADORNMENT.match(shown[1])) is None:
        return None
    long_enough = len(shown[1]) >= min(len(shown[0]), 4)
    return (2, under[1]) if long_enough else None
