"""Tiny documents of further kinds, and OLE containers made around given streams."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Mapping

_SECTOR = 512
_FREE, _END, _FAT = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD
_ODF = "urn:oasis:names:tc:opendocument:xmlns"
_SPACES = " ".join(
    f'xmlns:{prefix}="{_ODF}:{name}:1.0"'
    for prefix, name in (("office", "office"), ("text", "text"), ("table", "table"), ("draw", "drawing"))
)
_RELATION = "http://schemas.microsoft.com/xps/2005/06/fixedrepresentation"


def compound(streams: Mapping[str, bytes]) -> bytes:
    """An OLE compound file with these streams, at the top or ("storage/stream") one level below. Every
    stream is padded to 4096 bytes, the least that is kept in whole sectors."""
    names = [name for name in streams if "/" not in name]
    storages = sorted({name.partition("/")[0] for name in streams if "/" in name})
    entries = [("Root Entry", 5, b"")]
    entries += [(name, 2, streams[name]) for name in names] + [(name, 1, b"") for name in storages]
    children = {0: list(range(1, len(entries)))}
    for storage in storages:
        at = next(i for i, entry in enumerate(entries) if entry[0] == storage)
        inner = [name for name in streams if name.startswith(f"{storage}/")]
        children[at] = list(range(len(entries), len(entries) + len(inner)))
        entries += [(name.partition("/")[2], 2, streams[name]) for name in inner]
    body = b""
    fat: list[int] = []
    starts: list[int] = []
    sizes: list[int] = []
    for _, kind, data in entries:
        padded = data.ljust(4096, b"\0") if kind == 2 else b""
        padded += b"\0" * (-len(padded) % _SECTOR)
        count = len(padded) // _SECTOR
        starts.append(len(fat) if count else _END)
        sizes.append(max(len(data), 4096) if kind == 2 else 0)
        fat += [*range(len(fat) + 1, len(fat) + count), _END] if count else []
        body += padded
    directory = b""
    for at, (name, kind, _) in enumerate(entries):
        # Siblings hang on each other as a chain to the right: a search tree, if not a balanced one.
        right = next(
            (group[i + 1] for group in children.values() for i in range(len(group) - 1) if group[i] == at),
            _FREE,
        )
        child = children[at][0] if children.get(at) else _FREE
        spelled = (name + "\0").encode("utf-16-le")
        directory += struct.pack(
            "<64sHBBIII36xIII", spelled.ljust(64, b"\0"), len(spelled), kind, 1, _FREE, right, child,
            starts[at], sizes[at], 0,
        )  # fmt: skip
    directory += b"\0" * (-len(directory) % _SECTOR)
    first_directory, count = len(fat), len(directory) // _SECTOR
    fat += [*range(first_directory + 1, first_directory + count), _END]
    tables = 1
    while tables * _SECTOR // 4 < len(fat) + tables:
        tables += 1
    first_table = len(fat)
    fat += [_FAT] * tables
    fat += [_FREE] * (-len(fat) % (_SECTOR // 4))
    header = struct.pack(
        "<8s16xHHHHH6xIIIIIIIIII", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 0x3E, 3, 0xFFFE, 9, 6, 0, tables,
        first_directory, 0, 4096, _END, 0, _END, 0, first_table,
    )  # fmt: skip
    header += b"".join(struct.pack("<I", first_table + i if i < tables else _FREE) for i in range(1, 109))
    return header + body + directory + struct.pack(f"<{len(fat)}I", *fat)


def word(text: str) -> bytes:
    """A binary Word document of one piece of text in UTF-16; paragraphs end with CR."""
    data = text.encode("utf-16-le")
    main = bytearray(2048)
    struct.pack_into("<HH", main, 0, 0xA5EC, 0xC1)
    struct.pack_into("<i", main, 0x4C, len(data) // 2)
    clx = b"\x02" + struct.pack("<IIIHIH", 16, 0, len(data) // 2, 0, 2048, 0)
    struct.pack_into("<II", main, 0x1A2, 0, len(clx))
    return compound({"WordDocument": bytes(main) + data, "0Table": clx})


def record(kind: int, data: bytes, *, instance: int = 0, container: bool = False) -> bytes:
    """A record of a binary presentation."""
    return struct.pack("<HHI", instance << 4 | (0xF if container else 0), kind, len(data)) + data


def slides(*decks: tuple[str, str]) -> bytes:
    """A binary presentation: title and body of each slide."""
    listed = b""
    for number, (title, text) in enumerate(decks):
        listed += record(0x03F3, struct.pack("<IIIII", number + 2, 0, 2, 256 + number, 0))
        for header, words in ((0, title), (1, text)):
            listed += record(0x0F9F, struct.pack("<I", header)) + record(0x0FA0, words.encode("utf-16-le"))
    objects = [record(0x03E8, record(0x0FF0, listed, container=True), container=True)]
    objects += [record(0x03EE, record(0x03EF, b"\0" * 24), container=True) for _ in decks]
    places, data = [], b""
    for item in objects:
        places.append(len(data))
        data += item
    directory = len(data)
    data += record(0x1772, struct.pack(f"<I{len(places)}I", len(places) << 20 | 1, *places))
    edit = len(data)
    data += record(0x0FF5, struct.pack("<IIIIIII", 256, 0, 0, directory, 1, len(places) + 1, 0))
    user = struct.pack("<HHIIII", 0, 0x0FF6, 24, 20, 0xE391C05F, edit)
    return compound({"PowerPoint Document": data, "Current User": user})


def message(subject: str, body: str, *, attached: str = "") -> bytes:
    """An Outlook message."""
    streams = {
        "__properties_version1.0": struct.pack("<32xIIQ", 0x00390040, 6, 133_500_000_000_000_000),
        "__substg1.0_0037001F": subject.encode("utf-16-le"),
        "__substg1.0_0C1A001F": "Ann".encode("utf-16-le"),
        "__substg1.0_1000001F": body.encode("utf-16-le"),
        "__recip_version1.0_#00000000/__properties_version1.0": struct.pack("<8xIIQ", 0x0C150003, 6, 1),
        "__recip_version1.0_#00000000/__substg1.0_3001001F": "Bob".encode("utf-16-le"),
    }
    if attached:
        streams["__attach_version1.0_#00000000/__substg1.0_3707001F"] = attached.encode("utf-16-le")
        streams["__attach_version1.0_#00000000/__substg1.0_37010102"] = b"attached"
    return compound(streams)


def _package(parts: Mapping[str, str]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as package:
        for name, text in parts.items():
            package.writestr(name, text)
    return buffer.getvalue()


def open_document(body: str, **parts: str) -> bytes:
    """An OpenDocument package around the element within `office:body`."""
    content = (
        f"<office:document-content {_SPACES}><office:body>{body}</office:body></office:document-content>"
    )
    return _package({"content.xml": content, **{f"{name}.xml": text for name, text in parts.items()}})


def fixed_pages(*pages: str) -> bytes:
    """An XPS package of these pages' elements."""
    listed = "".join(f'<PageContent Source="p{number}.fpage"/>' for number in range(len(pages)))
    parts = {
        "_rels/.rels": '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
        f'<Relationship Id="r" Type="{_RELATION}" Target="/s.fdseq"/></Relationships>',
        "s.fdseq": '<FixedDocumentSequence><DocumentReference Source="d/a.fdoc"/></FixedDocumentSequence>',
        "d/a.fdoc": f"<FixedDocument>{listed}</FixedDocument>",
    }
    for number, content in enumerate(pages):
        parts[f"d/p{number}.fpage"] = f'<FixedPage Width="600" Height="800">{content}</FixedPage>'
    return _package(parts)


