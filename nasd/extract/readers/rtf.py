"""Rich Text Format: paragraphs, headings, table rows; pictures and formatting left out, hidden text
kept apart."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from nasd.domain.passages import Block, Role
from nasd.errors import ReadError
from nasd.extract.base import Notes, Source
from nasd.extract.readers.flow import row_text, settle, squeeze

_TOKEN = re.compile(
    rb"\\(?:(?P<word>[a-zA-Z]{1,32})(?P<number>-?\d{1,10})?[ ]?"
    rb"|'(?P<hex>[0-9a-fA-F]{2})|(?P<symbol>[^a-zA-Z]))"
    rb"|(?P<brace>[{}])|(?P<text>[^\\{}\r\n]+)|[\r\n]+"
)
_SKIPPED = frozenset({
    b"fonttbl", b"colortbl", b"stylesheet", b"info", b"pict", b"object", b"datafield", b"fldinst",
    b"themedata", b"colorschememapping", b"latentstyles", b"listtable", b"listoverridetable", b"rsidtbl",
    b"generator",
    b"xmlnstbl", b"mmathPr", b"datastore", b"filetbl", b"revtbl", b"pgptbl", b"wgrffmtfilter", b"sp",
    b"bkmkstart", b"bkmkend", b"listtext", b"pntext", b"nonshppict", b"atnid", b"atnauthor", b"atntime",
    b"atrfstart", b"atrfend", b"annotation_", b"htmltag", b"mhtmltag", b"background", b"panose", b"falt",
})  # fmt: skip
_ASIDE = frozenset({b"footnote", b"annotation", b"header", b"headerl", b"headerr", b"headerf", b"footer",
                    b"footerl", b"footerr", b"footerf"})  # fmt: skip
_WORDS = {
    b"tab": "\t", b"line": "\n", b"emdash": "—", b"endash": "–", b"emspace": " ", b"enspace": " ",
    b"qmspace": " ", b"bullet": "•", b"lquote": "‘", b"rquote": "’", b"ldblquote": "“", b"rdblquote": "”",
    b"zwj": "\u200d", b"zwnj": "\u200c",
}  # fmt: skip
_CHARSETS = {
    0: "cp1252", 77: "mac-roman", 128: "cp932", 129: "cp949", 130: "johab", 134: "gb18030", 136: "big5",
    161: "cp1253", 162: "cp1254", 163: "cp1258", 177: "cp1255", 178: "cp1256", 186: "cp1257", 204: "cp1251",
    222: "cp874", 238: "cp1250",
}  # fmt: skip
_MAX_DEPTH = 10_000


class RtfReader:
    name = "rtf"
    version = 1

    def read(self, source: Source, notes: Notes) -> Iterator[Block]:
        yield from settle(rtf_blocks(source.stream.read(), notes))


def rtf_blocks(data: bytes, notes: Notes) -> Iterator[Block]:
    """The blocks of an RTF text; its title goes to the notes. Raises `ReadError` (malformed)."""
    if not data.lstrip()[:6].startswith(b"{\\rtf"):
        raise ReadError("The file is no Rich Text.", reason="malformed")
    title = re.search(rb"\{\\title ([^{}]{1,600})\}", data[:20_000])
    if title is not None and notes.title is None:
        shown = "".join(block.text for block in _Text(b"cp1252").blocks(title[1]))
        notes.title = squeeze(shown)[:300] or None
    codepage = re.search(rb"\\ansicpg(\d{3,5})", data[:1000])
    yield from _Text(b"cp" + codepage[1] if codepage else b"cp1252").blocks(data)


@dataclass(frozen=True, slots=True)
class _State:
    """What holds within a group."""

    skipped: bool = False  # a destination that is no text
    dropped: bool = False  # deleted, or there only for programs that cannot show the HTML around it
    hidden: bool = False
    aside: bool = False  # a note or header: its text follows the paragraph it hangs on
    font: int = -1
    skip: int = 1  # bytes that stand in for a character given by number


class _Text:
    def __init__(self, codepage: bytes) -> None:
        self._codepage = _known(codepage.decode("ascii"))
        self._fonts: dict[int, str] = {}
        self._line: list[str] = []
        self._aside: list[str] = []
        self._unseen: list[str] = []
        self._bytes = bytearray()  # of a legacy encoding, decoded as a run: a character may take two
        self._cells: list[str] = []
        self._in_table = self._item = False
        self._level = 0
        self._state = _State()
        self._stack: list[_State] = []
        self._defining: int | None = None

    def blocks(self, data: bytes) -> Iterator[Block]:
        pending = 0  # bytes to pass over after \u
        starred = False
        at = 0
        while (token := _TOKEN.match(data, at)) is not None:
            at = token.end()
            word = token["word"]
            if word is not None:
                number = int(token["number"]) if token["number"] else None
                if word == b"bin" and number is not None:
                    at += max(0, number)
                    continue
                if word == b"u" and number is not None:
                    self._say(_character(number))
                    pending = self._state.skip
                    continue
                if starred and word not in _ASIDE and word != b"shptxt":
                    self._state = replace(self._state, skipped=True)
                starred = False
                pending = 0
                yield from self._word(word, number)
            elif token["hex"] is not None:
                if pending:
                    pending -= 1
                elif not self._silent():
                    self._bytes.append(int(token["hex"], 16))
            elif token["symbol"] is not None:
                starred = token["symbol"] == b"*"
                yield from self._symbol(token["symbol"])
            elif token["brace"] is not None:
                pending = 0
                self._group(token["brace"] == b"{")
            elif (text := token["text"]) is not None:
                text, pending = text[pending:], max(0, pending - len(text))
                if self._state.skipped:
                    continue
                if text.isascii():
                    self._say(text.decode("ascii"))
                elif not self._silent():
                    self._bytes += text
        yield from self._paragraph()

    def _silent(self) -> bool:
        return self._state.skipped or self._state.dropped

    def _target(self) -> list[str]:
        return self._unseen if self._state.hidden else self._aside if self._state.aside else self._line

    def _group(self, opening: bool) -> None:
        self._decode()
        if opening:
            if len(self._stack) > _MAX_DEPTH:
                raise ReadError("Groups are nested too deeply.", reason="malformed")
            self._stack.append(self._state)
        elif self._stack:
            if self._state.aside and not self._stack[-1].aside:
                self._aside.append("\n")
            self._state = self._stack.pop()

    def _say(self, text: str) -> None:
        self._decode()
        if not self._silent():
            self._target().append(text)

    def _decode(self) -> None:
        if self._bytes:
            encoding = self._fonts.get(self._state.font, self._codepage)
            data, self._bytes = bytes(self._bytes), bytearray()
            self._target().append(data.decode(encoding, "replace"))

    def _symbol(self, symbol: bytes) -> Iterator[Block]:
        if symbol in b"\\{}":
            self._say(symbol.decode("ascii"))
        elif symbol == b"~":
            self._say(" ")
        elif symbol == b"_":
            self._say("-")
        elif symbol in b"\r\n":
            yield from self._paragraph()

    def _word(self, word: bytes, number: int | None) -> Iterator[Block]:
        state = self._state
        on = number != 0
        if word in _WORDS:
            self._say(_WORDS[word])
        elif word in (b"par", b"sect", b"page", b"row", b"nestrow"):
            if not self._silent():
                yield from self._end(word)
        elif word in (b"cell", b"nestcell"):
            self._decode()
            self._cells.append("".join(self._line))
            self._line = []
        elif word in _SKIPPED:
            if word == b"fonttbl":
                self._defining = -1
            self._state = replace(state, skipped=True)
        elif word in _ASIDE or word == b"shptxt":
            self._state = replace(state, aside=True, skipped=False)
        elif word == b"v":
            self._decode()
            self._state = replace(state, hidden=on)
        elif word in (b"htmlrtf", b"deleted"):
            self._decode()
            self._state = replace(state, dropped=on)
        elif word == b"plain":
            self._decode()
            self._state = replace(state, hidden=False)
        elif word == b"pard":
            self._in_table = self._item = False
            self._level = 0
        elif word == b"intbl":
            self._in_table = True
        elif word in (b"ls", b"pntext"):
            self._item = True
        elif word == b"outlinelevel" and number is not None and 0 <= number < 9:
            self._level = number + 1
        elif word == b"f" and number is not None:
            self._decode()
            self._state = replace(state, font=number)
            self._defining = number
        elif word == b"fcharset" and number in _CHARSETS and self._defining is not None:
            self._fonts[self._defining] = _CHARSETS[number]
        elif word == b"uc" and number is not None:
            self._state = replace(state, skip=max(0, min(number, 8)))

    def _end(self, word: bytes) -> Iterator[Block]:
        self._decode()
        if self._state.aside:
            self._aside.append("\n")
        elif word in (b"row", b"nestrow"):
            cells, self._cells = self._cells, []
            yield Block(text=row_text(cells), role=Role.ROW)
        elif self._in_table:
            self._line.append("\n")
        else:
            yield from self._paragraph()

    def _paragraph(self) -> Iterator[Block]:
        self._decode()
        text, self._line = "".join(self._line), []
        text = "\n".join(squeeze(line) for line in text.split("\n")).strip()
        role = Role.HEADING if self._level else Role.ITEM if self._item else Role.PARAGRAPH
        yield Block(text=text, role=role, level=self._level)
        unseen, self._unseen = squeeze("".join(self._unseen)), []
        yield Block(text=unseen, hidden=True)
        aside, self._aside = "".join(self._aside), []
        for line in aside.split("\n"):
            yield Block(text=squeeze(line))


def _character(number: int) -> str:
    code = number & 0xFFFF if number < 0 else number
    return chr(code) if code <= 0x10FFFF else "\ufffd"


def _known(name: str) -> str:
    try:
        return codecs.lookup("utf-8" if name == "cp65001" else name).name
    except LookupError:
        return "cp1252"
