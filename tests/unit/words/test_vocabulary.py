"""Which terms hold a part."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nasd.words import vocabulary
from nasd.words.vocabulary import Vocabulary

TERMS = st.lists(st.text("abäß语", min_size=1, max_size=6), max_size=20)


@given(TERMS, TERMS, TERMS, st.text("abäß语", min_size=1, max_size=3))
def test_all_terms_that_hold_the_part_are_found(
    before: list[str], during: list[str], after: list[str], part: str
) -> None:
    known = list(before)
    terms = Vocabulary(lambda: known)
    terms.add(during)
    assert set(terms.holding(part)) == {term for term in (*before, *during) if part in term}
    terms.committed()
    terms.add(after)
    found = terms.holding(part)
    assert list(found) == sorted({term for term in (*before, *during, *after) if part in term})


def test_what_was_read_is_kept_by_nobody_until_it_is_asked_for() -> None:
    known: list[str] = []
    terms = Vocabulary(lambda: known)
    terms.add(["heron"])
    terms.committed()
    assert terms.holding("her") == (), "the index is asked"


def test_many_new_terms_are_sorted_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vocabulary, "MOST_NEW", 3)
    terms = Vocabulary(lambda: ["heron"])
    assert terms.holding("her") == ("heron",)
    for new in (["egret", "heronry"], ["stork", "crane"], ["herons"]):
        terms.add(new)
    assert terms.holding("her") == ("heron", "heronry", "herons")
    assert terms.holding("n") == ("crane", "heron", "heronry", "herons")
