"""LaTeX, kept as it is written: sections as headings, listings and items told apart by their lines."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from nasd.domain.passages import Block, Role
from nasd.extract.base import Notes, Source
from nasd.extract.readers.decoding import decode
from nasd.extract.readers.flow import squeeze
from nasd.extract.readers.lines import MAX_BLOCK_CHARS, Line, Span, blocks_of, split_lines

_LEVELS = {
    "part": 1, "chapter": 1, "section": 2, "subsection": 3, "subsubsection": 4, "paragraph": 5,
    "subparagraph": 6, "frametitle": 3,
}  # fmt: skip
_SECTION = re.compile(r"\s*\\(part|chapter|section|subsection|subsubsection|frametitle)\*?\s*[\[{]")
_TITLE = re.compile(r"\\title(?:\[[^\]]{0,200}\])?\{((?:[^{}]|\{[^{}]{0,200}\}){1,300})\}")
_COMMAND = re.compile(r"\\[a-zA-Z]+\*?|[{}~]")
_VERBATIM = re.compile(r"\s*\\begin\{(verbatim\*?|lstlisting|minted|Verbatim|alltt)\}")
_ITEM = re.compile(r"\s*\\item\b")
_RULE = re.compile(r"\s*\\(?:begin|end)\{")


class LatexReader:
    name = "latex"
    version = 1

    def read(self, source: Source, notes: Notes) -> Iterator[Block]:
        text, notes.metadata["encoding"] = decode(source.stream.read())
        title = _TITLE.search(text[:50_000])
        notes.title = (squeeze(_COMMAND.sub(" ", title[1])) or None) if title else None
        yield from blocks_of(text, _scan(text, split_lines(text)))


def _scan(text: str, lines: Sequence[Line]) -> Iterator[Span]:
    run: list[Line] = []
    role = Role.PARAGRAPH
    until: str | None = None  # the end of a verbatim environment
    for line in lines:
        content = text[line.start : line.end]
        full = run and line.end - run[0].start > MAX_BLOCK_CHARS
        if until is not None:
            if full:
                yield Span(run[0], run[-1], Role.CODE)
                run = []
            run.append(line)
            if until in content:
                yield Span(run[0], run[-1], Role.CODE)
                run, until = [], None
            continue
        section, verbatim = _SECTION.match(content), _VERBATIM.match(content)
        item = _ITEM.match(content) is not None
        rule = _RULE.match(content) is not None
        if run and (
            full or section or verbatim or item or not content.strip() or (rule and role is Role.ITEM)
        ):
            yield Span(run[0], run[-1], role)
            run = []
        if section is not None:
            yield Span(line, line, Role.HEADING, _LEVELS[section[1]])
        elif content.strip():
            if not run:
                role = Role.ITEM if item else Role.CODE if verbatim else Role.PARAGRAPH
            run.append(line)
            if verbatim is not None:
                until = f"\\end{{{verbatim[1]}}}"
                if until in content:
                    yield Span(run[0], run[-1], Role.CODE)
                    run, until = [], None
    if run:
        yield Span(run[0], run[-1], Role.CODE if until else role)
