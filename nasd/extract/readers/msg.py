"""Outlook messages (MSG): subject, people, date, body, and the names of what is attached.

Written after [MS-OXMSG], [MS-OXPROPS] and, for compressed Rich Text, [MS-OXRTFCP].
"""

from __future__ import annotations

import datetime as dt
import struct
from collections.abc import Iterator

from nasd.domain.passages import Block
from nasd.errors import ReadError
from nasd.extract.base import Notes, Source
from nasd.extract.readers.compound import Compound
from nasd.extract.readers.decoding import decode
from nasd.extract.readers.flow import settle, squeeze
from nasd.extract.readers.html import read_html
from nasd.extract.readers.lines import paragraphs, split_lines
from nasd.extract.readers.rtf import rtf_blocks

_SUBJECT, _BODY, _HTML, _RTF = "0037", "1000", "1013", "1009"
_SENDER, _SENDER_SMTP, _SENDER_MAIL = "0C1A", "5D01", "0C1F"
_NAME, _MAIL, _SMTP = "3001", "3003", "39FE"
_DATES = (0x0039, 0x0E06)  # submitted, delivered
_INTERNET_CODEPAGE, _MESSAGE_CODEPAGE, _RECIPIENT_TYPE = 0x3FDE, 0x3FFD, 0x0C15
_FILE_NAMES = ("3707", "3704", "3001")
_PEOPLE = {1: "To", 2: "Cc", 3: "Bcc"}
_MAX_PEOPLE = 500
_EPOCH = dt.datetime(1601, 1, 1, tzinfo=dt.UTC)
# What the compressor's window holds at the start ([MS-OXRTFCP] 2.1.2).
_WINDOW = (
    b"{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern \\fscript "
    b"\\fdecor MS Sans SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0\\blue0\r\n\\par "
    b"\\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx"
)


class MsgReader:
    name = "msg"
    version = 1

    def read(self, source: Source, notes: Notes) -> Iterator[Block]:
        compound = Compound(source.stream)
        if "__properties_version1.0" not in compound:
            raise ReadError("The file holds no Outlook message.", reason="malformed")
        yield from settle(_Message(compound).blocks(notes))


