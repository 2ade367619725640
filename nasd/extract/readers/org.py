"""Org files, kept as they are written: headlines, lists, tables and blocks told apart by their lines."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from nasd.domain.passages import Block, Role
from nasd.extract.base import Notes, Source
from nasd.extract.readers.decoding import decode
from nasd.extract.readers.lines import MAX_BLOCK_CHARS, Line, Span, blocks_of, split_lines

_HEADLINE = re.compile(r"(\*{1,30})\s+\S")
_ITEM = re.compile(r"\s*(?:[-+]|\d{1,9}[.)])\s|\s+\*\s")
_ROW = re.compile(r"\s*\|")
_BEGIN = re.compile(r"\s*#\+begin_(src|example|export|comment)\b", re.IGNORECASE)
_END = re.compile(r"\s*#\+end_", re.IGNORECASE)
_TITLE = re.compile(r"#\+title:\s*(.{1,300}?)\s*$", re.IGNORECASE | re.MULTILINE)


class OrgReader:
    name = "org"
    version = 1

    def read(self, source: Source, notes: Notes) -> Iterator[Block]:
        text, notes.metadata["encoding"] = decode(source.stream.read())
        title = _TITLE.search(text[:10_000])
        notes.title = title[1] if title else None
        yield from blocks_of(text, _scan(text, split_lines(text)))


def _scan(text: str, lines: Sequence[Line]) -> Iterator[Span]:
    run: list[Line] = []
    role = Role.PARAGRAPH
    code = False
    for line in lines:
        content = text[line.start : line.end]
        headline = _HEADLINE.match(content)
        starts = (
            headline is not None
            or _BEGIN.match(content) is not None
            or _ROW.match(content) is not None
            or _ITEM.match(content) is not None
        )
        full = run and line.end - run[0].start > MAX_BLOCK_CHARS
        if run and (full or (not code and (starts or not content.strip() or role is Role.ROW))):
            yield Span(run[0], run[-1], role)
            run = []
        if not run and not code:
            role = Role.PARAGRAPH
        if code:
            run.append(line)
            if _END.match(content):
                yield Span(run[0], run[-1], Role.CODE)
                run, code = [], False
        elif headline is not None:
            yield Span(line, line, Role.HEADING, len(headline[1]))
        elif content.strip():
            if not run:
                code = _BEGIN.match(content) is not None
                role = Role.CODE if code else _role(content)
            run.append(line)
    if run:
        yield Span(run[0], run[-1], role)


def _role(content: str) -> Role:
    if _ROW.match(content):
        return Role.ROW
    return Role.ITEM if _ITEM.match(content) else Role.PARAGRAPH
