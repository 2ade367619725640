"""Binary presentations (PowerPoint 97 to 2003), slide by slide, with their notes.

Written after [MS-PPT]: the directory of persistent objects finds the newest version of the document and of
each slide; titles and bodies stand in the document's outline or in the slide's own text boxes.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from nasd.domain.passages import Block, Role
from nasd.errors import ReadError
from nasd.extract.base import Notes, Source
from nasd.extract.readers.compound import Compound
from nasd.extract.readers.flow import settle, squeeze

_DOCUMENT, _SLIDE_LIST, _SLIDE_PERSIST, _SLIDE_ATOM = 0x03E8, 0x0FF0, 0x03F3, 0x03EF
_USER_EDIT, _PERSIST = 0x0FF5, 0x1772
_TEXT_HEADER, _TEXT_CHARS, _TEXT_BYTES, _OUTLINE_REF = 0x0F9F, 0x0FA0, 0x0FA8, 0x0F9E
_COMMENT_TEXT = 0x0FBA  # a string; within a comment, its second is the text
_COMMENT = 0x2EE0
_TITLES = (0, 6)  # of the text header: a title, a centred title
_LOCKED = 0xF3D1C4DF
_MAX_DEPTH = 40
_MAX_EDITS = 1000


class _Record(NamedTuple):
    kind: int
    instance: int
    start: int  # of its content
    end: int
    container: bool


@dataclass(slots=True)
class _Listed:
    """A slide as the document lists it."""

    persist: int
    identity: int
    texts: list[tuple[int, str]] = field(default_factory=list)  # kind of text (its header), text


class PptReader:
    name = "ppt"
    version = 1

    def read(self, source: Source, notes: Notes) -> Iterator[Block]:
        compound = Compound(source.stream)
        user = compound.find("Current User")
        if len(user) >= 20 and struct.unpack_from("<I", user, 12)[0] == _LOCKED:
            raise ReadError("The presentation is protected by a password.", reason="encrypted")
        notes.title = compound.title()
        deck = _Deck(compound.read("PowerPoint Document"))
        try:
            edit = struct.unpack_from("<I", user, 16)[0]
            yield from settle(deck.slides(edit, notes))
        except struct.error as error:
            raise ReadError("The presentation is damaged.", reason="malformed") from error


class _Deck:
    def __init__(self, data: bytes) -> None:
        self._data = data

    def slides(self, edit: int, notes: Notes) -> Iterator[Block]:
        places, document = self._persistent(edit)
        root = self._record(places.get(document, -1))
        if root is None or root.kind != _DOCUMENT:
            raise ReadError("The file holds no presentation.", reason="malformed")
        lists = {
            item.instance: self._listed(item) for item in self._children(root) if item.kind == _SLIDE_LIST
        }
        remarks = {item.identity: item for item in lists.get(2, ())}
        for number, slide in enumerate(lists.get(0, ()), start=1):
            record = self._record(places.get(slide.persist, -1))
            texts = self._texts(record, slide.texts)
            for block in _blocks(texts):
                if notes.title is None and block.role is Role.HEADING:
                    notes.title = squeeze(block.text)[:300]
                yield replace(block, slide=number)
            remark = remarks.get(self._notes_of(record))
            if remark is not None:
                said = self._texts(self._record(places.get(remark.persist, -1)), remark.texts)
                for kind, text in said:
                    if kind == 2:  # the notes themselves; the rest repeats the slide's furniture
                        yield from (Block(text=line, slide=number) for line in _lines(text))

    # --- records ---

    def _record(self, at: int) -> _Record | None:
        if at < 0 or at + 8 > len(self._data):
            return None
        word, kind, length = struct.unpack_from("<HHI", self._data, at)
        end = min(at + 8 + length, len(self._data))
        return _Record(kind, word >> 4, at + 8, end, word & 0xF == 0xF)

    def _children(self, parent: _Record) -> Iterator[_Record]:
        at = parent.start
        while at + 8 <= parent.end and (record := self._record(at)) is not None:
            yield record
            at = max(record.end, at + 8)

    def _persistent(self, edit: int) -> tuple[dict[int, int], int]:
        """Where each persistent object lies, newest first, and which one is the document."""
        places: dict[int, int] = {}
        document = -1
        for _ in range(_MAX_EDITS):
            record = self._record(edit)
            if record is None or record.kind != _USER_EDIT:
                break
            _, _, before, directory, reference = struct.unpack_from("<IIIII", self._data, record.start)
            document = reference if document < 0 else document
            table = self._record(directory)
            if table is not None and table.kind == _PERSIST:
                for number, place in self._directory(table):
                    places.setdefault(number, place)
            if before == 0 or before >= edit:
                break
            edit = before
        return places, document

    def _directory(self, table: _Record) -> Iterator[tuple[int, int]]:
        at = table.start
        while at + 4 <= table.end:
            word = struct.unpack_from("<I", self._data, at)[0]
            first, count = word & 0xFFFFF, word >> 20
            at += 4
            for number in range(min(count, (table.end - at) // 4)):
                yield first + number, struct.unpack_from("<I", self._data, at + 4 * number)[0]
            at += 4 * count

    # --- texts ---

    def _listed(self, slide_list: _Record) -> list[_Listed]:
        found: list[_Listed] = []
        kind = 1
        for record in self._children(slide_list):
            if record.kind == _SLIDE_PERSIST:
                persist, _, _, identity = struct.unpack_from("<IIII", self._data, record.start)
                found.append(_Listed(persist, identity))
            elif record.kind == _TEXT_HEADER:
                kind = struct.unpack_from("<I", self._data, record.start)[0]
            elif found and (text := self._text(record)) is not None:
                found[-1].texts.append((kind, text))
        return found

    def _text(self, record: _Record) -> str | None:
        data = self._data[record.start : record.end]
        if record.kind == _TEXT_CHARS:
            return data.decode("utf-16-le", "replace")
        return data.decode("latin-1") if record.kind == _TEXT_BYTES else None

    def _texts(self, slide: _Record | None, outline: list[tuple[int, str]]) -> list[tuple[int, str]]:
        """The texts of a slide as it draws them, then those of the outline that it does not refer to."""
        used: set[int] = set()
        texts: list[tuple[int, str]] = []
        if slide is not None:
            self._walk(slide, outline, used, texts, 0)
        return [item for number, item in enumerate(outline) if number not in used] + texts

    def _walk(
        self,
        parent: _Record,
        outline: list[tuple[int, str]],
        used: set[int],
        texts: list[tuple[int, str]],
        depth: int,
    ) -> None:
        kind = 4
        strings: list[str] = []
        for record in self._children(parent):
            if record.kind == _TEXT_HEADER:
                kind = struct.unpack_from("<I", self._data, record.start)[0]
            elif record.kind == _OUTLINE_REF:
                number = struct.unpack_from("<I", self._data, record.start)[0]
                if number < len(outline) and number not in used:
                    used.add(number)
                    texts.append(outline[number])
            elif record.kind == _COMMENT_TEXT and parent.kind == _COMMENT:
                strings.append(self._data[record.start : record.end].decode("utf-16-le", "replace"))
            elif (text := self._text(record)) is not None:
                texts.append((kind, text))
            elif record.container and depth < _MAX_DEPTH:
                self._walk(record, outline, used, texts, depth + 1)
        if len(strings) > 1:
            texts.append((4, strings[1]))

    def _notes_of(self, slide: _Record | None) -> int:
        for record in self._children(slide) if slide is not None else ():
            if record.kind == _SLIDE_ATOM and record.end - record.start >= 20:
                return int(struct.unpack_from("<I", self._data, record.start + 16)[0])
        return -1


def _blocks(texts: list[tuple[int, str]]) -> Iterator[Block]:
    for kind, text in texts:
        if kind in _TITLES:
            yield Block(text=squeeze(text), role=Role.HEADING, level=1)
    for kind, text in texts:
        if kind not in _TITLES:
            lines = _lines(text)
            yield from (
                Block(text=line, role=Role.ITEM if len(lines) > 1 else Role.PARAGRAPH) for line in lines
            )


def _lines(text: str) -> list[str]:
    lines = text.replace("\x0b", " ").split("\r")
    return [line for line in (squeeze(line) for line in lines) if line and line != "*"]
