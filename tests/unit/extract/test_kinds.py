from __future__ import annotations

import pytest

from nasd.extract.kinds import Kind, kind_of, looks_like_text, media_type_of, sniff, supported, wide_encoding
from nasd.extract.registry import READERS, load_reader


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("report.PDF", "pdf"),
        ("a/b.c/notes.txt", "text"),
        (b"caf\xe9.md", "markdown"),
        ("data.tsv", "csv"),
        ("Makefile", "code"),
        ("deep/README", "text"),
        ("conf.yaml", "code"),
        ("photo.jpeg", "image"),
        ("film.mkv", "video"),
        ("all.tar.gz", "archive"),
        ("invoice.pdf.exe", "program"),
        ("draft.txt~", "text"),
        ("letter.odt", "odt"),
        ("feed.xml", "xml"),
        ("paper.tex", "latex"),
        ("people.vcf", "vcard"),
        ("report.pages", "iwork"),
        (".bashrc", "code"),
        (".hidden", "unknown"),
        ("without", "unknown"),
        ("trailing.", "unknown"),
        ("odd.qqq", "unknown"),
    ],
)
def test_names_promise_kinds(name: str | bytes, kind: str) -> None:
    assert kind_of(name).name == kind


def test_media_types_follow_the_suffix() -> None:
    assert kind_of("a.tsv") == Kind("csv", "text/tab-separated-values")
    assert kind_of("a.json").media_type == "application/json"
    assert media_type_of("pdf") == "application/pdf"
    assert media_type_of("nonsense") == "application/octet-stream"


def test_every_reader_is_supported_and_what_is_named_only_is_not() -> None:
    assert all(supported(kind) for kind in READERS)
    assert supported("unknown")
    assert not any(supported(kind) for kind in ("font", "program", "disk", "nonsense"))


def test_the_table_names_each_reader_as_it_names_itself() -> None:
    for kind, entry in READERS.items():
        reader = load_reader(kind)
        assert f"{reader.name}/{reader.version}" == entry.label


@pytest.mark.parametrize(
    ("head", "promised", "kind"),
    [
        (b"%PDF-1.7\n", "text", "pdf"),
        (b"\x89PNG\r\n\x1a\n....", "pdf", "image"),
        (b"plain words\n", "unknown", "text"),
        (b"<!DOCTYPE html><p>", "unknown", "html"),
        (b"\xef\xbb\xbf  <html>", "markdown", "html"),
        (b"<html>", "code", "code"),
        (b"PK\x03\x04....[Content_Types].xml....word/document.xml", "unknown", "docx"),
        (b"PK\x03\x04....[Content_Types].xml....xl/workbook.xml", "text", "xlsx"),
        (b"PK\x03\x04\x14\0\0\0\0\0mimetypeapplication/epub+zip", "text", "epub"),
        (b"PK\x03\x04\x14\0\0\0mimetypeapplication/vnd.oasis.opendocument.text", "unknown", "odt"),
        (b"PK\x03\x04whatever", "text", "archive"),
        (b"PK\x03\x04whatever", "docx", "docx"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "docx", "locked"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "text", "doc"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "Workbook".encode("utf-16-le"), "unknown", "xls"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"), "xls", "locked"),
        (b"<html><table>", "xls", "html"),
        (b"a\tb\n1\t2\n", "xls", "csv"),
        (b"{\\rtf1 x}", "doc", "rtf"),
        (b"just words", "doc", "text"),
        (b"<?xml version='1.0'?><FictionBook>", "unknown", "fb2"),
        (b"<?xml version='1.0'?><any>", "unknown", "xml"),
        (b"PK\x03\x04....QuickLook/Preview.pdf", "unknown", "iwork"),
        (b"PK\x03\x04....FixedDocSeq.fdseq", "archive", "xps"),
        (b"\x7fELF\x02\x01", "unknown", "program"),
        (bytes(range(256)) * 8, "text", "binary"),
        (b"", "unknown", "text"),
        (b"", "pdf", "pdf"),
        (b"no PDF at all", "pdf", "pdf"),
        (b"MZ is how this note begins", "text", "text"),
    ],
)
def test_content_wins_over_the_name(head: bytes, promised: str, kind: str) -> None:
    assert sniff(head, promised) == kind


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-16-le", "utf-16-be", "utf-32-le", "cp1251", "koi8-r", "cp866"]
)
def test_text_in_any_encoding_is_text(encoding: str) -> None:
    assert looks_like_text(
        ("Съешь же ещё этих мягких французских булок, да выпей чаю.\n" * 3).encode(encoding)
    )


def test_compressed_bytes_are_no_text() -> None:
    import random

    assert not looks_like_text(random.Random(5).randbytes(4096))


def test_one_stray_nul_makes_no_binary() -> None:
    assert looks_like_text(b"a line of words\n" * 20 + b"\0" + b"more words\n" * 20)


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
@pytest.mark.parametrize(
    "text", ["Plain English words.\n" * 5, "Ένα κείμενο με λέξεις.\n" * 5, "हिन्दी के शब्द यहाँ\n" * 9]
)
def test_wide_encodings_without_a_mark(encoding: str, text: str) -> None:
    assert wide_encoding(text.encode(encoding)) == encoding


def test_ordinary_text_is_not_wide() -> None:
    assert wide_encoding(b"an even number of plain bytes..\n" * 4) is None
