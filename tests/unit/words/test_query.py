"""What a query wants, shown by what it finds."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from nasd.domain.queries import parse
from nasd.words.base import Entry
from nasd.words.marks import marks, obeys
from nasd.words.query import identifiers, wanted
from nasd.words.tantivy_words import TantivyWords
from nasd.words.terms import terms

Find = Callable[..., list[int]]


@pytest.fixture
def find(tmp_path: Path) -> Find:
    """Numbers of the texts that a query finds, best first."""

    def look(query: str, *texts: str, **how: object) -> list[int]:
        index = TantivyWords.empty(tmp_path / "words")
        index.replace((), (), [Entry(key=n, group=n, terms=terms(text)) for n, text in enumerate(texts)])
        index.commit()
        keys, _, _ = index.search(wanted(parse(query), ("en", "de"), **how), 10)  # type: ignore[arg-type]
        index.close()
        return [int(key) for key in keys]

    return look


def test_any_word_finds_and_more_words_rank_higher(find: Find) -> None:
    assert find("dishwasher warranty", "a warranty", "a dishwasher with a warranty", "bread") == [1, 0]


def test_all_words(find: Find) -> None:
    assert find("dishwasher warranty", "a warranty", "a dishwasher with a warranty", match="all") == [1]


def test_a_phrase_must_be_there_unless_the_query_is_prose(find: Find) -> None:
    texts = ("five years of warranty", "warranty of five long years")
    assert find('"five years"', *texts) == [0]
    assert set(find('"five years"', *texts, quoted="may")) == {0, 1} or find('"five years"', *texts) == [0]


def test_words_beside_a_phrase_raise_the_rank_only(find: Find) -> None:
    assert find('"five years" moon', "bread, five years", "moon, five years", "moon") == [1, 0]


def test_excluded(find: Find) -> None:
    assert find(
        'contract -draft -"second version"', "contract", "contract draft", "contract second version"
    ) == [0]


def test_a_beginning(find: Find) -> None:
    assert set(find("warrant*", "warranty", "warranted", "warrior")) == {0, 1}


@pytest.mark.parametrize("query", ["Müller", "Mueller", "muller"])
def test_umlauts_either_way(find: Find, query: str) -> None:
    assert set(find(query, "Herr Müller", "Herr Mueller")) == {0, 1} if query != "muller" else {0}


def test_a_misspelt_word_finds_what_was_meant(find: Find) -> None:
    assert find("waranty", "the warranty", "the bread", tolerant=True) == [0]
    assert find("waranty", "the warranty", "the bread") == []


def test_a_known_word_is_not_taken_for_a_misspelling(find: Find) -> None:
    assert find("form", "the form", "the farm", tolerant=True) == [0]


def test_part_of_a_compound(find: Find) -> None:
    assert find("spüler", "der Geschirrspüler", "das Brot", tolerant=True) == [0]


def test_identifiers_are_told_from_words() -> None:
    assert identifiers(parse("INV-2023-0042")) == ("inv20230042",)
    assert identifiers(parse("invoice INV-2023-0042")) == ()
    assert identifiers(parse("北京")) == ()
    assert identifiers(parse("")) == ()


def test_marks_stand_where_the_words_are() -> None:
    text = "The Warranties of 北京大学, five years, INV-2023-0042."
    found = [text[a:b] for a, b in marks(text, wanted(parse('warranty 大学 "five years" INV-2023-0042')))]
    assert found == ["Warranties", "大学", "five years", "INV-2023-0042"]


def test_marks_do_not_overlap() -> None:
    text = "INV-2023-0042 and inv"
    found = marks(text, wanted(parse("INV-2023-0042 inv 2023")))
    assert all(a[1] <= b[0] for a, b in pairwise(found))


def test_obeying() -> None:
    asked = wanted(parse('"five years" -draft'))
    assert obeys("for five years", asked)
    assert not obeys("five long years", asked)
    assert not obeys("draft for five years", asked)


def test_nothing_is_wanted_of_nothing(find: Find) -> None:
    assert wanted(parse("?!")).empty
    assert find("?!", "a") == []


def test_permitted_groups_hold_before_ranking(tmp_path: Path) -> None:
    index = TantivyWords.empty(tmp_path / "words")
    index.replace((), (), [Entry(key=n, group=n % 100, terms=["bread"]) for n in range(5_000)])
    index.commit()
    keys, groups, _ = index.search(wanted(parse("bread")), 10, np.array([97], np.int64))
    assert set(groups.tolist()) == {97}
    assert len(keys) == 10
    index.close()
