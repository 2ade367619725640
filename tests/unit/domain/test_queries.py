"""What a query means, and what FTS5 finds for it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from nasd.domain.queries import MAX_UNITS, fts5, parse, spaced
from nasd.domain.stopwords import STOP_WORDS, stop_words

Find = Callable[..., set[str]]


@pytest.fixture
def find() -> Iterator[Find]:
    """Which of the texts FTS5 finds for a query, with the tokenizer of the catalogue."""
    with closing(sqlite3.connect(":memory:")) as db:
        db.execute(
            "CREATE VIRTUAL TABLE words USING fts5(text, tokenize = 'porter unicode61 remove_diacritics 2')"
        )

        def look(expression: str | None, *texts: str) -> set[str]:
            db.execute("DELETE FROM words")
            db.executemany(
                "INSERT INTO words(rowid, text) VALUES (?, ?)",
                [(number, spaced(text)) for number, text in enumerate(texts)],
            )
            found = db.execute("SELECT rowid FROM words WHERE words MATCH ?", (expression,))
            return {texts[row[0]] for row in found}

        yield look
    db.close()


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


def test_an_identifier_is_found_as_neighbouring_tokens(find: Find) -> None:
    expression = fts5(parse("INV-2023-0042"))
    assert find(expression, "Invoice INV-2023-0042.", "inv 0042 of 2023") == {"Invoice INV-2023-0042."}


def test_any_finds_what_has_one_word_and_all_what_has_every_word(find: Find) -> None:
    query = parse("dishwasher guarantee")
    texts = ("the dishwasher", "a guarantee", "guarantees for dishwashers", "neither")
    assert find(fts5(query), *texts) == set(texts[:3])
    assert find(fts5(query, match="all"), *texts) == {texts[2]}


def test_a_phrase_must_occur_for_a_searcher_and_may_for_a_question(find: Find) -> None:
    query = parse('"guarantee period" dishwasher')
    texts = ("the guarantee period", "dishwasher", "a period without guarantee")
    assert find(fts5(query), *texts) == {texts[0]}
    assert find(fts5(query, quoted="may"), *texts) == {texts[0], texts[1]}


def test_excluded_words_and_phrases_are_not_found(find: Find) -> None:
    expression = fts5(parse('contract -draft -"second version"'))
    texts = ("contract", "contract draft", "contract, second version", "version two of the second contract")
    assert find(expression, *texts) == {texts[0], texts[3]}


def test_a_prefix_finds_longer_words(find: Find) -> None:
    assert parse("warrant*").prefixes == ("warrant",)
    assert find(fts5(parse("warrant*")), "warrantee", "warrior") == {"warrantee"}


def test_clitics_do_not_hide_the_word(find: Find) -> None:
    assert parse("Apple's l'eau O’Brien").terms == ("Apple", "eau", "O’Brien")
    assert find(fts5(parse("Apple's")), "apple pie") == {"apple pie"}
    assert find(fts5(parse("O'Brien")), "Mr O’Brien", "Brien, O.") == {"Mr O’Brien"}


def test_operators_of_the_index_are_plain_words(find: Find) -> None:
    texts = ("near, far", "column text", "else")
    assert find(fts5(parse('NEAR(far, 2) OR text:* ^else {moon} "')), *texts) == set(texts)


def test_writing_without_spaces_is_found_by_pairs(find: Find) -> None:
    texts = ("他在北京大学学习。", "大北的京城", "東京タワーの高さは333メートルです")
    assert find(fts5(parse("北京大学")), *texts) == {texts[0]}
    assert find(fts5(parse("タワーの高さ iPhone15")), *texts) == {texts[2]}
    assert find(fts5(parse("京")), *texts) == set(texts)


def test_other_writing_is_indexed_as_it_stands() -> None:
    text = "Ελληνικά, naïve, 한국어 and\tहिन्दी"
    assert spaced(text) == text
    assert spaced("a北京b").split() == ["a", "北", "京", "b"]


@pytest.mark.parametrize(
    "text", ["", " ", '"', '""', "- -", "-draft", '-"a phrase"', "*", "?!", "\x00", "\ud800", "'", "()"]
)
def test_nothing_searchable_gives_no_expression(text: str) -> None:
    assert parse(text).empty
    assert fts5(parse(text)) is None


def test_control_characters_and_surrogates_separate_words(find: Find) -> None:
    assert find(fts5(parse("green\x00house\ud83d moon")), "the moon", "house", "green") == {
        "the moon", "house", "green",
    }  # fmt: skip


def test_the_expression_is_bounded(find: Find) -> None:
    expression = fts5(parse(" ".join(f"word{number}" for number in range(100_000))))
    assert expression is not None
    assert expression.count(" OR ") < MAX_UNITS
    assert find(expression, "word7") == {"word7"}


def test_repeated_words_count_once() -> None:
    assert len(parse("Moon moon MOON base").terms) == 2


def test_stop_word_lists_are_folded_and_leave_out_words_of_substance() -> None:
    for words in STOP_WORDS.values():
        assert all(word == word.casefold() for word in words)
        assert not words & {"war", "hat", "man", "gift"}
    assert stop_words(["moon", "base"]) == frozenset()
