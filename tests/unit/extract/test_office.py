"""Word, PowerPoint and Excel files, written by other libraries or by hand."""

from __future__ import annotations

import datetime as dt
import io
import zipfile

import docx
import pptx
import pytest
from docx.enum.section import WD_SECTION_START
from pptx.chart.data import CategoryChartData
from pptx.enum.chart import XL_CHART_TYPE
from pptx.util import Inches

from nasd.domain.passages import Role
from nasd.errors import ReadError
from nasd.extract.readers import package as package_module
from nasd.extract.readers.xlsx import print_value
from nasd.extract.samples import samples
from tests.unit.extract.reading import package, read, texts

_W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
_M = 'xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math"'
_MC = 'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"'


def _document(body: str, **parts: str) -> bytes:
    """A package around a body of WordprocessingML."""
    xml = f"<w:document {_W} {_M} {_MC}><w:body>{body}</w:body></w:document>"
    return package({"word/document.xml": xml, **parts})


def _p(text: str) -> str:
    return f"<w:p><w:r><w:t>{text}</w:t></w:r></w:p>"


# --- Word ---------------------------------------------------------------------------------------------------


def test_word_structure() -> None:
    document = docx.Document()
    document.core_properties.title = "Duck report"
    document.sections[0].header.paragraphs[0].text = "Confidential"
    document.add_heading("Ducks", 1)
    document.add_paragraph("They swim.")
    document.add_heading("Kinds", 2)
    document.add_paragraph("mallard", style="List Bullet")
    document.add_paragraph("teal", style="List Bullet")
    table = document.add_table(2, 2)
    for cell, text in zip(
        (c for row in table.rows for c in row.cells), ("Name", "Age", "Donald", "90"), strict=True
    ):
        cell.text = text
    document.add_section(WD_SECTION_START.NEW_PAGE)
    document.add_paragraph("After the break.")
    buffer = io.BytesIO()
    document.save(buffer)
    blocks, notes = read("docx", buffer.getvalue())
    assert notes.title == "Duck report"
    assert [(b.role, b.level, b.text) for b in blocks] == [
        (Role.PARAGRAPH, 0, "Confidential"),
        (Role.HEADING, 1, "Ducks"),
        (Role.PARAGRAPH, 0, "They swim."),
        (Role.HEADING, 2, "Kinds"),
        (Role.ITEM, 0, "mallard"),
        (Role.ITEM, 0, "teal"),
        (Role.ROW, 0, "Name | Age"),
        (Role.ROW, 0, "Donald | 90"),
        (Role.PARAGRAPH, 0, "After the break."),
    ]


def test_word_reads_what_is_there_and_not_what_was_deleted() -> None:
    body = (
        "<w:p><w:r><w:t>kept</w:t></w:r><w:ins><w:r><w:t> new</w:t></w:r></w:ins>"
        "<w:del><w:r><w:delText> gone</w:delText></w:r></w:del><w:r><w:tab/><w:t>tab</w:t></w:r>"
        "<w:r><w:instrText>PAGE</w:instrText></w:r><w:moveFrom><w:r><w:t>moved</w:t></w:r></w:moveFrom></w:p>"
        f"<w:sdt><w:sdtPr/><w:sdtContent>{_p('controlled')}</w:sdtContent></w:sdt>"
        "<w:p><m:oMath><m:f><m:num><m:r><m:t>a</m:t></m:r></m:num><m:den><m:r><m:t>b</m:t></m:r></m:den></m:f>"
        "</m:oMath></w:p>"
        "<w:p><w:r><mc:AlternateContent><mc:Choice><w:txbxContent>"
        + _p("boxed")
        + "</w:txbxContent></mc:Choice>"
        "<mc:Fallback><w:txbxContent>" + _p("boxed") + "</w:txbxContent></mc:Fallback></mc:AlternateContent>"
        "</w:r></w:p>"
    )
    assert texts(read("docx", _document(body))[0]) == ["kept new\ttab", "controlled", "a/b", "boxed"]


def test_word_notes_and_comments_follow_their_paragraph() -> None:
    relations = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    rels = (
        '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
        f'<Relationship Id="r1" Type="{relations}/footnotes" Target="footnotes.xml"/>'
        f'<Relationship Id="r2" Type="{relations}/comments" Target="comments.xml"/></Relationships>'
    )
    data = package(
        {
            "word/document.xml": f"<w:document {_W}><w:body><w:p><w:r><w:t>Claim</w:t>"
            '<w:footnoteReference w:id="2"/><w:commentReference w:id="0"/></w:r></w:p>'
            f"{_p('next')}</w:body></w:document>",
            "word/_rels/document.xml.rels": rels,
            "word/footnotes.xml": f'<w:footnotes {_W}><w:footnote w:type="separator" w:id="1">{_p("----")}'
            f'</w:footnote><w:footnote w:id="2">{_p("the source")}</w:footnote></w:footnotes>',
            "word/comments.xml": f'<w:comments {_W}><w:comment w:id="0">{_p("really?")}'
            "</w:comment></w:comments>",
        }
    )
    assert texts(read("docx", data)[0]) == ["Claim", "the source", "really?", "next"]