def previewed(pdf: bytes) -> bytes:
    """An iWork document with this preview."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as package:
        package.writestr("QuickLook/Preview.pdf", pdf)
    return buffer.getvalue()


def book(*chapters: str) -> bytes:
    """An EPUB book of these pages' bodies."""
    items = "".join(
        f'<item id="c{n}" href="c{n}.xhtml" media-type="application/xhtml+xml"/>'
        for n in range(len(chapters))
    )
    spine = "".join(f'<itemref idref="c{n}"/>' for n in range(len(chapters)))
    parts = {
        "mimetype": "application/epub+zip",
        "META-INF/container.xml": '<container><rootfiles><rootfile full-path="o/b.opf"/></rootfiles>'
        "</container>",
        "o/b.opf": '<package xmlns:dc="d"><metadata><dc:title>A Book</dc:title><dc:creator>Ann</dc:creator>'
        f"</metadata><manifest>{items}</manifest><spine>{spine}</spine></package>",
    }
    for number, body in enumerate(chapters):
        parts[f"o/c{number}.xhtml"] = f"<html><head><title>x</title></head><body>{body}</body></html>"
    return _package(parts)


def workbook(text: str) -> bytes:
    """A binary workbook (BIFF8) of one sheet with one text cell."""

    def part(kind: int, data: bytes) -> bytes:
        return struct.pack("<HH", kind, len(data)) + data

    begin = part(0x0809, struct.pack("<HHHHII", 0x0600, 5, 0, 0, 0, 6))
    name = b"\x01\x00a"
    bound_length = 4 + 6 + len(name)
    at = len(begin) + bound_length + 4
    sheet = part(0x0809, struct.pack("<HHHHII", 0x0600, 0x10, 0, 0, 0, 6))
    label = text.encode("latin-1")
    sheet += part(0x0204, struct.pack("<HHHHB", 0, 0, 0, len(label), 0) + label) + part(0x0A, b"")
    stream = begin + part(0x0085, struct.pack("<IBB", at, 0, 0) + name) + part(0x0A, b"") + sheet
    return compound({"Workbook": stream})


