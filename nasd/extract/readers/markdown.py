"""Markdown, kept as it is written: headings, lists, tables and fenced code told apart by their lines.

A scanner over lines, linear in the length of the text: rendering is not needed to search, and Markdown
parsers have inputs that cost them quadratic time.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from nasd.domain.passages import Block, Role
from nasd.extract.base import Notes, Source
from nasd.extract.readers.decoding import decode
from nasd.extract.readers.lines import MAX_BLOCK_CHARS, Line, Span, blocks_of, split_lines

_ATX = re.compile(r" {0,3}(#{1,6})(?:[ \t]|$)")
_SETEXT = re.compile(r" {0,3}(=+|-+)[ \t]*$")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_ITEM = re.compile(r"[ \t]{0,8}(?:[-*+]|\d{1,9}[.)])[ \t]")
_ROW = re.compile(r" {0,3}\|")
_TITLE = re.compile(r"""title\s*[:=]\s*["']?(.{1,300}?)["']?\s*$""", re.IGNORECASE)


class MarkdownReader:
    name = "markdown"
    version = 1

    def read(self, source: Source, notes: Notes) -> Iterator[Block]:
        text, notes.metadata["encoding"] = decode(source.stream.read())
        lines = split_lines(text)
        body, title = _front_matter(text, lines)
        notes.title = title
        front = [Span(lines[0], lines[body - 1], Role.CODE)] if body else []
        yield from blocks_of(text, _titled(text, chain(front, _scan(text, lines[body:])), notes))


def _titled(text: str, spans: Iterable[Span], notes: Notes) -> Iterator[Span]:
    """The spans; the first heading of the first level becomes the title of a document that has none."""
    for span in spans:
        if notes.title is None and span.role is Role.HEADING and span.level == 1:
            notes.title = text[span.first.start : span.first.end].strip().strip("#").strip() or None
        yield span


def markdown_blocks(text: str) -> Iterator[Block]:
    """The blocks of a Markdown text without front matter."""
    yield from blocks_of(text, _scan(text, split_lines(text)))


def _front_matter(text: str, lines: Sequence[Line]) -> tuple[int, str | None]:
    """How many lines the YAML or TOML front matter takes (0: none), and the title it names."""
    if not lines or (fence := text[lines[0].start : lines[0].end].rstrip()) not in ("---", "+++"):
        return 0, None
    title = None
    for at, line in enumerate(lines[1:200], start=1):
        content = text[line.start : line.end].rstrip()
        if content == fence or (fence == "---" and content == "..."):
            return at + 1, title
        if title is None and (match := _TITLE.match(content)):
            title = match[1].strip() or None
    return 0, None


def _scan(text: str, lines: Sequence[Line]) -> Iterator[Span]:
    run: list[Line] = []
    role = Role.PARAGRAPH
    fence: str | None = None

    def close() -> Iterator[Span]:
        nonlocal run, role
        if run:
            yield Span(run[0], run[-1], role)
        run, role = [], Role.PARAGRAPH

    for line in lines:
        content = text[line.start : line.end]
        if run and line.end - run[0].start > MAX_BLOCK_CHARS:
            held = role
            yield from close()
            role = held
        if fence is not None:
            run.append(line)
            if content.strip() and not content.strip().strip(fence[0]) and content.strip().startswith(fence):
                fence = None
                yield from close()
            continue
        if (match := _FENCE.match(content)) is not None:
            yield from close()
            fence, role = match[1], Role.CODE
            run.append(line)
        elif not content.strip():
            yield from close()
        elif (match := _ATX.match(content)) is not None:
            yield from close()
            yield Span(line, line, Role.HEADING, len(match[1]))
        elif run and role is Role.PARAGRAPH and (match := _SETEXT.match(content)) is not None:
            if len(run) > 1 and match[1][0] == "-":  # more likely a rule below a paragraph
                yield from close()
                yield Span(line, line)
            else:
                yield Span(run[0], line, Role.HEADING, 1 if match[1][0] == "=" else 2)
                run = []
        elif _ROW.match(content):
            yield from close()
            yield Span(line, line, Role.ROW)
        elif _ITEM.match(content):
            yield from close()
            role = Role.ITEM
            run.append(line)
        else:
            run.append(line)
    yield from close()