def test_word_strict_namespaces() -> None:
    strict = 'xmlns:w="http://purl.oclc.org/ooxml/wordprocessingml/main"'
    data = package(
        {"word/document.xml": f"<w:document {strict}><w:body>{_p('strict')}</w:body></w:document>"}
    )
    assert texts(read("docx", data)[0]) == ["strict"]


def test_word_styles_in_a_ring_end() -> None:
    styles = (
        f'<w:styles {_W}><w:style w:styleId="A"><w:basedOn w:val="B"/></w:style>'
        '<w:style w:styleId="B"><w:basedOn w:val="A"/></w:style></w:styles>'
    )
    body = '<w:p><w:pPr><w:pStyle w:val="A"/></w:pPr><w:r><w:t>x</w:t></w:r></w:p>'
    assert texts(read("docx", _document(body, **{"word/styles.xml": styles}))[0]) == ["x"]


# --- hostile packages ---------------------------------------------------------------------------------------


def _reason(kind: str, data: bytes) -> str:
    with pytest.raises(ReadError) as caught:
        read(kind, data)
    return caught.value.reason


@pytest.mark.parametrize("kind", ["docx", "pptx", "xlsx"])
def test_what_is_no_package_is_malformed(kind: str) -> None:
    assert _reason(kind, b"plain words") == "malformed"
    assert _reason(kind, package({"other.txt": "x"})) == "malformed"
    assert _reason(kind, samples()[kind][:-40]) == "malformed"


def test_entities_are_neither_expanded_nor_fetched() -> None:
    bomb = "<!DOCTYPE d [<!ENTITY a 'hohoho'>" + "".join(
        f"<!ENTITY a{n} '{'&a' + (str(n - 1) if n else '') + ';'}{'&a' + (str(n - 1) if n else '') + ';'}'>"
        for n in range(40)
    )
    secret = f"{bomb}<!ENTITY x SYSTEM 'file:///etc/passwd'>]>"
    xml = f"{secret}<w:document {_W}><w:body>{_p('before &x;&a39; after')}</w:body></w:document>"
    try:
        found = "".join(texts(read("docx", package({"word/document.xml": xml}))[0]))
    except ReadError as error:
        assert error.reason == "malformed"
    else:
        assert "root:" not in found and "hoho" not in found


def test_deep_nesting_is_refused() -> None:
    deep = "<w:sdt>" * 5000 + "</w:sdt>" * 5000
    assert _reason("docx", _document(deep)) == "malformed"


def test_a_bomb_is_refused_by_what_it_says_and_by_what_it_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(package_module, "MAX_PART_BYTES", 100_000)
    honest = _document(_p("x" * 200_000))
    assert _reason("docx", honest) == "too_large"
    assert _reason("xlsx", package({"xl/workbook.xml": "y" * 200_000})) == "too_large"
    # The same with a directory that claims a small size.
    with zipfile.ZipFile(io.BytesIO(honest)) as archive:
        size = archive.getinfo("word/document.xml").file_size
    lying = honest.replace(size.to_bytes(4, "little"), (50_000).to_bytes(4, "little"))
    assert lying != honest
    assert _reason("docx", lying) in ("too_large", "malformed")


def test_a_locked_member_is_encrypted() -> None:
    data = bytearray(_document(_p("x")))
    directory = data.index(b"PK\x01\x02")
    data[6] |= 1
    data[directory + 8] |= 1
    assert _reason("docx", bytes(data)) == "encrypted"


# --- PowerPoint ---------------------------------------------------------------------------------------------


