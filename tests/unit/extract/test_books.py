"""EPUB and FictionBook."""

from __future__ import annotations

import pytest

from nasd.domain.passages import Role
from nasd.errors import ReadError
from nasd.extract.samples_documents import book
from tests.unit.extract.reading import package, read, texts


def test_chapters_come_in_the_order_of_the_spine() -> None:
    blocks, notes = read("epub", book("<h1>One</h1><p>first</p>", "<h1>Two</h1><p>second</p>"))
    assert notes.title == "A Book"
    assert texts(blocks) == ["A Book\nAnn", "One", "first", "Two", "second"]
    assert [b.level for b in blocks if b.role is Role.HEADING] == [1, 1]


def test_a_missing_chapter_is_told() -> None:
    opf = (
        '<package><manifest><item id="a" href="no.xhtml" media-type="application/xhtml+xml"/></manifest>'
        '<spine><itemref idref="a"/></spine></package>'
    )
    _, notes = read("epub", package({"content.opf": opf}))
    assert notes.warnings == ["1 of 1 chapters are missing."]


def test_copy_protection_is_reported_and_scrambled_fonts_are_not() -> None:
    def locked(algorithm: str) -> bytes:
        return package(
            {
                "content.opf": "<package><spine/></package>",
                "META-INF/encryption.xml": f'<encryption><EncryptionMethod Algorithm="{algorithm}"/>'
                "</encryption>",
            }
        )

    assert read("epub", locked("http://www.idpf.org/2008/embedding"))[0] == []
    with pytest.raises(ReadError) as caught:
        read("epub", locked("http://www.w3.org/2001/04/xmlenc#aes128-cbc"))
    assert caught.value.reason == "encrypted"


def test_a_package_without_a_book_is_malformed() -> None:
    with pytest.raises(ReadError) as caught:
        read("epub", package({"a": "b"}))
    assert caught.value.reason == "malformed"


def test_fictionbook() -> None:
    text = (
        '<?xml version="1.0" encoding="windows-1251"?><FictionBook xmlns="f"><description><title-info>'
        "<book-title>Книга</book-title></title-info></description><body><section><title><p>Глава</p></title>"
        "<p>Жила <emphasis>была</emphasis> утка.</p></section></body><binary id='c'>AAAA</binary>"
        "</FictionBook>"
    )
    blocks, notes = read("fb2", text.encode("cp1251"))
    assert notes.title == "Книга"
    assert [(b.role, b.text) for b in blocks][-2:] == [
        (Role.HEADING, "Глава"),
        (Role.PARAGRAPH, "Жила была утка."),
    ]
    assert "AAAA" not in "".join(texts(blocks))
