"""What the terms of a text are."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nasd.words.terms import LONGEST, fold, language_of, spans, terms


def shared(one: str, other: str) -> set[str]:
    return set(terms(one)) & set(terms(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("INV-2023-0042", "inv20230042"),
        ("INV-2023-0042", "inv_2023_0042"),
        ("DE89 3704 0044 0532 0130 00", "DE89370400440532013000"),
        ("3,500", "3500"),
        ("anna@example.org", "Anna@Example.ORG"),
        ("Straße", "STRASSE"),
        ("Café", "cafe"),
        ("smørrebrød", "smorrebrod"),
        ("ﬁle", "file"),
        ("ＡＢＣ", "abc"),
        ("co\u00adoperation", "cooperation"),
        ("warranties", "warranty"),
        ("l'assurance", "assurance"),
        ("Apple's", "apple"),
        ("parseHttpRequest", "request"),
        ("договоры", "договор"),
        ("كِتَاب", "كتاب"),
    ],
)
def test_what_is_one_thing_has_a_term_in_common(one: str, other: str) -> None:
    assert shared(one, other)


def test_an_identifier_is_whole_and_in_parts() -> None:
    assert terms("INV-2023-0042") == ["inv", "2023", "0042", "inv20230042"]


def test_a_hash_is_one_term() -> None:
    digest = hashlib.sha512(b"x").hexdigest()
    assert terms(digest) == [digest]
    assert terms("a" * (LONGEST + 1)) == []


@pytest.mark.parametrize(
    ("text", "inner"),
    [
        ("北京大学在哪里", "大学"),
        ("東京タワーの高さ", "タワー"),
        ("대한민국의 수도", "민국"),
        ("ค้นหาภาษาไทยง่าย", "ภาษา"),
    ],
)
def test_a_word_is_found_in_a_script_without_spaces(text: str, inner: str) -> None:
    assert set(terms(inner)) <= set(terms(text))


def test_neighbouring_scripts_are_apart() -> None:
    assert "iphone15" in terms("iPhone15です")


def test_stems_follow_the_language_of_the_text() -> None:
    german = "Die Verträge und die Rechnungen sind in der Mappe"
    assert language_of(german) == "de"
    assert shared(german, "der Vertrag und die Rechnung")
    assert terms("Verträge", "de") == terms("Vertrag", "de")


@pytest.mark.parametrize("text", ["", "...", "Zebra", "die"])
def test_a_language_needs_more_than_one_of_its_words(text: str) -> None:
    assert language_of(text) is None


def test_vowel_signs_that_make_words_stay() -> None:
    assert terms("हिन्दी")[0].startswith("हिन्द")
    assert len(terms("हिन्दी भाषा")) == 2


@given(st.text())
def test_any_text_has_terms_without_white_space(text: str) -> None:
    found = terms(text)
    assert all(term and not any(map(str.isspace, term)) for term in found)
    assert [term for term, _, _ in spans(text)] == found


@given(st.text())
def test_spans_lie_within_the_text(text: str) -> None:
    for _, start, end in spans(text):
        assert 0 <= start < end <= len(text)


@given(st.text())
def test_folding_twice_changes_nothing(text: str) -> None:
    assert fold(fold(text)) == fold(text)
