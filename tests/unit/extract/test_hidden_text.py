"""Text of PDF and Word files that no person sees."""

from __future__ import annotations

import io

import docx
import pytest
from docx.oxml import OxmlElement
from docx.shared import Pt, RGBColor

from nasd.domain.passages import Block, Document
from nasd.extract.passages import cut
from tests.unit.extract.reading import drawn, pdf, read


def _pdf(content: str, resources: str = "") -> tuple[list[str], list[str]]:
    blocks, _ = read("pdf", pdf(content, resources=resources))
    return [b.text for b in blocks if not b.hidden], [b.text for b in blocks if b.hidden]


_SEEN = drawn((50, 700, "what people see"))


@pytest.mark.parametrize(
    "trap",
    [
        f"1 g {drawn((50, 600, 'trap here'))} 0 g",
        f"0.97 g {drawn((50, 600, 'trap here'))} 0 g",
        drawn((50, 600, "trap here"), size=0.5),
        drawn((50, 900, "trap here")),
        drawn((-300, 600, "trap here")),
        "BT /F 10 Tf 3 Tr 50 600 Td (trap here) Tj ET",
    ],
)
def test_pdf_text_that_is_not_there_for_the_eye(trap: str) -> None:
    assert _pdf(f"{_SEEN} {trap}") == (["what people see"], ["trap here"])


def test_a_hidden_word_within_a_line() -> None:
    line = "BT /F 10 Tf 50 700 Td (one ) Tj 1 g (trap ) Tj 0 g (two) Tj ET"
    seen, hidden = _pdf(line)
    assert hidden == ["trap"]
    assert "trap" not in " ".join(seen)


def test_a_run_that_leaves_the_page() -> None:
    seen, hidden = _pdf("BT /F 10 Tf 580 700 Td (seen never) Tj ET")
    assert (seen, hidden) == (["seen"], ["never"])


@pytest.mark.parametrize(
    "shown",
    [
        f"0 0 0.5 rg 40 590 200 30 re f 1 g {drawn((50, 600, 'white on blue'))}",
        # The words that recognition found, laid invisibly over what it saw.
        f"0 g 50 600 80 3 re f 50 605 80 3 re f {drawn((50, 600, 'white on blue')).replace('Tf', 'Tf 3 Tr')}",
        "BT /F 1 Tf 12 0 0 12 50 600 Tm (white on blue) Tj ET",
    ],
)
def test_pdf_text_that_is_seen(shown: str) -> None:
    assert _pdf(f"{_SEEN} {shown}") == (["what people see", "white on blue"], [])


def test_word_runs() -> None:
    document = docx.Document()
    paragraph = document.add_paragraph("seen ")
    run = paragraph.add_run("vanished")
    run.font.hidden = True
    paragraph.add_run("white").font.color.rgb = RGBColor(255, 255, 255)
    paragraph.add_run("tiny").font.size = Pt(1)
    paragraph.add_run("too")
    shown = document.add_paragraph("").add_run("on a ground")
    shown.font.color.rgb = RGBColor(255, 255, 255)
    shading = OxmlElement("w:shd")
    shown._r.get_or_add_rPr().append(shading)
    table = document.add_table(1, 2)
    for cell, text in zip(table.rows[0].cells, ("Name", "Age"), strict=True):
        cell.paragraphs[0].add_run(text).font.color.rgb = RGBColor(255, 255, 255)
    buffer = io.BytesIO()
    document.save(buffer)
    blocks, _ = read("docx", buffer.getvalue())
    assert [(b.text, b.hidden) for b in blocks] == [
        ("seen too", False),
        ("vanishedwhitetiny", True),
        ("on a ground", False),
        ("Name | Age", False),
    ]


def test_passages_are_hidden_or_visible_and_tile_the_document() -> None:
    blocks = (Block(text="one"), Block(text="trap", hidden=True), Block(text="two"))
    document = Document(blocks=blocks)
    passages = cut(document, count_tokens=lambda text: len(text.split()), target_tokens=100, max_tokens=200)
    assert [(p.text, p.hidden) for p in passages] == [("one", False), ("trap", True), ("two", False)]
    assert "".join(p.text + p.gap for p in passages) == document.text
