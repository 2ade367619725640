"""Counting word by word gives what the tokenizer gives for the whole text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer

from nasd.embed.counting import TokenCounter, adds_up
from nasd.embed.source import DEFAULT_MODEL, locate
from nasd.embed.text import encodable

WORDS = st.sampled_from(
    ["The", "heron", "naïve", "[SEP]", "[MASK]", "don't", "茶道", "e\u0301", "\u0301", "a\x0cb", "\x85",
     "x" * 150, "\u200b", "\xa0", "1,234.5", "\U0001f986", "\ud800", "INV-2023-0042", "##ing", "", "\x00"]
)  # fmt: skip
SPACES = st.text(" \t\r\n\x0b\x0c\x1c\x85\xa0\u2003\u2028", max_size=3)
TEXTS = st.lists(st.tuples(st.one_of(WORDS, st.text(max_size=12)), SPACES), max_size=20).map(
    lambda parts: "".join(word + space for word, space in parts)
)


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    tokenizer = Tokenizer.from_file(str(locate(DEFAULT_MODEL) / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


@pytest.fixture(scope="module")
def counter(tokenizer: Tokenizer) -> TokenCounter:
    assert adds_up(tokenizer)
    return TokenCounter(tokenizer)


@given(text=TEXTS)
def test_word_by_word_is_the_whole(tokenizer: Tokenizer, counter: TokenCounter, text: str) -> None:
    expected = len(tokenizer.encode(encodable(text), add_special_tokens=False))
    assert counter.count(text) == expected
    assert counter.count(text) == expected, "and from memory"


def test_a_tokenizer_that_looks_across_words_is_given_the_whole_text() -> None:
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import ByteLevel

    tokenizer = Tokenizer(WordLevel({"a": 0, "?": 1}, "?"))
    tokenizer.pre_tokenizer = ByteLevel()
    assert not adds_up(tokenizer)
    assert TokenCounter(tokenizer).count("a a a") == 3
