from __future__ import annotations

import pytest

from nasd.domain.passages import Role
from nasd.errors import ReadError
from nasd.extract.samples_documents import open_document
from tests.unit.extract.reading import read, texts

_ODF = "urn:oasis:names:tc:opendocument:xmlns"
_SPACES = (
    f'xmlns:office="{_ODF}:office:1.0" xmlns:text="{_ODF}:text:1.0" xmlns:style="{_ODF}:style:1.0" '
    'xmlns:dc="http://purl.org/dc/elements/1.1/"'
)


def test_text_with_headings_lists_notes_and_tables() -> None:
    body = (
        "<office:text><text:tracked-changes><text:p>deleted</text:p></text:tracked-changes>"
        '<text:h text:outline-level="2">On<text:s/>ducks</text:h>'
        "<text:p>A  mallard<text:note><text:note-citation>1</text:note-citation><text:note-body>"
        "<text:p>Anas platyrhynchos</text:p></text:note-body></text:note> swims."
        "<text:line-break/>So it does.</text:p>"
        "<text:list><text:list-item><text:p>first</text:p><text:list><text:list-item><text:p>within</text:p>"
        "</text:list-item></text:list></text:list-item></text:list>"
        "<table:table><table:table-header-rows><table:table-row><table:table-cell><text:p>Name</text:p>"
        "</table:table-cell><table:table-cell><text:p>Age</text:p></table:table-cell></table:table-row>"
        "</table:table-header-rows><table:table-row><table:table-cell><text:p>Donald</text:p>"
        "</table:table-cell>"
        "<table:table-cell><text:p>90</text:p></table:table-cell></table:table-row></table:table>"
        "</office:text>"
    )
    meta = f"<office:document-meta {_SPACES}><office:meta><dc:title>Birds</dc:title></office:meta>"
    meta += "</office:document-meta>"
    blocks, notes = read("odt", open_document(body, meta=meta))
    assert notes.title == "Birds"
    assert [(b.role, b.level, b.text) for b in blocks] == [
        (Role.HEADING, 2, "On ducks"),
        (Role.PARAGRAPH, 0, "A mallard swims.\nSo it does."),
        (Role.PARAGRAPH, 0, "Anas platyrhynchos"),
        (Role.ITEM, 0, "first"),
        (Role.ITEM, 0, "within"),
        (Role.ROW, 0, "Name | Age"),
        (Role.ROW, 0, "Donald | 90"),
    ]


def test_headers_come_first_and_head_nothing() -> None:
    styles = (
        f"<office:document-styles {_SPACES}><style:master-page><style:header><text:h>Top</text:h>"
        f"</style:header>"
        "</style:master-page></office:document-styles>"
    )
    blocks, _ = read("odt", open_document("<office:text><text:p>x</text:p></office:text>", styles=styles))
    assert [(b.role, b.text) for b in blocks] == [(Role.PARAGRAPH, "Top"), (Role.PARAGRAPH, "x")]


def test_sheets() -> None:
    def row(*cells: str, more: str = "") -> str:
        shown = "".join(f"<table:table-cell><text:p>{cell}</text:p></table:table-cell>" for cell in cells)
        return f"<table:table-row>{shown}{more}</table:table-row>"

    wide = '<table:table-cell table:number-columns-repeated="16384"/>'
    body = (
        '<office:spreadsheet><table:table table:name="Ducks">'
        + row("Name", "Age")
        + row("Donald", "90", more=wide)
        + '<table:table-row table:number-rows-repeated="1048000"><table:table-cell/></table:table-row>'
        + '</table:table><table:table table:name="Geese">'
        + row("Nils", "14")
        + "</table:table></office:spreadsheet>"
    )
    blocks, _ = read("ods", open_document(body))
    assert [(b.sheet, b.role, b.text) for b in blocks] == [
        ("Ducks", Role.HEADING, "Ducks"),
        ("Ducks", Role.HEADING, "Name | Age"),
        ("Ducks", Role.ROW, "Donald | 90"),
        ("Geese", Role.HEADING, "Geese"),
        ("Geese", Role.ROW, "Nils | 14"),
    ]


def test_slides() -> None:
    body = (
        "<office:presentation><draw:page><draw:frame><draw:text-box><text:p>body</text:p>"
        "</draw:text-box></draw:frame>"
        '<draw:frame class="title"><draw:text-box><text:p>Title</text:p></draw:text-box></draw:frame>'
        '<draw:frame class="footer"><draw:text-box><text:p>foot</text:p></draw:text-box>'
        "</draw:frame></draw:page>"
        "<draw:page><draw:custom-shape><text:p>shape</text:p></draw:custom-shape></draw:page>"
        "</office:presentation>"
    )
    blocks, _ = read("odp", open_document(body))
    assert [(b.slide, b.role, b.text) for b in blocks] == [
        (1, Role.HEADING, "Title"),
        (1, Role.PARAGRAPH, "body"),
        (2, Role.PARAGRAPH, "shape"),
    ]


def test_flat_files_are_read_too() -> None:
    flat = (
        f'<?xml version="1.0"?><office:document {_SPACES}><office:body><office:text><text:p>flat</text:p>'
        "</office:text></office:body></office:document>"
    )
    assert texts(read("odt", flat.encode())[0]) == ["flat"]


def test_a_locked_document_is_encrypted() -> None:
    manifest = '<m:manifest xmlns:m="m"><m:file-entry><m:encryption-data/></m:file-entry></m:manifest>'
    data = open_document("<office:text/>", **{"META-INF/manifest": manifest})
    with pytest.raises(ReadError) as caught:
        read("odt", data)
    assert caught.value.reason == "encrypted"


def test_broken_content_is_malformed() -> None:
    with pytest.raises(ReadError) as caught:
        read("odt", open_document("<office:text><text:p>"))
    assert caught.value.reason == "malformed"
