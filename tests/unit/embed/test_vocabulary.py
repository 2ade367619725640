"""How well a vocabulary knows a text, with a made tokenizer and a real one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nasd.embed.vocabulary import share_known


def whole(text: str) -> int:
    """Knows every word."""
    return len(text.split())


def spelt(text: str) -> int:
    """Knows letters alone."""
    return len(text)


def unknown(text: str) -> int:
    """One token for whatever it never saw."""
    return 1


def test_whole_words_are_known_and_letters_are_not() -> None:
    assert share_known("the warranty of the dishwasher", whole) == 1.0
    assert share_known("the warranty of the dishwasher", spelt) < 0.2


def test_one_token_for_a_clause_without_spaces_is_not_known() -> None:
    assert share_known("北京大学在哪里" * 4, unknown) == 0.0


def test_one_token_for_a_short_word_of_another_script_is_little_known() -> None:
    assert share_known("мы", unknown) < 1.0


def test_long_pieces_count_more_than_short_ones() -> None:
    def pieces(size: int) -> float:
        return share_known("Geschirrspüler", lambda text: -(-len(text) // size))

    assert pieces(1) == 0.0
    assert pieces(1) < pieces(2) < pieces(3) < pieces(14) == 1.0


def test_a_word_counts_by_its_letters() -> None:
    def knows_some(text: str) -> int:
        return 1 if text == "of" else len(text)

    assert share_known("of warrantywarranty", knows_some) == pytest.approx(2 / 18)


def test_marks_around_a_word_are_no_part_of_it() -> None:
    asked: list[str] = []

    def count(text: str) -> int:
        asked.append(text)
        return 1

    share_known('"warranty?" (years), 42', count)
    assert asked == ["warranty", "years"]


@pytest.mark.parametrize("text", ["", "  ", "42 - 7", "?!"])
def test_without_letters_there_is_nothing_unknown(text: str) -> None:
    assert share_known(text, spelt) == 1.0


@given(text=st.text(), per_token=st.integers(1, 9))
def test_it_is_a_share(text: str, per_token: int) -> None:
    assert 0.0 <= share_known(text, lambda word: max(1, len(word) // per_token)) <= 1.0
