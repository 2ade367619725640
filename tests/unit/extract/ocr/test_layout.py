"""From recognised words to blocks."""

from __future__ import annotations

from nasd.domain.passages import Role
from nasd.extract.ocr.base import Word
from nasd.extract.ocr.layout import page_blocks, sure_chars


def _line(number: int, text: str, *, paragraph: int = 1, sure: float = 95.0, gap: int = 10) -> list[Word]:
    words, at = [], 0
    for part in text.split(" "):
        width = 10 * len(part)
        words.append(
            Word(
                text=part, left=at, top=30 * number, right=at + width, bottom=30 * number + 20,
                paragraph=(paragraph,), line=(paragraph, number), confidence=sure,
            )
        )  # fmt: skip
        at += width + gap
    return words


def _texts(*lines: list[Word]) -> list[str]:
    return [block.text for block in page_blocks([word for line in lines for word in line], page=3)]


def test_lines_that_fill_the_width_run_on_and_lose_their_hyphens() -> None:
    text = _texts(
        _line(1, "the quick brown fox jum-"), _line(2, "ped over the lazy dogs,"), _line(3, "twice")
    )
    assert text == ["the quick brown fox jumped over the lazy dogs, twice"]


def test_ragged_lines_stay_lines() -> None:
    lines = [_line(1, "a long line of a receipt"), _line(2, "total 3"), _line(3, "thanks"), _line(4, "a b")]
    blocks = list(page_blocks([word for line in lines for word in line], page=3))
    assert [block.text for block in blocks] == ["a long line of a receipt", "total 3", "thanks", "a b"]
    assert [block.after for block in blocks] == ["\n", "\n", "\n", "\n\n"]
    assert {(block.role, block.page) for block in blocks} == {(Role.ROW, 3)}


def test_cells_that_stand_apart_are_kept_apart() -> None:
    assert _texts(_line(1, "Total 12.50", gap=200)) == ["Total | 12.50"]


def test_a_hyphen_before_a_capital_stays() -> None:
    assert _texts(_line(1, "Baden-"), _line(2, "Baden"))[0].startswith("Baden-")


def test_specks_are_no_text() -> None:
    assert _texts(_line(1, "~ .: |", sure=90.0), _line(2, "xq wv", sure=12.0)) == []
    assert _texts() == []


def test_paragraphs_are_blocks() -> None:
    assert _texts(_line(1, "one"), _line(2, "two", paragraph=2)) == ["one", "two"]


def test_what_a_reading_is_worth() -> None:
    assert sure_chars(_line(1, "four of a")) == 6
    assert sure_chars(_line(1, "four of a", sure=40.0)) == 0
