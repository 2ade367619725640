"""How many tokens a text has, word by word, remembering the words.

A tokenizer takes a second for a few megabytes, and nearly all of their words were met before.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

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
        self._by_word = adds_up(tokenizer)
        self._single = single_tokens(tokenizer)
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
        plain = " ".join(word for word in words if _ODD.search(word) is None)
        return self._plain(plain) + sum(map(self._word, odd))

    def _plain(self, text: str) -> int:
        parts = _PART.findall(text.lower())
        others = [part for part in parts if part not in self._single]
        return len(parts) - len(others) + sum(map(self._word, others))

    def _word(self, word: str) -> int:
        known = self._known
        if (count := known.get(word)) is None:
            count = self._whole(word) if word else 0
            if len(word) <= LONGEST_WORD:
                if len(known) >= MOST_WORDS:
                    known = self._known = {}
                known[word] = count
        return count

    def _whole(self, text: str) -> int:
        return len(self._tokenizer.encode(encodable(text), add_special_tokens=False))


def adds_up(tokenizer: Tokenizer) -> bool:
    """Whether the tokens of a text are those of its words, one after the other."""
    described = json.loads(tokenizer.to_str())
    steps = ((described.get(part) or {}).get("type") for part in ("normalizer", "pre_tokenizer"))
    return all(step in ("BertNormalizer", "BertPreTokenizer") for step in steps)


def single_tokens(tokenizer: Tokenizer) -> frozenset[str]:
    """ASCII words and signs, in small letters, that are one token in whatever case. None where the tokenizer
    does not say plainly that case means nothing to it and that only texts with "[" are special."""
    described = json.loads(tokenizer.to_str())
    lower = (described.get("normalizer") or {}).get("lowercase") is True
    plain = described["model"]["type"] == "WordPiece"
    marked = all("[" in token["content"] for token in described["added_tokens"])
    if not (adds_up(tokenizer) and lower and plain and marked):
        return frozenset()
    return frozenset(word for word in tokenizer.get_vocab() if word.isascii() and _PART.fullmatch(word))