def test_slides() -> None:
    deck = pptx.Presentation()
    first = deck.slides.add_slide(deck.slide_layouts[1])
    first.shapes.title.text = "Ducks  of Europe"
    frame = first.placeholders[1].text_frame
    frame.text = "mallard"
    frame.add_paragraph().text = "teal"
    first.notes_slide.notes_text_frame.text = "Say hello first."
    second = deck.slides.add_slide(deck.slide_layouts[6])
    table = second.shapes.add_table(2, 2, 0, 0, Inches(4), Inches(1)).table
    for n, text in enumerate(("Name", "Age", "Donald", "90")):
        table.cell(n // 2, n % 2).text = text
    group = second.shapes.add_group_shape()
    group.shapes.add_textbox(0, 0, 9, 9).text_frame.text = "inside a group"
    data = CategoryChartData()
    data.categories = ["2023", "2024"]
    data.add_series("Sightings", (12, 15))
    second.shapes.add_chart(XL_CHART_TYPE.COLUMN_CLUSTERED, 0, 0, Inches(3), Inches(3), data)
    buffer = io.BytesIO()
    deck.save(buffer)
    blocks, notes = read("pptx", buffer.getvalue())
    assert notes.title == "Ducks of Europe"
    assert [(b.slide, b.role, b.text) for b in blocks] == [
        (1, Role.HEADING, "Ducks of Europe"),
        (1, Role.ITEM, "mallard"),
        (1, Role.ITEM, "teal"),
        (1, Role.PARAGRAPH, "Say hello first."),
        (2, Role.ROW, "Name | Age"),
        (2, Role.ROW, "Donald | 90"),
        (2, Role.PARAGRAPH, "inside a group"),
        (2, Role.ROW, "Sightings | 2023: 12 | 2024: 15"),
    ]


def test_a_missing_slide_is_noted() -> None:
    data = samples()["pptx"]
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    parts["ppt/slides/slide1.xml"] = b"<broken"
    blocks, notes = read("pptx", package(parts))
    assert blocks == []
    assert notes.warnings == ["1 of 1 slides could not be read."]


# --- Excel --------------------------------------------------------------------------------------------------

_S = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'


def _workbook(rows: str, styles: str = "") -> bytes:
    with zipfile.ZipFile(io.BytesIO(samples()["xlsx"])) as archive:
        parts: dict[str, str | bytes] = {name: archive.read(name) for name in archive.namelist()}
    parts["xl/worksheets/sheet1.xml"] = f"<worksheet {_S}><sheetData>{rows}</sheetData></worksheet>"
    if styles:
        parts["xl/styles.xml"] = styles
        rels = parts["xl/_rels/workbook.xml.rels"]
        assert isinstance(rels, bytes)
        kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/styles"
        extra = f'<Relationship Id="s" Type="{kind}" Target="styles.xml"/></Relationships>'
        parts["xl/_rels/workbook.xml.rels"] = rels.replace(b"</Relationships>", extra.encode())
    return package(parts)


def _row(number: int, *cells: str | float) -> str:
    out = ""
    for column, value in zip("ABCDEF", cells, strict=False):
        if isinstance(value, str):
            out += f'<c r="{column}{number}" t="inlineStr"><is><t>{value}</t></is></c>'
        else:
            out += f'<c r="{column}{number}"><v>{value}</v></c>'
    return f'<row r="{number}">{out}</row>'


def test_sheets_rows_and_names() -> None:
    data = _workbook(_row(1, "Name", "Age") + _row(2, "Ada", 36) + _row(4, "Bob", 0.1 + 0.2))
    blocks, _ = read("xlsx", data)
    assert [(b.role, b.level, b.sheet, b.text) for b in blocks] == [
        (Role.HEADING, 1, "a", "a"),
        (Role.HEADING, 2, "a", "Name | Age"),
        (Role.ROW, 0, "a", "Ada | 36"),
        (Role.ROW, 0, "a", "Bob | 0.3"),
    ]


def test_a_caption_may_stand_above_the_names() -> None:
    data = _workbook(_row(1, "Staff") + _row(2, "Name", "Age") + _row(3, "Ada", 36))
    assert [b.level for b in read("xlsx", data)[0]] == [1, 0, 2, 0]


def test_dates_are_dates() -> None:
    styles = (
        f'<styleSheet {_S}><cellXfs count="2"><xf numFmtId="0"/><xf numFmtId="14"/></cellXfs></styleSheet>'
    )
    data = _workbook('<row r="1"><c r="A1" s="1"><v>45292</v></c></row>', styles)
    assert texts(read("xlsx", data)[0])[1:] == ["2024-01-01"]


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (3.0, "3"),
        (-0.5, "-0.5"),
        (0.1 + 0.2, "0.3"),
        (1e300, "1e+300"),
        (True, "TRUE"),
        (dt.datetime(2024, 5, 2), "2024-05-02"),
        (dt.datetime(2024, 5, 2, 13, 5), "2024-05-02 13:05:00"),
        (dt.date(2024, 5, 2), "2024-05-02"),
        (dt.time(9, 30), "09:30:00"),
        (dt.timedelta(hours=30), "1 day, 6:00:00"),
        ("text", "text"),
    ],
)
def test_values_as_people_see_them(value: object, shown: str) -> None:
    assert print_value(value) == shown
