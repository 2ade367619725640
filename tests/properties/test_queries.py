"""Whatever is typed, the index of words can be asked for it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nasd.domain.queries import MAX_UNITS, parse, spaced
from nasd.words.base import Entry
from nasd.words.marks import marks, obeys
from nasd.words.query import identifiers, wanted
from nasd.words.tantivy_words import TantivyWords
from nasd.words.terms import terms

MARKS = st.sampled_from(
    ['"', '""', "'", "-", "*", "^", ":", "(", ")", "{", "}", "+", " OR ", " AND ", " NOT ", "NEAR(", "\x00",
     "“", "«", " -\"", "text:", "\ud800", "\\", "%", ";", "--", "INV-2023-0042", "北京", "ไทย",
     "\u0301", "a*"]
)  # fmt: skip
TYPED = st.one_of(
    st.text(),
    st.text(alphabet=st.characters()),
    st.lists(MARKS | st.text(max_size=4), max_size=12).map("".join),
)


TEXTS = {1: "some text, a heron", 2: "INV-2023-0042 北京大学 ภาษาไทย", 3: "naïve Straße"}


@pytest.fixture(scope="module")
def index() -> Iterator[TantivyWords]:
    with tempfile.TemporaryDirectory() as folder:
        made = TantivyWords.empty(Path(folder, "words"))
        made.replace((), (), [Entry(key=key, group=key, terms=terms(text)) for key, text in TEXTS.items()])
        made.commit()
        yield made
        made.close()


@given(text=TYPED)
def test_any_text_can_be_looked_for(index: TantivyWords, text: str) -> None:
    query = parse(text)
    asked = (
        wanted(query, ("en", "de")),
        wanted(query, tolerant=True),
        wanted(query, match="all"),
        wanted(query, quoted="may"),
    )
    for one in asked:
        assert len(one.some) <= MAX_UNITS
        assert len(one.all_of) <= MAX_UNITS
        keys, groups, scores = index.search(one, 10)
        assert len(keys) == len(groups) == len(scores)
        assert set(index.score(one, keys)) == set(keys.tolist())
        if one.empty:
            assert not len(keys)
    if query.empty:
        assert all(one.empty for one in asked)
    if identifiers(query):
        assert not query.empty


@given(text=TYPED)
def test_what_is_found_without_tolerance_is_marked_and_obeys(index: TantivyWords, text: str) -> None:
    for one in (wanted(parse(text)), wanted(parse(text), match="all")):
        for key in index.search(one, 10)[0].tolist():
            assert obeys(TEXTS[key], one)
            assert marks(TEXTS[key], one)


@given(text=st.text(alphabet=st.characters(categories=["Ll", "Lu", "Nd"], max_codepoint=0x24F), min_size=1))
def test_a_word_is_found_in_the_text_that_it_stands_in(text: str) -> None:
    asked = wanted(parse(text))
    standing = f"before {text} after"
    if terms(text):
        assert obeys(standing, wanted(parse(text), match="all"))
        assert marks(standing, asked)


@given(text=st.text())
def test_spacing_adds_spaces_and_changes_nothing_else(text: str) -> None:
    assert spaced(text).replace(" ", "") == text.replace(" ", "")
