"""Plain text: paragraphs between blank lines, everything else exactly as it is."""

from __future__ import annotations

from collections.abc import Iterator

from nasd.domain.passages import Block
from nasd.extract.base import Notes, Source
from nasd.extract.readers.decoding import decode
from nasd.extract.readers.lines import blocks_of, paragraphs, split_lines


class TextReader:
    name = "text"
    version = 1

    def read(self, source: Source, notes: Notes) -> Iterator[Block]:
        text, encoding = decode(source.stream.read())
        notes.metadata["encoding"] = encoding
        yield from blocks_of(text, paragraphs(text, split_lines(text)))
