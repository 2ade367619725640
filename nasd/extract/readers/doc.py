"""Binary Word documents (Word 97 to 2003; of Word 6 and 95 the plain text).

Written after [MS-DOC]: the piece table says where the text lies, the formatted disk pages which style a
paragraph has and which characters are hidden or deleted.
"""

from __future__ import annotations

import re
import struct
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from nasd.domain.passages import Block, Role
from nasd.errors import ReadError
from nasd.extract.base import Notes, Source
from nasd.extract.readers.compound import Compound
from nasd.extract.readers.flow import row_text, settle, squeeze

_MAGIC = 0xA5EC
_WORD_97 = 0xC1  # of nFib
_FC_CLX, _FC_CHPX, _FC_PAPX = 0x1A2, 0xFA, 0x102  # offsets in the FIB of pairs (place, size) in the table
_STORIES = (
    0x4C,
    0x50,
    0x54,
    0x5C,
    0x60,
    0x64,
    0x68,
)  # of the FIB: characters of main text, footnotes, headers,
# comments, endnotes, text boxes, text boxes of headers
_FKP = 512
_SPRM_DELETED, _SPRM_VANISH = 0x0800, 0x083C
_SEEN, _DELETED, _HIDDEN = 0, 1, 2
_SPRM_SIZES = {0: 1, 1: 1, 2: 2, 3: 4, 4: 2, 5: 2, 7: 3}
_MARKS = {0x0B: "\n", 0x0C: "\r", 0x0E: "\r", 0x1E: "-", 0x09: "\t", 0x0D: "\r", 0x07: "\x07"}
_FIELD = re.compile("\x13[^\x13\x14\x15]*\x14|\x13[^\x13\x14\x15]*\x15|[\x13\x15]")
_CONTROL = re.compile(r"[\x00-\x06\x08\x0e-\x1f]")


@dataclass(slots=True)
class _Runs:
    """Values that hold from one place in the file to the next."""

    starts: list[int] = field(default_factory=list)
    values: list[int] = field(default_factory=list)

    def at(self, place: int) -> int:
        index = bisect_right(self.starts, place) - 1
        return self.values[index] if index >= 0 else 0


class DocReader:
    name = "doc"
    version = 1

    def read(self, source: Source, notes: Notes) -> Iterator[Block]:
        compound = Compound(source.stream)
        if "WordDocument" not in compound:
            raise ReadError("The OLE container holds no Word document.", reason="unsupported")
        main = compound.read("WordDocument")
        if len(main) < 0x60 or struct.unpack_from("<H", main)[0] not in (_MAGIC, 0xA5DC):
            raise ReadError("The file holds no Word document.", reason="malformed")
        notes.title = compound.title()
        version, flags = struct.unpack_from("<H", main, 2)[0], struct.unpack_from("<H", main, 0x0A)[0]
        if flags & 0x0100:
            raise ReadError("The document is protected by a password.", reason="encrypted")
        try:
            if version < _WORD_97:
                start, end = struct.unpack_from("<II", main, 0x18)
                text = main[start:end].decode("cp1252", "replace")
                paragraphs = [(piece, 0, "") for piece in re.split("[\r\x0c]", _FIELD.sub("", text))]
            else:
                table = compound.read("1Table" if flags & 0x0200 else "0Table")
                paragraphs = list(_Word(main, table).paragraphs())
        except (struct.error, IndexError) as error:
            raise ReadError(
                "The document is damaged: its tables point nowhere.", reason="malformed"
            ) from error
        yield from settle(_blocks(paragraphs))


def _blocks(paragraphs: list[tuple[str, int, str]]) -> Iterator[Block]:
    """Paragraphs with the number of their style and their hidden text; cells end with a mark, and a row with
    one more."""
    for text, style, unseen in paragraphs:
        if "\x07" in text:
            *cells, rest = text.split("\x07")
            row: list[str] = []
            for cell in cells:
                if cell or not row:
                    row.append(cell)
                else:
                    yield Block(text=row_text(row), role=Role.ROW)
                    row = []
            if any(row):
                yield Block(text=row_text(row), role=Role.ROW)
            text = rest  # noqa: PLW2901
        lines = ("\t".join(squeeze(part) for part in line.split("\t")) for line in text.split("\n"))
        text = _CONTROL.sub("", "\n".join(lines)).strip()  # noqa: PLW2901
        if 1 <= style <= 9:  # the built-in heading styles have fixed numbers
            yield Block(text=squeeze(text), role=Role.HEADING, level=style)
        else:
            yield Block(text=text)
        yield Block(text=_CONTROL.sub("", squeeze(unseen)), hidden=True)


