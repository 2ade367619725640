"""Cursors lead through a listing whole, whatever comes and goes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from nasd.server.paging import named_page, numbered_page
from nasd.server.routes import PageQuery

NAMES = st.lists(st.text(max_size=63), unique=True, max_size=30)


@given(NAMES, st.integers(1, 7))
def test_named_pages_together_are_the_listing(names: list[str], limit: int) -> None:
    seen: list[str] = []
    cursor: str | None = None
    for _ in range(len(names) + 1):
        page, cursor = named_page(names, PageQuery(limit=limit, cursor=cursor), name=str)
        assert len(page) <= limit
        seen += page
        if cursor is None:
            break
    assert seen == sorted(names)


def test_a_page_goes_on_after_its_last_item_was_removed() -> None:
    _, cursor = named_page(["a", "b", "c"], PageQuery(limit=2), name=str)
    assert named_page(["a", "c", "d"], PageQuery(cursor=cursor), name=str) == (["c", "d"], None)


def test_numbered_pages_say_whether_there_is_more() -> None:
    assert numbered_page([1, 2, 40], 2, number=int) == ([1, 2], "c_2")
    assert numbered_page([1, 2], 2, number=int) == ([1, 2], None)
    assert numbered_page([], 2, number=int) == ([], None)
