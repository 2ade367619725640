"""Whatever is typed, FTS5 gets an expression it can read."""

from __future__ import annotations

import sqlite3

from hypothesis import given
from hypothesis import strategies as st

from nasd.domain.queries import fts5, parse, spaced

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


def _table() -> sqlite3.Connection:
    db = sqlite3.connect(":memory:", check_same_thread=False)
    db.execute(
        "CREATE VIRTUAL TABLE words USING fts5(title, text, tokenize= 'porter unicode61 remove_diacritics 2')"
    )
    db.execute("INSERT INTO words VALUES ('a title', 'some text')")
    return db


@given(text=TYPED)
def test_no_text_makes_an_expression_that_fts5_refuses(text: str) -> None:
    query = parse(text)
    db = _table()
    try:
        for expression in (fts5(query), fts5(query, match="all"), fts5(query, quoted="may")):
            assert (expression is None) == query.empty
            if expression is not None:
                db.execute("SELECT rowid FROM words WHERE words MATCH ?", (expression,)).fetchall()
    finally:
        db.close()


@given(text=st.text(alphabet=st.characters(categories=["Ll", "Lu", "Nd"], max_codepoint=0x24F), min_size=1))
def test_a_word_finds_the_text_it_stands_in(text: str) -> None:
    db = _table()
    try:
        db.execute("INSERT INTO words(rowid, text) VALUES (7, ?)", (f"before {text} after",))
        expression = fts5(parse(text))
        assert expression is not None
        found = db.execute("SELECT rowid FROM words WHERE words MATCH ?", (expression,)).fetchall()
        assert (7,) in found
    finally:
        db.close()


@given(text=st.text())
def test_spacing_adds_spaces_and_changes_nothing_else(text: str) -> None:
    assert spaced(text).replace(" ", "") == text.replace(" ", "")
