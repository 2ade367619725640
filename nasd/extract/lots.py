"""Many small texts read by one confined child: what goes to it, what comes back.

For a file of a kilobyte a child of its own costs ten times what reading it does. Only readers that are Python
and its standard library from end to end take part (`PLAIN`): a file cannot take such a child over, as it
might one that runs a parser in native code, so what was handed in with it learns nothing of it and loses
nothing by it. The child has no file at all, only a block of memory with the texts, and is confined as any
other. Whatever goes wrong with a text, in whatever way, it is not answered for here: it is read again, in a
child of its own.
"""

from __future__ import annotations

import io
import json
import os
import struct
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import BinaryIO

from nasd.domain.passages import Document
from nasd.extract.base import Notes, Reader, SmallText, Source
from nasd.extract.frames import (
    BadFrame,
    frame,
    pack_block,
    unpack_blocks,
    unpack_mapping,
    unpack_text,
    unpack_words,
)
from nasd.extract.registry import READERS
from nasd.extract.unseen import part_unseen

PLAIN = frozenset({"text", "markdown", "code", "csv", "calendar", "vcard", "rst", "org", "latex"})
"""Kinds whose readers hold no parser in native code."""

MOST_TEXTS = 256
MOST_BYTES = 1 << 20  # all of a lot together
TEXT_BYTES = 128 << 10  # the longest text that is read with others

CPU_S, WALL_S = 20, 40.0
"""Of a lot; it takes a fifth of a second."""

_LENGTH = struct.Struct(">I")
_MOST_BLOCKS = 200_000  # of one text


def packed(texts: Sequence[SmallText]) -> int:
    """A descriptor of a block of memory that holds the texts; the caller closes it."""
    head = json.dumps([[text.name[-200:], text.kind, len(text.data)] for text in texts]).encode()
    handle = os.memfd_create("texts", os.MFD_CLOEXEC)
    try:
        with open(handle, "wb", closefd=False) as stream:
            stream.write(_LENGTH.pack(len(head)) + head)
            stream.writelines(text.data for text in texts)
    except BaseException:
        os.close(handle)
        raise
    return handle


def unpacked(stream: BinaryIO) -> Iterator[SmallText]:
    (length,) = _LENGTH.unpack(stream.read(_LENGTH.size))
    for name, kind, size in json.loads(stream.read(length)):
        yield SmallText(name=name, kind=kind, data=stream.read(size))


def told(text: SmallText, readers: dict[str, Reader], most_chars: int) -> bytes:
    """In the child: the frame of one text, `{"text": [blocks, title, reader, notes, metadata]}`, or
    `{"text": null}` when it is to be read alone."""
    try:
        assert text.kind in PLAIN
        notes = Notes()
        source = Source(name=text.name, size=len(text.data), kind=text.kind, stream=io.BytesIO(text.data))
        found = part_unseen(readers[text.kind].read(source, notes))
        blocks = [pack_block(block) for block in islice(found, _MOST_BLOCKS + 1)]
        if len(blocks) > _MOST_BLOCKS or sum(len(str(block[0])) for block in blocks) > most_chars:
            return frame({"text": None})
        end = [notes.title or None, READERS[text.kind].label, notes.warnings, notes.metadata]
        return frame({"text": [blocks, *end]})
    except Exception:  # reading it alone tells why
        return frame({"text": None})


def document(value: object) -> Document | None:
    """In the parent: what the child told of one text. None when it told nothing that can be taken."""
    if not isinstance(value, list) or len(value) != 5:
        return None
    blocks, title, reader, notes, metadata = value
    try:
        return Document(
            blocks=tuple(unpack_blocks(blocks)),
            title=unpack_text(title),
            reader=unpack_text(reader) or "",
            notes=unpack_words(notes),
            metadata=unpack_mapping(metadata),
        )
    except BadFrame:
        return None
