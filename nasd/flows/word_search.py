"""The words lane as it is searched: passages by their own words, their document's and their file's name."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from nasd.domain.passages import StoredPassage
from nasd.domain.queries import Query
from nasd.flows.words import WordCache, Words
from nasd.store import contents, faces
from nasd.store.lane import Lane
from nasd.words.base import Ids, Unit, Wanted
from nasd.words.marks import marks, obeys
from nasd.words.query import identifiers, wanted

DOCUMENT_WEIGHT = 1.0
"""Of a document's own BM25 beside that of its passage. Raises nDCG@10 of words alone from 0.769 to 0.797 on
the mean of six collections (10-K reports 0.68 to 0.79), and costs none more than 0.001."""

NAME_WEIGHT = 1.0
"""Of BM25 of a path that holds all the words, beside that of what lies there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WordHits:
    """Passages by id: how well each matches, and the content that it is of. `others` are scores of passages
    that were found otherwise and asked about."""

    scores: Mapping[int, float]
    contents: Mapping[int, int]
    others: Mapping[int, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Matches:
    """What the indexes found, before documents count: passages with their own scores, `first` those that
    stand for a path, and what their path adds."""

    asked: Wanted
    own: Mapping[int, float]
    contents: Mapping[int, int]
    first: Mapping[int, float]


_NOTHING = Matches(asked=Wanted(), own={}, contents={}, first={})


class WordSearch:
    def __init__(self, lane: Lane, words: WordCache) -> None:
        self._lane = lane
        self._words = words

    async def search(self, query: Query, k: int, *, allowed: Ids | None, prose: bool) -> WordHits:
        """The best passages by their own words and their document's; a path that holds all the words adds to
        the first passage of what lies there, or finds it, if it has none. `allowed` (content ids, sorted)
        holds before ranking. `prose`: marks in the query are no operators, its words are spelt as they are
        meant, and files without text are not found."""
        return await self.weigh(query, await self.find(query, k, allowed=allowed, prose=prose), {})

    async def find(self, query: Query, k: int, *, allowed: Ids | None, prose: bool) -> Matches:
        """The first half of `search`, which can go on while others are found otherwise."""
        if (words := self._words.opened) is None:
            return _NOTHING
        languages = self._words.languages
        asked = wanted(query, languages, quoted="may" if prose else "must", tolerant=not prose)
        in_path = wanted(query, languages, match="all")
        found, by_path = await asyncio.to_thread(_find, words, asked, in_path, k, allowed)
        if not by_path:
            return found
        first = await self._lane.read(faces.first_passages, tuple(by_path))
        if prose:  # a question is not answered by a file's name
            first = {one: content for one, content in first.items() if one > 0}
        return Matches(
            asked=found.asked,
            own=found.own,
            contents={**found.contents, **first},
            first={one: by_path[content] for one, content in first.items()},
        )

    async def weigh(self, query: Query, found: Matches, others: Mapping[int, int]) -> WordHits:
        """The second half: with documents and paths. `others`: passages that were found otherwise, with their
        contents; those among the matches are left out."""
        if (words := self._words.opened) is None:
            return WordHits(scores={}, contents={}, others={})
        lenient = wanted(query, self._words.languages, quoted="may")
        return await asyncio.to_thread(_weigh, words, found, lenient, others)

    def exact(self, query: Query) -> bool:
        """Whether the query is nothing but identifiers that some text holds as they are."""
        wanted_exactly = identifiers(query)
        words = self._words.opened
        return (
            bool(wanted_exactly) and words is not None and all(map(words.passages.frequency, wanted_exactly))
        )

    def highlights(
        self, query: Query, found: Sequence[StoredPassage]
    ) -> dict[int, tuple[tuple[int, int], ...]]:
        """Where in passages' texts the query's words stand, by passage id."""
        asked = wanted(query, self._words.languages, quoted="may")
        return {one.id: marks(one.passage.text, asked) for one in found}

    async def obeying(self, query: Query, passages: Collection[int]) -> set[int]:
        """The passages with all phrases that have to be there, and without what is excluded."""
        asked = wanted(query, self._words.languages)
        there: set[int] = set()
        obeying: set[int] = set()
        if (words := self._words.opened) is not None:
            there, obeying = await asyncio.to_thread(
                words.passages.obeying, asked, np.array(sorted(passages), np.int64)
            )
        if new := [one for one in passages if one not in there]:  # to the index of words
            texts = await self._lane.read(contents.passages_by_id, new)
            obeying |= await asyncio.to_thread(
                lambda: {one for one, stored in texts.items() if obeys(stored.passage.text, asked)}
            )
        return obeying

    def holding_all(self, query: Query, texts: Mapping[int, str]) -> set[int]:
        """Those of texts, by id, in which all of the query's words stand."""
        asked = wanted(query, self._words.languages, match="all")
        return {one for one, text in texts.items() if obeys(text, asked)}


def _find(
    words: Words, asked: Wanted, in_path: Wanted, k: int, allowed: Ids | None
) -> tuple[Matches, dict[int, float]]:
    """Passages, and contents with what their best path adds."""
    asked = words.passages.meant(asked)
    keys, groups, scores = words.passages.search(asked, k, allowed)
    own = dict(zip(keys.tolist(), scores.tolist(), strict=True))
    content_of = dict(zip(keys.tolist(), groups.tolist(), strict=True))
    by_path: dict[int, float] = {}
    _, held, scores = words.paths.search(in_path, k, allowed)
    for content, score in zip(held.tolist(), scores.tolist(), strict=True):
        by_path[content] = max(score, by_path.get(content, 0.0))
    return Matches(asked=asked, own=own, contents=content_of, first={}), by_path


def _weigh(words: Words, found: Matches, lenient: Wanted, others: Mapping[int, int]) -> WordHits:
    others = {one: content for one, content in others.items() if one not in found.contents}
    asked = found.asked
    contents_of = {**found.contents, **others}
    by_name = [one for one in found.first if one > 0 and one not in found.own]
    own = {**found.own, **_score(words, asked, by_name)}
    own |= _score(words, lenient, list(others))
    by_document = _documents(words, asked, contents_of.values())
    total = {
        one: own.get(one, 0.0)
        + DOCUMENT_WEIGHT * by_document.get(content, 0.0)
        + NAME_WEIGHT * found.first.get(one, 0.0)
        for one, content in contents_of.items()
    }
    return WordHits(
        scores={one: total[one] for one in found.contents},
        contents=found.contents,
        others={one: total[one] for one in others},
    )


def _score(words: Words, asked: Wanted, passages: Sequence[int]) -> dict[int, float]:
    return words.passages.score(asked, np.array(sorted(passages), np.int64)) if passages else {}


def _documents(words: Words, asked: Wanted, contents_found: Collection[int]) -> dict[int, float]:
    """BM25 of documents as a whole; runs of words count there by their words alone."""
    single = tuple(dict.fromkeys(map(_loosened, (*asked.some, *asked.all_of))))
    ids = np.array(sorted(set(contents_found)), np.int64)
    return words.contents.score(Wanted(some=single, tolerant=asked.tolerant), ids)


def _loosened(unit: Unit) -> Unit:
    """Without runs: they need positions."""
    single = tuple(run for run in unit.alternatives if len(run) == 1)
    return replace(unit, alternatives=single or tuple((term,) for term in unit.alternatives[0]))
