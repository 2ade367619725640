"""What a person typed, taken apart."""

from __future__ import annotations

import pytest

from nasd.domain.queries import parse, spaced
from nasd.domain.stopwords import STOP_WORDS, stop_words


def test_content_words_remain() -> None:
    query = parse("What is the wifi password of the moon base?")
    assert query.terms == ("wifi", "password", "moon", "base")


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("Welche Bewegung hat die Kirche in der Vergangenheit unterstützt?",
         ("Bewegung", "hat", "Kirche", "Vergangenheit", "unterstützt")),
        ("¿Cuál fue el último episodio de la serie?", ("último", "episodio", "serie")),
        ("Quelle est la durée de la garantie ?", ("durée", "garantie")),
        ("Qual è la durata della garanzia?", ("durata", "garanzia")),
        ("Hoe lang is de garantie van het apparaat?", ("lang", "garantie", "apparaat")),
        ("Qual é a duração da garantia do aparelho?", ("duração", "garantia", "aparelho")),
    ],
)  # fmt: skip
def test_function_words_of_the_querys_language_are_left_out(text: str, terms: tuple[str, ...]) -> None:
    assert parse(text).terms == terms


def test_a_word_that_is_a_function_word_elsewhere_is_kept() -> None:
    assert parse("die hard").terms == ("die", "hard")
    assert parse("war hero").terms == ("war", "hero")
    assert parse("how did the queen die").terms == ("queen", "die")


def test_function_words_alone_are_kept() -> None:
    assert set(parse("to be or not to be").terms) == {"to", "be", "or", "not"}


def test_quoted_phrases_and_exclusions_of_every_sort() -> None:
    query = parse('“guarantee period” dishwasher -draft -"old version" «prix net»')
    assert query.phrases == ("guarantee period", "prix net")
    assert query.terms == ("dishwasher",)
    assert set(query.excluded) == {"draft", "old version"}


def test_a_minus_within_a_word_or_before_a_number_excludes_nothing() -> None:
    query = parse("INV-2023-0042 freezes at -40 degrees - really")
    assert query.excluded == ()
    assert "INV-2023-0042" in query.terms
    assert "40" in query.terms


def test_an_identifier_is_one_word() -> None:
    assert parse("INV-2023-0042").terms == ("INV-2023-0042",)


def test_an_asterisk_ends_a_beginning() -> None:
    assert parse("warrant*").prefixes == ("warrant",)
    assert parse("war*rant").prefixes == ()


def test_clitics_do_not_hide_the_word() -> None:
    assert parse("Apple's l'eau O’Brien").terms == ("Apple", "eau", "O’Brien")


def test_operators_of_search_engines_are_plain_words() -> None:
    assert parse('NEAR(far, 2) ^moon {base} "').terms == ("NEAR(far", "2", "moon", "base")


def test_runs_of_scripts_without_spaces_stay_whole() -> None:
    query = parse("タワーの高さ iPhone15です 北京大学 ภาษาไทย")
    assert query.unspaced == ("タワーの高さ", "です", "北京大学", "ภาษาไทย")
    assert query.terms == ("iPhone15",)


def test_other_writing_stands_as_it_is() -> None:
    text = "Ελληνικά, naïve, 한국어 and\tहिन्दी"
    assert spaced(text) == text
    assert spaced("a北京b").split() == ["a", "北", "京", "b"]


@pytest.mark.parametrize(
    "text", ["", " ", '"', '""', "- -", "-draft", '-"a phrase"', "*", "?!", "\x00", "\ud800", "'", "()"]
)
def test_nothing_searchable_is_an_empty_query(text: str) -> None:
    assert parse(text).empty


def test_control_characters_and_surrogates_separate_words() -> None:
    assert parse("green\x00house\ud83d moon").terms == ("green", "house", "moon")


def test_repeated_words_count_once() -> None:
    assert len(parse("Moon moon MOON base").terms) == 2


def test_stop_word_lists_are_folded_and_leave_out_words_of_substance() -> None:
    for words in STOP_WORDS.values():
        assert all(word == word.casefold() for word in words)
        assert not words & {"war", "hat", "man", "gift"}
    assert stop_words(["moon", "base"]) == frozenset()
