from __future__ import annotations

from collections import Counter

import pytest

from nasd.extract.readers.layout import (
    HYPHEN,
    PageLine,
    count_words,
    is_tabular,
    join_cells,
    mend_hyphens,
    page_blocks,
)


def _line(text: str, left: float, top: float, right: float | None = None, **more: float) -> PageLine:
    width = right if right is not None else left + 5 * len(text)
    return PageLine(
        text=text, left=left, right=width, top=top, bottom=top - 10, size=more.get("size", 10.0),
        weight=int(more.get("weight", 400)),
    )  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        "Products $ 60,584 $ 63,355",
        "Other income, net (265) (10)",
        "Interest $ 1,367 $ — $ 1,367",
        "Growth 5 % 7%",
        "Total 12.5 13.5",
        "Deposit $ 5",
        "Name | Age",
    ],
)
def test_rows_of_values(text: str) -> None:
    assert is_tabular(text)


@pytest.mark.parametrize(
    "text",
    ["It ended in 2023.", "from 2022 to 2023", "The sum was $7.8 billion", "Chapter 12", "plain words", ""],
)
def test_sentences_are_no_rows(text: str) -> None:
    assert not is_tabular(text)


def test_stacked_column_titles_become_one_line() -> None:
    lines = [
        _line("July 1,", 330, 612), _line("2023", 333, 602),
        _line("June 25,", 400, 612), _line("2022", 405, 602),
        _line("Net sales:", 19, 580),
    ]  # fmt: skip
    assert [line.text for line in join_cells(lines, 600)] == ["July 1, 2023 | June 25, 2022", "Net sales:"]


def test_columns_of_text_are_no_cells() -> None:
    left = [_line("left column of text here", 50, 700 - 12 * n, 290) for n in range(6)]
    right = [_line("right column of text here", 310, 700 - 12 * n, 550) for n in range(6)]
    assert len(join_cells([*left, *right], 600)) == 12
    narrow = [_line("narrow", 50, 700 - 12 * n, 200) for n in range(6)]
    beside = [_line("beside", 250, 700 - 12 * n, 400) for n in range(6)]
    assert len(join_cells([*narrow, *beside], 600)) == 12


def test_columns_are_read_one_after_the_other() -> None:
    lines = [
        _line("a first column that goes", 50, 700, 290), _line("on to the end.", 50, 688, 150),
        _line("a second one, all of", 310, 700, 550), _line("its own.", 310, 688, 380),
    ]  # fmt: skip
    blocks = list(page_blocks(lines, page=3, width=600, words=Counter()))
    assert [block.text for block in blocks] == [
        "a first column that goes on to the end.",
        "a second one, all of its own.",
    ]
    assert all(block.page == 3 for block in blocks)


def test_an_indented_line_begins_a_paragraph() -> None:
    lines = [
        _line("the first paragraph fills its line to the edge", 50, 700, 500),
        _line("and ends here with a second one just as long,", 50, 688, 495),
        _line("which a third paragraph follows, indented as in", 70, 676, 500),
        _line("books.", 50, 664, 90),
    ]
    blocks = list(page_blocks(lines, page=1, width=600, words=Counter()))
    assert len(blocks) == 2
    assert blocks[0].after == "\n"


def test_a_bold_line_over_a_table_is_no_heading() -> None:
    body = [
        _line("body text of ordinary weight that fills the page", 50, 700 - 12 * n, 500) for n in range(3)
    ]
    title = _line("Three Months Ended", 300, 640, weight=700)
    row = _line("Net sales 10 20", 50, 628)
    roles = [b.role.value for b in page_blocks([*body, title, row], page=1, width=600, words=Counter())]
    assert roles == ["paragraph", "paragraph", "row"]


@pytest.mark.parametrize(
    ("seen", "text", "mended"),
    [
        ("electricity", f"elec{HYPHEN}tricity", "electricity"),
        ("stock-based", f"stock{HYPHEN}based", "stock-based"),
        ("", f"unknown{HYPHEN}word", "unknownword"),
        ("", f"Anglo{HYPHEN}Saxon", "Anglo-Saxon"),
        ("", f"2022{HYPHEN}23", "2022-23"),
        ("", f"page end{HYPHEN}", "page end-"),
    ],
)
def test_hyphens(seen: str, text: str, mended: str) -> None:
    words: Counter[str] = Counter()
    count_words(seen, words)
    assert mend_hyphens(text, words) == mended
