from __future__ import annotations

import pytest

from nasd.domain.passages import Role
from nasd.errors import ReadError
from tests.unit.extract.reading import drawn, pdf, read, texts


def test_pages_paragraphs_and_rows() -> None:
    first = drawn(
        (50, 700, "The first paragraph goes on for a whole line and then"),
        (50, 688, "ends on the second."),
        (50, 650, "Another paragraph."),
    )
    second = drawn((50, 700, "Net sales"), (300, 700, "1,200"), (400, 700, "1,100"))
    blocks, notes = read("pdf", pdf(first, second))
    assert [(b.page, b.role, b.text) for b in blocks] == [
        (1, Role.PARAGRAPH, "The first paragraph goes on for a whole line and then ends on the second."),
        (1, Role.PARAGRAPH, "Another paragraph."),
        (2, Role.ROW, "Net sales 1,200 1,100"),
    ]
    assert notes.metadata["pages"] == "2"
    assert notes.warnings == []


def test_headings_by_size_and_weight() -> None:
    page = "\n".join(
        (
            drawn((50, 740, "Annual report"), size=20),
            drawn((50, 700, "Interest risk"), font="B"),
            drawn(
                (50, 684, "We may enter into swaps, options and other instruments to limit what we"),
                (50, 672, "lose when rates rise faster than the plan says."),
            ),
        )
    )
    blocks, _ = read("pdf", pdf(page))
    assert [(b.role, b.text) for b in blocks][:2] == [
        (Role.HEADING, "Annual report"),
        (Role.HEADING, "Interest risk"),
    ]
    assert blocks[0].level < blocks[1].level


def test_cells_that_stand_apart_are_a_row() -> None:
    page = drawn(
        (50, 700, "Ligne 1"), (200, 700, "Alouette"), (350, 700, "Farfadet"),
        (50, 688, "Ligne 2"), (200, 688, "Belette"), (350, 688, "Bibitte"),
    )  # fmt: skip
    blocks, _ = read("pdf", pdf(page))
    assert [(b.role, b.text) for b in blocks] == [
        (Role.ROW, "Ligne 1 | Alouette | Farfadet"),
        (Role.ROW, "Ligne 2 | Belette | Bibitte"),
    ]


def test_words_cut_at_line_ends_are_joined() -> None:
    page = drawn(
        (50, 712, "The document writes about electricity and stock-based pay in full words, a"),
        (50, 700, "long line that speaks of the history and of the many uses of elec-"),
        (50, 688, "tricity, and it ends with a long line that speaks of what is stock-"),
        (50, 676, "based in the end."),
    )
    text = " ".join(texts(read("pdf", pdf(page))[0]))
    assert "uses of electricity, and" in text
    assert "what is stock-based in" in text


def test_ligatures_and_signs_are_plain_text() -> None:
    blocks, _ = read("pdf", pdf(drawn((50, 700, "price € 5 – “quoted”"))))
    assert texts(blocks) == ["price € 5 – “quoted”"]


def test_pages_without_text_are_noted() -> None:
    blocks, notes = read("pdf", pdf("", drawn((50, 700, "only here")), ""))
    assert texts(blocks) == ["only here"]
    assert notes.warnings == ["2 of 3 pages have no text."]
    assert read("pdf", pdf(""))[1].warnings == ["1 of 1 pages has no text."]


@pytest.mark.parametrize(
    ("title", "kept"),
    [("Duck report", "Duck report"), ("Microsoft Word - x.doc", None), ("scan.pdf", None), ("0001-23", None)],
)
def test_titles(title: str, kept: str | None) -> None:
    assert read("pdf", pdf("", info=f"/Title({title})"))[1].title == kept


def test_what_people_typed_onto_a_page() -> None:
    notes = (
        "/Annots[<</Type/Annot/Subtype/Text/Rect[0 0 9 9]/Contents(please check)>>"
        "<</Type/Annot/Subtype/Widget/FT/Tx/T(name)/V(Ada)/Rect[0 0 9 9]>>"
        "<</Type/Annot/Subtype/Widget/FT/Btn/T(box)/V(Off)/Rect[0 0 9 9]>>"
        "<</Type/Annot/Subtype/Link/Rect[0 0 9 9]/Contents(no)>>]"
    )
    assert texts(read("pdf", pdf("", resources=notes))[0]) == ["please check", "name: Ada"]


def test_a_turned_page_reads_the_same() -> None:
    # Drawn upwards along the left edge, shown upright by /Rotate 90.
    page = "\n".join(
        f"BT /F 10 Tf 0 1 -1 0 {x} 50 Tm ({text}) Tj ET"
        for x, text in ((100, "The first line of a paragraph that goes on to"), (112, "its second line."))
    )
    blocks, _ = read("pdf", pdf(page, resources="/Rotate 90"))
    assert texts(blocks) == ["The first line of a paragraph that goes on to its second line."]


@pytest.mark.parametrize("data", [b"", b"no pdf", b"%PDF-1.7\n", pdf("")[:60]])
def test_damaged_files_are_malformed(data: bytes) -> None:
    with pytest.raises(ReadError) as caught:
        read("pdf", data)
    assert caught.value.reason == "malformed"
