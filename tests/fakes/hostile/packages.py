"""XML and what is made of it: entities that multiply or reach outside, depth, repetition."""

from __future__ import annotations

from tests.fakes.hostile.archives import packed

LAUGHS = (
    "<!DOCTYPE x [<!ENTITY a0 'hohoho'>"
    + "".join(f"<!ENTITY a{n} '{f'&a{n - 1};' * 10}'>" for n in range(1, 12))
    + "]>"
)
QUADRATIC = f"<!DOCTYPE x [<!ENTITY a '{'q' * 50_000}'>]>"
OUTSIDE = "<!DOCTYPE x [<!ENTITY a11 SYSTEM 'file:///etc/passwd'>]>"
REMOTE = "<!DOCTYPE x SYSTEM 'http://198.51.100.7/x.dtd' [<!ENTITY a11 SYSTEM 'http://198.51.100.7/x'>]>"
_W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_S = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_P = "http://schemas.openxmlformats.org/presentationml/2006/main"
_A = "http://schemas.openxmlformats.org/drawingml/2006/main"
_R = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_O = "urn:oasis:names:tc:opendocument:xmlns:office:1.0"
_T = "urn:oasis:names:tc:opendocument:xmlns:text:1.0"
_TABLE = "urn:oasis:names:tc:opendocument:xmlns:table:1.0"
_RELS = "http://schemas.openxmlformats.org/package/2006/relationships"
_TYPES = '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>'


def xml(prolog: str, body: str) -> bytes:
    return f"{prolog}{body}".encode()


def _rels(kind: str, *targets: str) -> str:
    rows = "".join(
        f'<Relationship Id="rId{n}" Type="{_R}/{kind}" Target="{target}"/>'
        for n, target in enumerate(targets, 1)
    )
    return f'<Relationships xmlns="{_RELS}">{rows}</Relationships>'


def docx(document: str | bytes, **more: str) -> bytes:
    return packed({
        "[Content_Types].xml": _TYPES,
        "_rels/.rels": _rels("officeDocument", "word/document.xml"),
        "word/document.xml": document,
        **more,
    })  # fmt: skip


def word(prolog: str, body: str) -> bytes:
    return docx(f'{prolog}<w:document xmlns:w="{_W}"><w:body>{body}</w:body></w:document>')


def paragraph(text: str) -> str:
    return f"<w:p><w:r><w:t>{text}</w:t></w:r></w:p>"


def deep_docx() -> bytes:
    table = "<w:tbl><w:tr><w:tc>" * 100_000 + "</w:tc></w:tr></w:tbl>" * 100_000
    return word("", paragraph("above") + table)


def long_docx() -> bytes:
    """Half a million empty paragraphs."""
    return word("", paragraph("above") + "<w:p/>" * 500_000)


def tiny_paragraphs_docx() -> bytes:
    return word("", paragraph("a") * 200_000)


def workbook(sheet: str | bytes, strings: str = "") -> bytes:
    return packed({
        "[Content_Types].xml": _TYPES,
        "_rels/.rels": _rels("officeDocument", "xl/workbook.xml"),
        "xl/workbook.xml": f'<workbook xmlns="{_S}" xmlns:r="{_R}"><sheets>'
        '<sheet name="S" sheetId="1" r:id="rId1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": _rels("worksheet", "worksheets/sheet1.xml"),
        "xl/worksheets/sheet1.xml": sheet,
        **({"xl/sharedStrings.xml": strings} if strings else {}),
    })  # fmt: skip


def sheet(rows: str) -> str:
    return f'<worksheet xmlns="{_S}"><sheetData>{rows}</sheetData></worksheet>'


def empty_rows_xlsx() -> bytes:
    rows = "".join(f'<row r="{n}"><c r="A{n}"/></row>' for n in range(1, 1_000_001))
    return workbook(sheet(rows + '<row r="1000001"><c r="A1000001"><v>7</v></c></row>'))


def far_apart_xlsx() -> bytes:
    far = '<row r="1048576"><c r="XFD1048576"><v>2</v></c></row>'
    return workbook(sheet('<row r="1"><c r="A1"><v>1</v></c></row>' + far))


def shared_string_xlsx() -> bytes:
    """One long string that a hundred thousand cells show."""
    rows = "".join(f'<row r="{n}"><c r="A{n}" t="s"><v>0</v></c></row>' for n in range(1, 100_001))
    strings = f'<sst xmlns="{_S}"><si><t>{"shared " * 5000}</t></si></sst>'
    return workbook(sheet(rows), strings)


def presentation(slides: int) -> bytes:
    """The same slide, named again and again."""
    ids = "".join(f'<p:sldId id="{255 + n}" r:id="rId1"/>' for n in range(1, slides + 1))
    return packed({
        "[Content_Types].xml": _TYPES,
        "_rels/.rels": _rels("officeDocument", "ppt/presentation.xml"),
        "ppt/presentation.xml": f'<p:presentation xmlns:p="{_P}" xmlns:r="{_R}">'
        f"<p:sldIdLst>{ids}</p:sldIdLst>"
        "</p:presentation>",
        "ppt/_rels/presentation.xml.rels": _rels("slide", "slides/slide1.xml"),
        "ppt/slides/slide1.xml": f'<p:sld xmlns:p="{_P}" xmlns:a="{_A}"><p:cSld><p:spTree><p:sp><p:txBody>'
        f"<a:p><a:r><a:t>{'slide ' * 2000}</a:t></a:r></a:p></p:txBody></p:sp></p:spTree></p:cSld></p:sld>",
    })  # fmt: skip


def opendocument(content: str, kind: str = "text") -> bytes:
    media = f"application/vnd.oasis.opendocument.{kind}"
    manifest = '<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"/>'
    return packed({"mimetype": media, "content.xml": content, "META-INF/manifest.xml": manifest})


def odt(prolog: str, body: str) -> bytes:
    return opendocument(
        f'{prolog}<office:document-content xmlns:office="{_O}" xmlns:text="{_T}" xmlns:table="{_TABLE}">'
        f"<office:body><office:text>{body}</office:text></office:body></office:document-content>"
    )


def repeated_ods() -> bytes:
    """A cell repeated over a whole sheet by two attributes."""
    return opendocument(
        f'<office:document-content xmlns:office="{_O}" xmlns:text="{_T}" xmlns:table="{_TABLE}"><office:body>'
        '<office:spreadsheet><table:table table:name="S"><table:table-row '
        'table:number-rows-repeated="1048576">'
        '<table:table-cell table:number-columns-repeated="16384" office:value-type="string">'
        "<text:p>again</text:p>"
        "</table:table-cell></table:table-row></table:table></office:spreadsheet></office:body>"
        "</office:document-content>",
        "spreadsheet",
    )


def spaced_odt() -> bytes:
    return odt("", '<text:p>before<text:s text:c="2000000000"/>after</text:p>')


def epub(chapters: int) -> bytes:
    """One long chapter, in the order of reading again and again."""
    spine = '<itemref idref="c"/>' * chapters
    return packed({
        "mimetype": "application/epub+zip",
        "META-INF/container.xml": '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container">'
        "<rootfiles>"
        '<rootfile full-path="b.opf" media-type="application/oebps-package+xml"/></rootfiles></container>',
        "b.opf": '<package xmlns="http://www.idpf.org/2007/opf"><manifest>'
        '<item id="c" href="c.xhtml" media-type="application/xhtml+xml"/></manifest>'
        f"<spine>{spine}</spine></package>",
        "c.xhtml": f"<html><body><p>{'chapter ' * 100_000}</p></body></html>",
    })  # fmt: skip
