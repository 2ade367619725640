from __future__ import annotations

import pytest

from nasd.domain.passages import Role
from nasd.errors import ReadError
from tests.unit.extract.reading import read, texts


def _read(body: str, head: str = "\\ansi\\ansicpg1252") -> list[tuple[str, str]]:
    blocks, _ = read("rtf", f"{{\\rtf1{head} {body}}}".encode("latin-1"))
    return [(block.role.value, block.text) for block in blocks]


def test_characters_by_code_page_by_number_and_by_name() -> None:
    assert _read("caf\\'e9 \\u8364?5 \\u-3913?\\emdash x\\~y \\{z\\}") == [
        ("paragraph", "café €5 \uf0b7—x y {z}")
    ]
    assert _read("\\'cf\\'f0", "\\ansi\\ansicpg1251") == [("paragraph", "Пр")]


def test_the_font_decides_the_code_page() -> None:
    fonts = "{\\fonttbl{\\f0\\fcharset0 Arial;}{\\f1\\fcharset128 Mincho;}}"
    assert _read(f"{fonts}\\f1\\'93\\'fa\\'96\\'7b\\f0 e\\'e9") == [("paragraph", "日本eé")]


def test_paragraphs_headings_items_and_rows() -> None:
    body = (
        "{\\stylesheet{\\s1 heading;}}{\\info{\\title About ducks}}\\pard\\outlinelevel0"
        " Ducks\\par\\pard text\\line "
        "more\\par\\pard\\ls1 item\\par\\pard\\trowd\\intbl a\\cell b\\cell\\row\\pard{\\pict 00ff}after"
    )
    blocks, notes = read("rtf", f"{{\\rtf1\\ansi {body}}}".encode())
    assert notes.title == "About ducks"
    assert [(b.role, b.text) for b in blocks] == [
        (Role.HEADING, "Ducks"),
        (Role.PARAGRAPH, "text\nmore"),
        (Role.ITEM, "item"),
        (Role.ROW, "a | b"),
        (Role.PARAGRAPH, "after"),
    ]


def test_what_is_no_text_stays_out_and_what_is_hidden_apart() -> None:
    blocks, _ = read("rtf", b"{\\rtf1 a{\\*\\generator x}{\\v trap}{\\deleted gone}b{\\footnote note}\\par}")
    assert [(b.text, b.hidden) for b in blocks] == [("ab", False), ("trap", True), ("note", False)]


def test_binary_data_is_passed_over() -> None:
    assert texts(read("rtf", b"{\\rtf1 a{\\pict\\bin4 }{}\\x}b}")[0]) == ["ab"]


def test_broken_groups_still_give_text_and_other_files_none() -> None:
    assert _read("}}}} still") == [("paragraph", "still")]
    with pytest.raises(ReadError, match="no Rich Text"):
        read("rtf", b"plain")


def test_deep_nesting_ends_with_a_reason() -> None:
    with pytest.raises(ReadError, match="nested"):
        read("rtf", b"{\\rtf1" + b"{" * 200_000)
