"""Words that count as the same."""

from __future__ import annotations

import pytest

from nasd.answer.words import stems


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("guarantees", "Guarantee"),
        ("companies", "company"),
        ("founded", "founding"),
        ("Müller’s", "muller"),
        ("Garantien", "garantie"),
        ("naïve", "NAIVE"),
        ("ﬁle", "file"),
        ("café", "cafe\u0301"),
        ("ΣΟΦΌΣ", "σοφός"),
    ],
)
def test_forms_of_a_word_share_their_stem(one: str, other: str) -> None:
    assert list(stems(one)) == list(stems(other))


@pytest.mark.parametrize(("one", "other"), [("1998", "1999"), ("contract", "contrast"), ("cat", "car")])
def test_different_words_do_not(one: str, other: str) -> None:
    assert list(stems(one)) != list(stems(other))


def test_writing_without_spaces_gives_pairs() -> None:
    assert list(stems("北京大学 in 2020")) == ["北京", "京大", "大学", "in", "2020"]
