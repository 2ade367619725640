"""Page numbers as ranges and back."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from nasd.domain.scans import format_pages, parse_pages


@given(st.sets(st.integers(1, 500), max_size=80))
def test_there_and_back(pages: set[int]) -> None:
    assert parse_pages(format_pages(pages)) == tuple(sorted(pages))


def test_as_people_write_it() -> None:
    assert format_pages([3, 1, 2, 7, 9, 10]) == "1-3,7,9-10"
    assert format_pages([]) == ""
    assert format_pages(range(1, 5001)) == "1-5000"


def test_what_does_not_fit_is_left_out_at_the_end() -> None:
    text = format_pages(range(1, 4000, 2))
    assert len(text) <= 1000
    kept = parse_pages(text)
    assert kept == tuple(range(1, 2 * len(kept), 2))


@given(st.text(alphabet="0123456789-, x", max_size=60))
def test_nonsense_gives_numbers_or_nothing(text: str) -> None:
    assert all(page >= 0 for page in parse_pages(text, most=1000))
    assert len(parse_pages(text, most=1000)) <= 1000
