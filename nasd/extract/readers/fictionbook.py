"""FictionBook (FB2): an XML book whose description names title and authors."""

from __future__ import annotations

import re
from collections.abc import Iterator

from nasd.domain.passages import Block
from nasd.extract.base import Notes, Source
from nasd.extract.readers.decoding import declared_encoding, decode
from nasd.extract.readers.flow import squeeze
from nasd.extract.readers.xml import XmlReader

_HEAD_BYTES = 1 << 16
_TITLE = re.compile(r"<book-title[^>]{0,200}>([^<]{1,500})<")


class FictionBookReader:
    name = "fictionbook"
    version = 1

    def read(self, source: Source, notes: Notes) -> Iterator[Block]:
        head = source.stream.read(_HEAD_BYTES)
        source.stream.seek(0)
        title = _TITLE.search(decode(head, declared_encoding(head))[0])
        notes.title = squeeze(title[1]) if title else None
        yield from XmlReader().read(source, notes)