class _Word:
    def __init__(self, main: bytes, table: bytes) -> None:
        self._main, self._table = main, table
        self._styles = self._pages(_FC_PAPX, self._style)
        self._unseen = self._pages(_FC_CHPX, self._vanished)
        self._hidden: list[str] = []

    def paragraphs(self) -> Iterator[tuple[str, int, str]]:
        """The text of each paragraph (with the cells of its row), its style, and the text that it hides."""
        for text, style in self._paragraphs():
            unseen, self._hidden = "".join(self._hidden), []
            yield text, style, _plain(unseen)

    def _paragraphs(self) -> Iterator[tuple[str, int]]:
        ends = [0]
        for offset in _STORIES:
            ends.append(ends[-1] + max(0, struct.unpack_from("<i", self._main, offset)[0]))
        parts: list[str] = []
        held: list[str] = []  # the paragraphs of a row that is not complete
        for text, place, wide in self._pieces(ends[-1]):
            start = 0
            while start < len(text):
                mark = next((i for i in range(start, len(text)) if text[i] in "\r\x07"), len(text))
                parts.append(self._seen(text, start, mark, place, wide))
                if mark == len(text):
                    break
                at = place + mark * wide
                if text[mark] == "\x07":
                    held.append("".join(parts) + "\x07")
                    parts = []
                    if held[-1] == "\x07" and len(held) > 1:
                        yield _plain("".join(held)), 0
                        held = []
                else:
                    if held:
                        yield _plain("".join(held)), 0
                        held = []
                    yield _plain("".join(parts)), self._styles.at(at)
                    parts = []
                start = mark + 1
        if held or parts:
            yield _plain("".join(held + parts)), 0

    def _seen(self, text: str, start: int, end: int, place: int, wide: int) -> str:
        """A stretch without its hidden (they are gathered) and deleted characters."""
        if not self._unseen.starts:
            return text[start:end]
        kept: list[str] = []
        at = start
        while at < end:
            index = bisect_right(self._unseen.starts, place + at * wide)
            following = self._unseen.starts[index] if index < len(self._unseen.starts) else 1 << 40
            stop = min(end, at + max(1, (following - place - at * wide + wide - 1) // wide))
            how = self._unseen.values[index - 1] if index else _SEEN
            if how != _DELETED:
                (kept if how == _SEEN else self._hidden).append(text[at:stop])
            at = stop
        return "".join(kept)

    def _pieces(self, most: int) -> Iterator[tuple[str, int, int]]:
        """Text, its place in the file and the bytes of a character, piece by piece."""
        start, size = struct.unpack_from("<II", self._main, _FC_CLX)
        clx = self._table[start : start + size]
        at = 0
        while at < len(clx) and clx[at] == 1:  # property changes stand before the pieces
            at += 3 + struct.unpack_from("<H", clx, at + 1)[0]
        if at >= len(clx) or clx[at] != 2:
            raise ReadError("The document has no piece table.", reason="malformed")
        length = struct.unpack_from("<I", clx, at + 1)[0]
        plc = clx[at + 5 : at + 5 + length]
        count = (len(plc) - 4) // 12
        places = struct.unpack_from(f"<{count + 1}I", plc)
        for number in range(count):
            fc = struct.unpack_from("<I", plc, 4 * (count + 1) + 8 * number + 2)[0]
            length = min(places[number + 1], most + 1) - places[number]
            if length <= 0:
                continue
            if fc & 0x40000000:
                place = (fc & 0x3FFFFFFF) // 2
                yield self._main[place : place + length].decode("cp1252", "replace"), place, 1
            else:
                data = self._main[fc : fc + 2 * length]
                yield data.decode("utf-16-le", "replace"), fc, 2

    def _pages(self, offset: int, value: Callable[[bytes, int, int], int]) -> _Runs:
        """What the formatted disk pages say of each run of characters."""
        runs = _Runs()
        start, size = struct.unpack_from("<II", self._main, offset)
        plc = self._table[start : start + size]
        count = max(0, (len(plc) - 4) // 8)
        for number in struct.unpack_from(f"<{count}I", plc, 4 * (count + 1)) if count else ():
            page = self._main[(number & 0x3FFFFF) * _FKP :][:_FKP]
            if len(page) < _FKP:
                continue
            crun = page[-1]
            bounds = struct.unpack_from(f"<{crun + 1}I", page)
            for index in range(crun):
                runs.starts.append(bounds[index])
                runs.values.append(value(page, crun, index))
        order = sorted(range(len(runs.starts)), key=runs.starts.__getitem__)
        return _Runs([runs.starts[i] for i in order], [runs.values[i] for i in order])

    @staticmethod
    def _style(page: bytes, crun: int, index: int) -> int:
        at = page[4 * (crun + 1) + 13 * index] * 2
        if at == 0:
            return 0
        at += 1 if page[at] else 2
        return int(struct.unpack_from("<H", page, at)[0])

    @staticmethod
    def _vanished(page: bytes, crun: int, index: int) -> int:
        at = page[4 * (crun + 1) + index] * 2
        if at == 0:
            return 0
        sprms = page[at + 1 : at + 1 + page[at]]
        at = 0
        while at + 2 < len(sprms):
            sprm = struct.unpack_from("<H", sprms, at)[0]
            if sprm in (_SPRM_DELETED, _SPRM_VANISH) and sprms[at + 2] == 1:
                return _DELETED if sprm == _SPRM_DELETED else _HIDDEN
            kind = sprm >> 13
            at += 2 + (_SPRM_SIZES[kind] if kind in _SPRM_SIZES else 1 + sprms[at + 2])
        return 0


def _plain(text: str) -> str:
    """Fields show their results, not their instructions; marks become what they stand for."""
    before = None
    while before != text and "\x13" in text:
        before, text = text, _FIELD.sub("", text)
    return "".join(_MARKS.get(ord(c), c) for c in text.replace("\x15", "")).replace("\x1f", "")
