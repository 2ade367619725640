"""PDFs: page trees and forms that lead back to themselves, streams that never end."""

from __future__ import annotations

import zlib
from collections.abc import Mapping


def pdf(objects: Mapping[int, bytes], root: int = 1) -> bytes:
    data = bytearray(b"%PDF-1.7\n")
    offsets = {}
    for number, body in objects.items():
        offsets[number] = len(data)
        data += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(data)
    size = max(objects) + 1
    data += b"xref\n0 %d\n0000000000 65535 f \n" % size
    for number in range(1, size):
        data += b"%010d 00000 n \n" % offsets[number] if number in offsets else b"0000000000 65535 f \n"
    return bytes(data + b"trailer\n<</Size %d/Root %d 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (size, root, start))


def stream(data: bytes, extra: bytes = b"", *, deflated: int = 1) -> bytes:
    for _ in range(deflated):
        data = zlib.compress(data, 9)
    filters = b"/Filter[" + b"/FlateDecode" * deflated + b"]" if deflated else b""
    return b"<<%s%s/Length %d>>stream\n%s\nendstream" % (filters, extra, len(data), data)


_CATALOGUE = b"<</Type/Catalog/Pages 2 0 R>>"
_FONT = b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"
_PAGE = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 5 0 R/Resources<</Font<</F 4 0 R>>%s>>>>"


def one_page(content: bytes, resources: bytes = b"", more: Mapping[int, bytes] | None = None) -> bytes:
    return pdf({
        1: _CATALOGUE,
        2: b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        3: _PAGE % resources,
        4: _FONT,
        5: content,
        **(more or {}),
    })  # fmt: skip


def recursive_page_tree() -> bytes:
    return pdf({
        1: _CATALOGUE,
        2: b"<</Type/Pages/Kids[3 0 R 2 0 R]/Count 1000000>>",
        3: b"<</Type/Pages/Parent 2 0 R/Kids[2 0 R 3 0 R]/Count 500000>>",
    })  # fmt: skip


def deep_page_tree() -> bytes:
    objects = {1: _CATALOGUE}
    for number in range(2, 20_000):
        objects[number] = b"<</Type/Pages/Kids[%d 0 R]/Count 1>>" % (number + 1)
    objects[20_000] = b"<</Type/Page/Parent 19999 0 R/MediaBox[0 0 9 9]>>"
    return pdf(objects)


def laughing_forms_pdf() -> bytes:
    """Each form draws the next one ten times: ten thousand million drawings of one word."""
    more = {}
    for level in range(10):
        below = b"/XObject<</X %d 0 R>>" % (11 + level) if level < 9 else b"/Font<</F 4 0 R>>"
        draw = b"/X Do " * 10 if level < 9 else b"BT /F 9 Tf 9 9 Td (ho) Tj ET"
        extra = b"/Type/XObject/Subtype/Form/BBox[0 0 595 842]/Resources<<%s>>" % below
        more[10 + level] = stream(draw, extra, deflated=0)
    return one_page(stream(b"/X Do " * 10), b"/XObject<</X 10 0 R>>", more)


def endless_text_pdf() -> bytes:
    """Ten million characters on one page."""
    return one_page(
        stream(b"BT /F 9 Tf 9 9 Td " + b"(again and again and again ) Tj 0 -1 Td " * 400_000 + b"ET")
    )


def twice_deflated_pdf() -> bytes:
    return one_page(stream(b" " * (1 << 30), deflated=2))


def nested_arrays_pdf() -> bytes:
    return one_page(
        stream(b"BT /F 9 Tf " + b"[" * 2_000_000 + b"ET"), b"/A " + b"[" * 500_000 + b"]" * 500_000
    )


def lines_pdf() -> bytes:
    """A drawing of a million strokes and no word."""
    return one_page(stream(b"0 0 m 9 9 l S\n" * 1_000_000))


def pages_pdf(count: int, *, kids: int = 100) -> bytes:
    """`count` pages, each of its own text, in a tree of two levels."""
    objects = {1: _CATALOGUE, 4: _FONT}
    groups = range(0, count, kids)
    tree = 10
    first = tree + len(groups)
    objects[2] = b"<</Type/Pages/Kids[%s]/Count %d>>" % (
        b" ".join(b"%d 0 R" % (tree + at) for at in range(len(groups))),
        count,
    )
    for at, start in enumerate(groups):
        pages = range(start, min(start + kids, count))
        objects[tree + at] = b"<</Type/Pages/Parent 2 0 R/Kids[%s]/Count %d>>" % (
            b" ".join(b"%d 0 R" % (first + 2 * page) for page in pages),
            len(pages),
        )
        for page in pages:
            number = first + 2 * page
            objects[number] = (
                b"<</Type/Page/Parent %d 0 R/MediaBox[0 0 595 842]/Contents %d 0 R"
                b"/Resources<</Font<</F 4 0 R>>>>>>" % (tree + at, number + 1)
            )
            lines = b"".join(
                b"(Page %d, line %d: the ledger of the harbour tells of ships and of grain.) Tj T*\n"
                % (page + 1, line)
                for line in range(40)
            )
            objects[number + 1] = stream(b"BT /F 10 Tf 14 TL 50 800 Td\n" + lines + b"ET")
    return pdf(objects)
