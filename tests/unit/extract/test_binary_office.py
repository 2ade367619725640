"""Binary Word, Excel, PowerPoint and Outlook files, XPS and iWork previews."""

from __future__ import annotations

import struct

import pytest

from nasd.domain.passages import Role
from nasd.errors import ReadError
from nasd.extract import samples_documents as made
from nasd.extract.readers.msg import inflate_rtf
from tests.unit.extract.reading import drawn, package, pdf, read, texts


def _reason(kind: str, data: bytes) -> str:
    with pytest.raises(ReadError) as caught:
        read(kind, data)
    return caught.value.reason


def test_word_paragraphs_fields_and_rows() -> None:
    text = "One\rsee \x13 HYPERLINK x \x14the page\x15 now\ra\x07b\x07\x07tail\x0bline\r"
    blocks, _ = read("doc", made.word(text))
    assert [(b.role, b.text) for b in blocks] == [
        (Role.PARAGRAPH, "One"),
        (Role.PARAGRAPH, "see the page now"),
        (Role.ROW, "a | b"),
        (Role.PARAGRAPH, "tail\nline"),
    ]


def test_word_styles_and_hidden_characters() -> None:
    """Headings by the style of their paragraph, hidden and deleted text by the properties of characters."""
    text = "Head\rseen trap gone\r"
    data = text.encode("utf-16-le")
    base = 2048
    main = bytearray(base)
    struct.pack_into("<HH", main, 0, 0xA5EC, 0xC1)
    struct.pack_into("<i", main, 0x4C, len(text))
    clx = b"\x02" + struct.pack("<IIIHIH", 16, 0, len(text), 0, base, 0)

    def page(bounds: list[int], properties: list[bytes], width: int) -> bytes:
        content = bytearray(512)
        struct.pack_into(f"<{len(bounds)}I", content, 0, *(base + 2 * at for at in bounds))
        place = 400
        for number, item in enumerate(properties):
            if item:
                content[4 * len(bounds) + width * number] = place // 2
                content[place : place + len(item)] = item
                place += 20
        content[511] = len(properties)
        return bytes(content)

    vanish = b"\x03" + struct.pack("<HB", 0x083C, 1)
    deleted = b"\x06" + struct.pack("<HB", 0x0835, 1) + struct.pack("<HB", 0x0800, 1)
    marks = [0, text.index("trap"), text.index("gone"), len(text) - 1, len(text)]
    chars = page(marks, [b"", vanish, deleted, b""], 1)
    paras = page([0, 5, len(text)], [b"\x02" + struct.pack("<H", 2), b""], 13)
    body = bytes(main) + data
    body += b"\0" * (-len(body) % 512)
    number = len(body) // 512
    body += chars + paras
    plcs = (
        struct.pack("<III", base, base + len(data), number),
        struct.pack("<III", base, base + len(data), number + 1),
    )
    table = clx + plcs[0] + plcs[1]
    head = bytearray(body)
    struct.pack_into("<II", head, 0x1A2, 0, len(clx))
    struct.pack_into("<II", head, 0xFA, len(clx), 12)
    struct.pack_into("<II", head, 0x102, len(clx) + 12, 12)
    blocks, _ = read("doc", made.compound({"WordDocument": bytes(head), "0Table": table}))
    assert [(b.role, b.level, b.text, b.hidden) for b in blocks] == [
        (Role.HEADING, 2, "Head", False),
        (Role.PARAGRAPH, 0, "seen", False),
        (Role.PARAGRAPH, 0, "trap", True),
    ]


def test_a_locked_word_document_is_encrypted_and_a_damaged_one_malformed() -> None:
    main = bytearray(2048)
    struct.pack_into("<HH", main, 0, 0xA5EC, 0xC1)
    assert _reason("doc", made.compound({"WordDocument": bytes(main), "0Table": b""})) == "malformed"
    struct.pack_into("<H", main, 0x0A, 0x0100)
    assert _reason("doc", made.compound({"WordDocument": bytes(main)})) == "encrypted"
    assert _reason("doc", made.compound({"EncryptedPackage": b"x"})) == "encrypted"
    assert _reason("doc", made.compound({"Other": b"x"})) == "unsupported"
    assert _reason("doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 100) == "malformed"


def test_workbooks() -> None:
    blocks, _ = read("xls", made.workbook("duck"))
    assert [(b.sheet, b.role, b.text) for b in blocks] == [("a", Role.HEADING, "a"), ("a", Role.ROW, "duck")]
    assert _reason("xls", made.compound({"Other": b""})) == "malformed"


def test_slides_come_in_order_with_their_titles() -> None:
    blocks, notes = read("ppt", made.slides(("Ducks", "mallard\rteal"), ("Geese", "one")))
    assert notes.title == "Ducks"
    assert [(b.slide, b.role, b.text) for b in blocks] == [
        (1, Role.HEADING, "Ducks"),
        (1, Role.ITEM, "mallard"),
        (1, Role.ITEM, "teal"),
        (2, Role.HEADING, "Geese"),
        (2, Role.PARAGRAPH, "one"),
    ]


def test_a_locked_presentation_is_encrypted() -> None:
    user = struct.pack("<HHIIII", 0, 0x0FF6, 24, 20, 0xF3D1C4DF, 0)
    assert _reason("ppt", made.compound({"Current User": user, "PowerPoint Document": b""})) == "encrypted"
    assert _reason("ppt", made.compound({"Current User": b"", "PowerPoint Document": b""})) == "malformed"


def test_messages() -> None:
    blocks, notes = read("msg", made.message("Hello", "First.\r\n\r\nSecond.", attached="plan.pdf"))
    assert notes.title == "Hello"
    assert texts(blocks) == [
        "Subject: Hello\nFrom: Ann\nTo: Bob\nDate: 2024-01-17 21:20 UTC",
        "First.",
        "Second.",
        "Attachments: plan.pdf",
    ]
    assert _reason("msg", made.compound({"Other": b""})) == "malformed"


def test_compressed_rich_text() -> None:
    # The example of [MS-OXRTFCP] 3.1.1.
    packed = bytes.fromhex(
        "2d0000002b0000004c5a4675f1c5c7a703000a007263706731323542320af32068656c090020627705b06c647d0a800fa0"
    )
    assert inflate_rtf(packed) == b"{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n"
    with pytest.raises(ReadError):
        inflate_rtf(b"short")


def test_fixed_pages_are_put_into_lines() -> None:
    def glyphs(text: str, x: float, y: float, more: str = "") -> str:
        return f'<Glyphs UnicodeString="{text}" OriginX="{x}" OriginY="{y}" FontRenderingEmSize="12"{more}/>'

    first = glyphs("Ducks", 50, 100) + glyphs("swim.", 84, 100)
    moved = f'<Canvas RenderTransform="1,0,0,1,0,300">{glyphs("{}{braces}", 50, 100)}</Canvas>'
    blocks, _ = read("xps", made.fixed_pages(first + moved, glyphs("two", 50, 100)))
    assert [(b.page, b.text) for b in blocks] == [(1, "Ducks swim."), (1, "{braces}"), (2, "two")]
    assert _reason("xps", package({"a": "b"})) == "malformed"


def test_iwork_is_read_from_its_preview_or_said_to_have_none() -> None:
    blocks, notes = read("iwork", made.previewed(pdf(drawn((50, 700, "from the preview")))))
    assert texts(blocks) == ["from the preview"]
    assert notes.warnings == ["Read from the preview that the document carries."]
    assert _reason("iwork", package({"Index/Document.iwa": b"x"})) == "unsupported"
