from __future__ import annotations

from nasd.domain.passages import Block, Document, Role
from nasd.extract.joining import join_plenty


def _text(blocks: list[Block]) -> str:
    return Document(blocks=tuple(blocks)).text


def test_few_blocks_come_as_they_are() -> None:
    blocks = [Block(text=f"word {number}", role=Role.ITEM) for number in range(10)]
    assert list(join_plenty(blocks, plenty=10)) == blocks


def test_beyond_that_small_ones_are_joined_and_the_text_stays() -> None:
    blocks = [
        Block(text=f"row {number}", after="\n", role=Role.ROW, line_start=number, line_end=number)
        for number in range(1, 1001)
    ]
    joined = list(join_plenty(blocks, plenty=100, chars=200))
    assert joined[:100] == blocks[:100]
    assert _text(joined) == _text(blocks)
    assert len(joined) < 100 + 900 / 15
    assert joined[100].role is Role.ROW
    assert (joined[100].line_start, joined[-1].line_end) == (101, 1000)


def test_nothing_is_joined_across_pages_sheets_or_what_is_seen() -> None:
    blocks = [
        Block(text="a", page=1),
        Block(text="b", page=2),
        Block(text="c", page=2, hidden=True),
        Block(text="d", sheet="S"),
        Block(text="e", slide=1),
    ]
    assert list(join_plenty(blocks, plenty=0)) == blocks


def test_long_blocks_and_headings_become_no_longer_than_they_have_to() -> None:
    blocks = [
        Block(text="h", role=Role.HEADING, level=2),
        Block(text="x" * 50),
        Block(text="y" * 5000, after=""),
    ]
    joined = list(join_plenty(blocks, plenty=0, chars=100))
    assert [(len(block.text), block.role, block.level) for block in joined] == [
        (53, Role.PARAGRAPH, 0),
        (5000, Role.PARAGRAPH, 0),
    ]
    assert _text(joined) == _text(blocks)