class _Message:
    def __init__(self, compound: Compound) -> None:
        self._compound = compound
        self._fixed = _fixed(compound.find("__properties_version1.0"), 32)
        page = self._fixed.get(_MESSAGE_CODEPAGE) or self._fixed.get(_INTERNET_CODEPAGE)
        self._charset = _charset(struct.unpack("<I", page[:4])[0]) if page else None

    def blocks(self, notes: Notes) -> Iterator[Block]:
        subject = squeeze(self._string(_SUBJECT))
        notes.title = subject[:300] or None
        sender, address = (
            squeeze(self._string(_SENDER)),
            self._string(_SENDER_SMTP) or self._string(_SENDER_MAIL),
        )
        lines = [("Subject", subject), ("From", _person(sender, address)), *self._recipients()]
        if when := self._date():
            lines.append(("Date", when))
        yield Block(text="\n".join(f"{name}: {value}" for name, value in lines if value))
        yield from self._body(notes)
        names = [
            name for place in self._compound.storages("__attach_version1.0_#") if (name := self._file(place))
        ]
        if names:
            yield Block(text="Attachments: " + ", ".join(names))

    def _string(self, tag: str, storage: str = "") -> str:
        prefix = f"{storage}/__substg1.0_{tag}" if storage else f"__substg1.0_{tag}"
        if data := self._compound.find(f"{prefix}001F"):
            return data.decode("utf-16-le", "replace").rstrip("\0")
        data = self._compound.find(f"{prefix}001E")
        return decode(data.rstrip(b"\0"), self._charset)[0] if data else ""

    def _recipients(self) -> list[tuple[str, str]]:
        people: dict[int, list[str]] = {1: [], 2: [], 3: []}
        for place in self._compound.storages("__recip_version1.0_#")[:_MAX_PEOPLE]:
            fixed = _fixed(self._compound.find(f"{place}/__properties_version1.0"), 8)
            kind = struct.unpack("<I", fixed.get(_RECIPIENT_TYPE, b"\1\0\0\0")[:4])[0] & 0xF
            address = self._string(_SMTP, place) or self._string(_MAIL, place)
            people.get(kind, people[1]).append(_person(squeeze(self._string(_NAME, place)), address))
        return [(_PEOPLE[kind], ", ".join(filter(None, names))) for kind, names in people.items()]

    def _date(self) -> str:
        for tag in _DATES:
            ticks = struct.unpack("<Q", self._fixed[tag])[0] if tag in self._fixed else 0
            if 0 < ticks < 1 << 62:
                try:
                    when = _EPOCH + dt.timedelta(microseconds=ticks // 10)
                except OverflowError:
                    continue
                return when.strftime("%Y-%m-%d %H:%M UTC")
        return ""

    def _body(self, notes: Notes) -> Iterator[Block]:
        text = self._string(_BODY)
        if text.strip():
            for span in paragraphs(text, split_lines(text)):
                yield Block(text=text[span.first.start : span.last.end].replace("\r\n", "\n"))
            return
        html = self._compound.find(f"__substg1.0_{_HTML}0102")
        page = decode(html, self._charset)[0] if html else self._string(_HTML)
        if page:
            yield from read_html(page, Notes(title=""))
        elif compressed := self._compound.find(f"__substg1.0_{_RTF}0102"):
            yield from rtf_blocks(inflate_rtf(compressed), notes)

    def _file(self, place: str) -> str:
        return next((name for tag in _FILE_NAMES if (name := squeeze(self._string(tag, place)))), "")


def _fixed(data: bytes, header: int) -> dict[int, bytes]:
    """Property id -> its eight bytes, of those with a fixed size."""
    found: dict[int, bytes] = {}
    for at in range(header, len(data) - 15, 16):
        found[struct.unpack_from("<H", data, at + 2)[0]] = data[at + 8 : at + 16]
    return found


def _charset(codepage: int) -> str:
    return {65001: "utf-8", 20127: "ascii", 28591: "latin-1", 1200: "utf-16-le"}.get(
        codepage, f"cp{codepage}"
    )


def _person(name: str, address: str) -> str:
    address = address.strip()
    if "@" not in address:  # an address within an organisation's directory says nothing to a person
        return name
    return f"{name} <{address}>" if name and name != address else address


def inflate_rtf(data: bytes) -> bytes:
    """Compressed Rich Text as the text it was. Raises `ReadError` (malformed, too_large)."""
    if len(data) < 16:
        raise ReadError("The message's Rich Text is damaged.", reason="malformed")
    _, size, kind, _ = struct.unpack_from("<IIII", data)
    if kind == 0x414C454D:  # "MELA": not compressed
        return data[16 : 16 + size]
    if kind != 0x75465A4C or size > 64 << 20:  # "LZFu"
        raise ReadError("The message's Rich Text is damaged.", reason="malformed")
    window = bytearray(_WINDOW.ljust(4096, b"\0"))
    write, out, at = len(_WINDOW), bytearray(), 16
    while at < len(data) and len(out) < size:
        control = data[at]
        at += 1
        for bit in range(8):
            if at >= len(data):
                break
            if not control >> bit & 1:
                run = data[at : at + 1]
                at += 1
            else:
                word = int.from_bytes(data[at : at + 2], "big")
                at += 2
                start, length = word >> 4, (word & 0xF) + 2
                if start == write:
                    return bytes(out)
                run = b""
                for step in range(length):  # what is being written may be read again
                    byte = window[(start + step) % 4096]
                    window[(write + step) % 4096] = byte
                    run += bytes((byte,))
            for byte in run:
                window[write] = byte
                write = (write + 1) % 4096
            out += run
    return bytes(out[:size])
