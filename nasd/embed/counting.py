"""How many tokens a text has, word by word, remembering the words.

A tokenizer takes a second for a few megabytes, and nearly all of their words were met before.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nasd.embed.text import encodable

if TYPE_CHECKING:
    from tokenizers import Tokenizer

MOST_WORDS = 50_000
"""Remembered at once, some 6 MB; then it begins anew."""

LONGEST_WORD = 40

# What BERT's normalizer takes for white space. Form feeds and the like it drops: they separate nothing.
_SPACE = re.compile("[ \t\r\n]+")
# A word or a sign, which stands for itself, of a text without the following.
_PART = re.compile("[0-9a-z]+|[!-/:-@\\\\-`{-~]")
_ODD = re.compile("[^ -Z\\\\-~\t\r\n]")  # "[" too: texts like "[SEP]" are tokens of their own


class TokenCounter:
    """Counts tokens, without special ones. Thread-safe.

    Tokenizers that split at white space before anything else, as those of BERT-like models do, count a text
    as the sum of its words; any other tokenizer is given the whole text.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        """The tokenizer must neither truncate nor pad."""
        self._tokenizer = tokenizer
        described = json.loads(tokenizer.to_str())
        self._by_word = _adds_up(described)
        self._pieces = Pieces.of(described)
        self._single = self._pieces.first if self._pieces is not None else frozenset[str]()
        self._known: dict[str, int] = {}

    def count(self, text: str) -> int:
        if not self._by_word:
            return self._whole(text)
        if self._single and _ODD.search(text) is None:
            return self._plain(text)
        words = _SPACE.split(text)
        if not self._single:
            return sum(map(self._word, words))
        odd = [word for word in words if _ODD.search(word) is not None]
        plain = " ".join([word for word in words if _ODD.search(word) is None])
        return self._plain(plain) + sum(map(self._word, odd))

    def _plain(self, text: str) -> int:
        parts = _PART.findall(text.lower())
        others = [part for part in parts if part not in self._single]
        return len(parts) - len(others) + sum(map(self._part, others))

    def _part(self, part: str) -> int:
        if (count := self._known.get(part)) is None:
            assert self._pieces is not None
            count = self._remember(part, self._pieces.count(part))
        return count

    def _word(self, word: str) -> int:
        if (count := self._known.get(word)) is None:
            count = self._remember(word, self._whole(word) if word else 0)
        return count

    def _remember(self, word: str, count: int) -> int:
        if len(word) <= LONGEST_WORD:
            if len(self._known) >= MOST_WORDS:
                self._known = {}
            self._known[word] = count
        return count

    def _whole(self, text: str) -> int:
        return len(self._tokenizer.encode(encodable(text), add_special_tokens=False))


def adds_up(tokenizer: Tokenizer) -> bool:
    """Whether the tokens of a text are those of its words, one after the other."""
    return _adds_up(json.loads(tokenizer.to_str()))


def _adds_up(described: Mapping[str, Any]) -> bool:
    steps = ((described.get(part) or {}).get("type") for part in ("normalizer", "pre_tokenizer"))
    return all(step in ("BertNormalizer", "BertPreTokenizer") for step in steps)


@dataclass(frozen=True, slots=True)
class Pieces:
    """What ASCII words and signs, in small letters, are made of: always the longest piece that fits next, as
    WordPiece has it (Wu et al., "Google's neural machine translation system", 2016; as BERT uses it)."""

    first: frozenset[str]  # what a word may begin with, or be
    further: frozenset[str]  # and go on with
    longest: int  # of all pieces
    most: int  # characters of a word; a longer one is one unknown token

    @classmethod
    def of(cls, described: Mapping[str, Any]) -> Pieces | None:
        """From what a tokenizer says of itself. None where that is not plainly that it works so, that case
        means nothing to it and that only texts with "[" are special."""
        model = described["model"]
        lower = (described.get("normalizer") or {}).get("lowercase") is True
        marked = all("[" in token["content"] for token in described["added_tokens"])
        if not (_adds_up(described) and lower and model["type"] == "WordPiece" and marked):
            return None
        go_on = model["continuing_subword_prefix"]
        words = [word for word in model["vocab"] if word.isascii()]
        further = frozenset(
            word.removeprefix(go_on)
            for word in words
            if word.startswith(go_on) and _PART.fullmatch(word.removeprefix(go_on))
        )
        first = frozenset(filter(_PART.fullmatch, words))
        longest = max(map(len, first | further), default=0)
        return cls(first, further, longest, model["max_input_chars_per_word"])

    def count(self, word: str) -> int:
        """How many pieces a word is; one if it is not made of any."""
        if len(word) > self.most:
            return 1
        count, at, known = 0, 0, self.first
        while at < len(word):
            end = min(len(word), at + self.longest)
            while end > at and word[at:end] not in known:
                end -= 1
            if end == at:
                return 1
            count, at, known = count + 1, end, self.further
        return count
