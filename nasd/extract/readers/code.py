"""Source code and other structured text: cut where a new top-level piece begins, with line numbers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from nasd.domain.passages import Block, Role
from nasd.extract.base import Notes, Source
from nasd.extract.readers.decoding import decode
from nasd.extract.readers.lines import MAX_BLOCK_CHARS, Line, Span, blocks_of, split_lines

_XML_ENCODING = re.compile(rb"""<\?xml[^>]{0,200}?encoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["']""")
_CODING = re.compile(rb"coding[:=]\s*([-\w.]{1,40})")  # PEP 263, Emacs
_CLOSING = (*")]}", "end", "else", "elif", "except", "finally", "catch", "fi", "done", "esac", "</")


class CodeReader:
    name = "code"
    version = 1

    def read(self, source: Source, notes: Notes) -> Iterator[Block]:
        data = source.stream.read()
        text, notes.metadata["encoding"] = decode(data, _declared(data))
        yield from blocks_of(text, _pieces(text, split_lines(text)))


def _declared(data: bytes) -> str | None:
    match = _XML_ENCODING.match(data) or _CODING.search(b"\n".join(data[:400].splitlines()[:2]))
    return match[1].decode("ascii") if match else None


def _pieces(text: str, lines: Sequence[Line]) -> Iterator[Span]:
    """A piece begins at an unindented line after a blank one, unless that line closes something."""
    run: list[Line] = []
    blank = False
    for line in lines:
        content = text[line.start : line.end]
        if not content.strip():
            blank = True
            continue
        top = blank and not content[0].isspace() and not content.startswith(_CLOSING)
        if run and (top or line.end - run[0].start > MAX_BLOCK_CHARS):
            yield Span(run[0], run[-1], Role.CODE)
            run = []
        run.append(line)
        blank = False
    if run:
        yield Span(run[0], run[-1], Role.CODE)