def document_samples(pdf: bytes) -> dict[str, bytes]:
    """Kind -> a small valid file of it; `pdf` is one."""
    paragraph = "<text:h>a</text:h><text:p>b</text:p>"
    row = "<table:table-row><table:table-cell><text:p>b</text:p></table:table-cell></table:table-row>"
    return {
        "odt": open_document(f"<office:text>{paragraph}</office:text>"),
        "ods": open_document(f"<office:spreadsheet><table:table>{row}</table:table></office:spreadsheet>"),
        "odp": open_document(
            f"<office:presentation><draw:page>{paragraph}</draw:page></office:presentation>"
        ),
        "odg": open_document(f"<office:drawing><draw:page>{paragraph}</draw:page></office:drawing>"),
        "rtf": b"{\\rtf1\\ansi\\ansicpg1252 caf\\'e9\\u8364?\\par b}",
        "epub": book("<p>a</p>"),
        "fb2": b"<FictionBook><body><section><title><p>a</p></title><p>b</p></section></body></FictionBook>",
        "xml": b"<?xml version='1.0' encoding='utf-8'?><r><a>b &nbsp; c</a><d>&lt;p>e&lt;/p></d></r>",
        "calendar": b"BEGIN:VCALENDAR\nBEGIN:VEVENT\nSUMMARY;ENCODING=QUOTED-PRINTABLE:a=C3=A4\n"
        b"DTSTART:20260101T100000Z\nRRULE:FREQ=WEEKLY;BYDAY=MO\nEND:VEVENT\nEND:VCALENDAR\n",
        "vcard": b"BEGIN:VCARD\nVERSION:3.0\nFN:a\nTEL;TYPE=home:1\nKEY;ENCODING=BASE64:YQ==\nEND:VCARD\n",
        "mhtml": b"Subject: =?utf-8?q?a?=\nContent-Type: multipart/related; boundary=b\n\n--b\n"
        b"Content-Type: text/html; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\n"
        b"<p>x=20y\n--b--\n",
        "ipynb": b'{"cells": [{"cell_type": "markdown", "source": ["# a\\n", "b"]}, {"cell_type": "code", '
        b'"source": "1", "outputs": [{"output_type": "stream", "text": ["c"]}]}]}',
        "rst": b"ab\n==\n\nb::\n\n    c\n",
        "org": b"* a\n- b\n",
        "latex": b"\\section{a}\nb\n",
        "xps": fixed_pages('<Glyphs UnicodeString="a" OriginX="1" OriginY="9" FontRenderingEmSize="9"/>'),
        "iwork": previewed(pdf),
        "doc": word("a\rb\r"),
        "xls": workbook("a"),
        "ppt": slides(("a", "b")),
        "msg": message("a", "b", attached="c.txt"),
    }
