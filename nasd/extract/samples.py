"""One tiny file of each kind, read once by the warm process before it forks.

Parsers import modules and build tables when first used; in a fork nothing can be imported any more, because
no file can be opened. Reading a sample does it beforehand, on any Python version, without a list to keep.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Mapping

import zstandard

from nasd.extract import samples_media
from nasd.extract.samples_documents import document_samples, message

_W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
_A = 'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"'
_P = 'xmlns:p="http://schemas.openxmlformats.org/presentationml/2006/main"'
_S = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
_TYPES = '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>'
_R = 'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"'
_REL = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_RELATIONS = 'xmlns="http://schemas.openxmlformats.org/package/2006/relationships"'

_PDF_TEXT = (
    b"BT /F 12 Tf 40 100 Td (A line of text that is cut at its) Tj 0 -14 Td (end) Tj 1 g (white) Tj ET"
)
_PDF = (
    b"%%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n"
    b"2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
    b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 200]/Contents 4 0 R"
    b"/Resources<</Font<</F<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>>>>>>>endobj\n"
    b"4 0 obj<</Length %d>>stream\n%b\nendstream endobj\ntrailer<</Root 1 0 R>>\n%%%%EOF"
) % (len(_PDF_TEXT), _PDF_TEXT)

_MAIL = (
    b"Subject: =?iso-8859-1?q?caf=E9?=\nFrom: a@example.org\n"
    b"Content-Type: multipart/alternative; boundary=b\n\n"
    b"--b\nContent-Type: text/html; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\n<p>x=20y\n"
    b"--b\nContent-Type: text/plain; charset=latin-1\nContent-Transfer-Encoding: base64\n\n4Q==\n--b--\n"
)


def _package(parts: Mapping[str, str]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as package:
        for name, text in parts.items():
            package.writestr(name, text)
    return buffer.getvalue()


def _relations(**targets: str) -> str:
    items = "".join(
        f'<Relationship Id="r{i}" Type="{_REL}/{kind}" Target="{target}"/>'
        for i, (kind, target) in enumerate(targets.items())
    )
    return f"<Relationships {_RELATIONS}>{items}</Relationships>"


def samples() -> dict[str, bytes]:
    """Kind -> a small valid file of it."""
    return {
        "text": "déjà vu".encode("latin-1"),
        "markdown": b"---\ntitle: t\n---\n# A\n\n- b\n\n```\nc\n```\n",
        "html": b"<meta charset=utf-8><title>t</title><h1>a</h1><table><tr><td>b<td>c</table><pre>d</pre>",
        "code": b"def f():\n    pass\n\n\ndef g():\n    pass\n",
        "csv": b"a;b\n1;2\n",
        **document_samples(_PDF),
        "pdf": _PDF,
        "eml": _MAIL,
        "docx": _package(
            {
                "_rels/.rels": _relations(officeDocument="word/document.xml"),
                "word/document.xml": f"<w:document {_W}><w:body><w:p><w:r><w:t>a</w:t></w:r></w:p>"
                "<w:tbl><w:tr><w:tc><w:p/></w:tc><w:tc><w:p/></w:tc></w:tr></w:tbl></w:body></w:document>",
                "word/styles.xml": f"<w:styles {_W}/>",
            }
        ),
        "pptx": _package(
            {
                "_rels/.rels": _relations(officeDocument="ppt/presentation.xml"),
                "ppt/presentation.xml": f'<p:presentation {_P} {_R}><p:sldIdLst><p:sldId id="256" r:id="r0"/>'
                "</p:sldIdLst></p:presentation>",
                "ppt/_rels/presentation.xml.rels": _relations(slide="slides/slide1.xml"),
                "ppt/slides/slide1.xml": f"<p:sld {_P} {_A}><p:cSld><p:spTree><p:sp><p:txBody><a:p><a:r>"
                "<a:t>a</a:t></a:r></a:p></p:txBody></p:sp></p:spTree></p:cSld></p:sld>",
            }
        ),
        "image": samples_media.photo(),
        "audio": samples_media.song(),
        "video": samples_media.film(),
        "xlsx": _package(
            {
                "[Content_Types].xml": _TYPES,
                "_rels/.rels": _relations(officeDocument="xl/workbook.xml"),
                "xl/workbook.xml": f'<workbook {_S} {_R}><sheets><sheet name="a" sheetId="1" r:id="r0"/>'
                "</sheets></workbook>",
                "xl/_rels/workbook.xml.rels": _relations(worksheet="worksheets/sheet1.xml"),
                "xl/worksheets/sheet1.xml": f'<worksheet {_S}><sheetData><row r="1"><c r="A1"><v>1</v></c>'
                "</row></sheetData></worksheet>",
            }
        ),
    }


def _seven() -> bytes:
    """A 7z archive with one file, packed by LZMA2."""
    settings = [{"id": lzma.FILTER_LZMA2, "dict_size": 1 << 16}]
    data = lzma.compress(b"a" * 50, lzma.FORMAT_RAW, filters=settings)
    name = b"\0" + "a.txt\0".encode("utf-16-le")
    packed = bytes((4, 6, 0, 1, 9, len(data), 0))
    unpacked = bytes((7, 0x0B, 1, 0, 1, 0x21, 0x21, 1, 8, 0x0C, 50, 0, 0))
    directory = b"\1" + packed + unpacked + bytes((5, 1, 0x11, len(name))) + name + b"\0\0"
    start = struct.pack("<QQI", len(data), len(directory), zlib.crc32(directory))
    return b"7z\xbc\xaf\x27\x1c\0\4" + struct.pack("<I", zlib.crc32(start)) + start + data + directory


def packed_samples() -> dict[str, tuple[bytes, ...]]:
    """Kind of container -> small valid ones, of each format and compression."""
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w", format=tarfile.PAX_FORMAT) as archive:
        info = tarfile.TarInfo("ä" * 120)
        info.size = 1
        archive.addfile(info, io.BytesIO(b"a"))
    plain = tar.getvalue()
    zips = io.BytesIO()
    with zipfile.ZipFile(zips, "w") as package:
        for number, method in enumerate(
            (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
        ):
            package.writestr(f"{number}.txt", b"a" * 100, method)
    return {
        "archive": (
            zips.getvalue(),
            plain,
            gzip.compress(plain),
            bz2.compress(plain),
            lzma.compress(plain),
            zstandard.compress(plain),
            gzip.compress(b"a"),
            _seven(),
        ),
        "msg": (message("a", "b", attached="c.txt"),),
        "mbox": (b"From a@example.org\nSubject: =?utf-8?q?b?=\nDate: Mon, 2 Mar 2026 10:00:00 +0100\n\nc\n",),
        "eml": (
            b"Subject: s\nContent-Type: multipart/mixed; boundary=b\n\n--b\n"
            b"Content-Type: text/plain\nContent-Disposition: attachment; filename*=utf-8''%c3%a4.txt\n"
            b"Content-Transfer-Encoding: base64\n\n4Q==\n--b--\n",
        ),
    }
