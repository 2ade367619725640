from __future__ import annotations

import pytest

from nasd.domain.passages import Role
from tests.unit.extract.reading import read, texts


def _read(text: str | bytes) -> list[tuple[str, str]]:
    blocks, _ = read("xml", text if isinstance(text, bytes) else text.encode())
    return [(block.role.value, block.text) for block in blocks]


def test_prose_is_text_without_tags() -> None:
    article = (
        "<article><sec><title>On <italic>Anas</italic></title><p>A duck<xref>1</xref> of "
        "<unknown>some</unknown>\n"
        " size.</p><list><list-item><p>first</p></list-item></list></sec></article>"
    )
    blocks, notes = read("xml", article.encode())
    assert notes.title == "On Anas"
    assert [(b.role, b.text) for b in blocks] == [
        (Role.HEADING, "On Anas"),
        (Role.PARAGRAPH, "A duck1 of some size."),
        (Role.ITEM, "first"),
    ]


def test_headings_are_as_deep_as_they_stand() -> None:
    blocks, _ = read("xml", b"<a><sec><title>x</title><sec><title>y</title></sec></sec></a>")
    assert [b.level for b in blocks] == sorted({b.level for b in blocks})


def test_records_become_rows_with_their_names() -> None:
    assert _read(
        "<ducks><duck><color>green</color><age>4</age></duck><duck><color>red</color></duck></ducks>"
    ) == [
        ("row", "color: green | age: 4"),
        ("row", "color: red"),
    ]


def test_tables_become_rows_of_cells() -> None:
    assert _read("<t><tr><td>a <b>b</b></td><td><p>c</p><p>d</p></td></tr></t>") == [("row", "a b | c d")]


def test_attributes_that_people_read() -> None:
    assert _read('<opml><outline text="News" xmlUrl="http://x/"/></opml>') == [("item", "News")]


def test_lines_are_counted() -> None:
    blocks, _ = read("xml", b"<a>\n<p>one\ntwo</p>\n<p>three</p></a>")
    assert [(b.line_start, b.line_end) for b in blocks] == [(2, 3), (4, 4)]


def test_escaped_html_is_read_as_such() -> None:
    assert _read(
        "<item><description>&lt;p>a &lt;b>b&lt;/b>&lt;/p>&lt;script>x&lt;/script></description></item>"
    ) == [("paragraph", "a b")]


@pytest.mark.parametrize("encoding", ["utf-8", "iso-8859-1", "utf-16", "windows-1252"])
def test_declared_encodings(encoding: str) -> None:
    text = f'<?xml version="1.0" encoding="{encoding}"?><a><p>Pâté</p></a>'
    assert _read(text.encode(encoding)) == [("paragraph", "Pâté")]


def test_entities_stay_small_and_nothing_is_fetched() -> None:
    bomb = (
        '<!DOCTYPE a [<!ENTITY b "hohoho"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;"><!ENTITY x SYSTEM'
        ' "file:///etc/passwd">]>'
        "<a><p>before &c; &x; &eacute; after</p></a>"
    )
    found = _read(bomb)[0][1]
    assert found.startswith("before") and found.endswith("é after")
    assert "hoho" not in found and "root:" not in found


def test_an_unknown_entity_does_not_end_the_reading() -> None:
    assert _read("<a><p>x&nbsp;y &odd; z</p></a>") == [("paragraph", "x y odd z")]


def test_broken_xml_is_read_as_far_as_it_goes_and_told() -> None:
    blocks, notes = read("xml", b"<a><p>one</p><p>two</q>\n<r>three</r></a>")
    assert texts(blocks) == ["one", "two", "three"]
    assert notes.warnings == ["The XML is broken on line 1; the rest is read as text."]


def test_deep_nesting_costs_no_recursion() -> None:
    depth = 100_000
    assert texts(read("xml", b"<a>" * depth + b"deep" + b"</a>" * depth)[0]) == ["deep"]


def test_scripts_and_pictures_are_left_out() -> None:
    assert _read("<a><script>x</script><binary>AAAA</binary><p>seen</p></a>") == [("paragraph", "seen")]
