"""Known items: queries made from the owner's own documents, each with the one document that it asks for.

A query is a sentence of a document with words dropped and the rest in another order, so that neither a
verbatim match nor the order of words gives the answer away. Pure; the same seed makes the same queries.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from random import Random

FEWEST_WORDS, MOST_WORDS = 7, 40
KEPT = 0.6
"""Share of a sentence's words that stay in its query; at least `FEWEST_KEPT`."""

FEWEST_KEPT = 4
RUN = 4
"""Characters of one word where a language writes none: long enough to hold most words of Chinese, Japanese,
Korean and Thai."""

_WORD = re.compile(r"[^\W_]+(?:[-'’.][^\W_]+)*")
_UNSPACED = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]")


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownItem:
    """`digest` names the bytes of the document that `query` asks for, `sentence` is what it was made of:
    whatever holds that sentence is found as well."""

    digest: str
    query: str
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """A measurement. `modes`: mode of search to measure (`recall_at_10`, `mrr_at_10`, `p50_ms`, `p95_ms`) to
    figure; `model` and `fingerprint` are those of the embedding model."""

    id: int
    at: datetime
    model: str
    fingerprint: str
    queries: int
    took_s: float
    modes: Mapping[str, Mapping[str, float]]


def words_of(sentence: str) -> list[str]:
    """Its words; of a run without spaces, pieces of `RUN` characters."""
    words: list[str] = []
    for word in _WORD.findall(sentence):
        if len(word) > RUN and _UNSPACED.search(word):
            words += [word[start : start + RUN] for start in range(0, len(word), RUN)]
        else:
            words.append(word)
    return words


def is_telling(sentence: str) -> bool:
    """Whether a query can be made of it: words enough, different ones, and letters rather than figures."""
    words = words_of(sentence)
    letters = sum(char.isalpha() for word in words for char in word)
    return (
        FEWEST_WORDS <= len(words) <= MOST_WORDS
        and len({word.casefold() for word in words}) >= FEWEST_WORDS
        and letters * 2 > sum(map(len, words))
    )


def paraphrase(sentence: str, random: Random) -> str:
    """A part of its words in another order: they are cut in three, and the pieces change places."""
    words = words_of(sentence)
    count = min(len(words), max(FEWEST_KEPT, round(len(words) * KEPT)))
    kept = [words[position] for position in sorted(random.sample(range(len(words)), count))]
    cuts = sorted(random.sample(range(1, count), 2))
    first, second, third = kept[: cuts[0]], kept[cuts[0] : cuts[1]], kept[cuts[1] :]
    orders = ((third, first, second), (second, third, first), (third, second, first))
    return " ".join(word for piece in random.choice(orders) for word in piece)


def make_item(digest: str, sentences: Sequence[str], seed: int) -> KnownItem | None:
    """An item from one of a document's sentences, or None when none of them tells enough."""
    random = Random(f"{seed}:{digest}")  # noqa: S311 - a sample, no secret
    telling = [sentence for sentence in sentences if is_telling(sentence)]
    if not telling:
        return None
    sentence = random.choice(telling)
    return KnownItem(digest=digest, query=paraphrase(sentence, random), sentence=sentence)


def folded(text: str) -> str:
    """What is compared when a passage is asked for a sentence: white space and case say nothing."""
    return " ".join(text.split()).casefold()
