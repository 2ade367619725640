"""Search: lanes of words, of meaning and of pictures, fused by their scores, shown only as what the catalogue
knows now."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from nasd.clock import Clock
from nasd.domain.files import display_path
from nasd.domain.passages import embedded_text
from nasd.domain.queries import Query, parse
from nasd.domain.recency import newest_asked
from nasd.domain.search import Filters, Lane, Mode, SearchResult
from nasd.embed.base import Embedder
from nasd.embed.vocabulary import share_known
from nasd.errors import Unavailable
from nasd.flows.choosing import (
    MOST_OF_ONE_FILE,
    Choice,
    Found,
    enough,
    hit_of,
    newer_first_among_equals,
    newest_first,
    noise_of,
)
from nasd.flows.coverage import CoverageCounter
from nasd.flows.index import IndexCache, Pinned
from nasd.flows.models import Models
from nasd.flows.reranking import Reranking
from nasd.flows.sight import Sight
from nasd.flows.word_search import WordSearch
from nasd.flows.words import WordCache
from nasd.index.fuse import Fused, Ranked, fuse
from nasd.store import faces, volumes
from nasd.store import permitted as shown
from nasd.store.lane import Lane as Catalogue
from nasd.store.passage_runs import PassageRuns
from nasd.store.permitted import Permitted

NEWEST_NOTE = "newest first, as the query asks; words in quotation marks are taken as they stand"

DEPTH = 100
"""Candidates of each lane; deeper only when too few of them may be shown."""
DEEPEST = 3200

NEWEST_DEPTH = 400
"""Candidates of each lane where the newest are asked for: those are not the best ones."""

MEANING_WEIGHT = 0.45
"""Of nearness in meaning beside words, for a query whose words the model knows well; less where it does not.
Chosen on clapnq, covidqa and xquad among 0.4, 0.45 and 0.5; cranfield, multihop and sec10q were held out."""

EXACT_MEANING_WEIGHT = 0.01
"""For a query that is nothing but identifiers: it orders what holds none of them, and no more."""


class Search:
    def __init__(
        self,
        catalogue: Catalogue,
        models: Models,
        words: WordCache,
        index: IndexCache,
        coverage: CoverageCounter,
        clock: Clock,
        sight: Sight,
        reranking: Reranking,
    ) -> None:
        self._catalogue = catalogue
        self._models = models
        self._words = WordSearch(catalogue, words)
        self._index = index
        self._coverage = coverage
        self._clock = clock
        self._sight = sight
        self._reranking = reranking
        self._runs = PassageRuns()

    async def run(self) -> None:
        """Has at hand what a search would else wait for."""
        await self._catalogue.read(self._runs.extend)
        await self._coverage.run()

    async def search(
        self,
        query: str,
        *,
        k: int,
        mode: Mode,
        filters: Filters,
        prose: bool = False,
        hidden: bool = True,
        newest: bool = False,
    ) -> SearchResult:
        """The best `k` passages. `prose`: quotation marks are part of a question, not operators. `hidden`:
        passages that no person sees may be among them. `newest`: what holds all words of the query comes by
        its time of modification, as it does where the query itself asks for that ("latest invoice").

        Without a model, hybrid search goes by words alone and says so in `notes`; semantic search raises
        `Unavailable`. A filter that names a volume which there is not raises `NotFound`: nothing found would
        say that it was looked into.
        """
        began = self._clock.monotonic()
        for name in filters.volumes:
            await self._catalogue.read(volumes.volume_named, name)
        notes: tuple[str, ...] = ()
        if not prose and (rest := newest_asked(query)) is not None:
            query, newest, notes = rest, True, (NEWEST_NOTE,)
        parsed = parse(query)
        # Together, in one step: another model may take over while this search is under way.
        embedder, index = self._models.embedder, self._index.pinned()
        if embedder is None:
            if mode is Mode.SEMANTIC:
                raise Unavailable(
                    "Search by meaning is not ready: the embedding model is "
                    f"{self._models.state}{f' ({self._models.detail})' if self._models.detail else ''}.",
                    cure="Search by words meanwhile (mode lexical), or wait: `nasd wait --for semantic`.",
                )
            if mode is Mode.HYBRID:
                notes += ("found by words alone: the embedding model is not ready",)
        vector, look = None, None
        if mode is not Mode.LEXICAL:
            vector, look = await asyncio.gather(
                self._embed(embedder, parsed, query), self._look(parsed, query, prose)
            )
        allowed = None if filters.empty else await self._catalogue.read(shown.permitted, filters, self._runs)
        depth = max(NEWEST_DEPTH if newest else DEPTH, 2 * k)
        wide = _names_one_file(filters) or prose  # an answer may stand in one file's tenth passage
        while True:
            lanes = await self._lanes(index, parsed, vector, mode, allowed, depth, prose)
            seen = await self._pictures(look, depth, allowed)
            fused = fuse(lanes, seen)
            noise = noise_of(fused)
            for reach in sorted({len(fused) if newest else enough(fused, k, noise), len(fused)}):
                found = await self._shown(fused[:reach], filters, hidden)
                found = (
                    await self._by_time(parsed, found) if newest else newer_first_among_equals(found, noise)
                )
                choice = await asyncio.to_thread(Choice, found, k, cap=None if wide else MOST_OF_ONE_FILE)
                if len(choice.shown) >= k:
                    break
            exhausted = all(len(one) < depth for one in (seen, *(lane.found for lane in lanes.values())))
            if len(choice.shown) >= k or exhausted or depth >= DEEPEST:
                break
            depth *= 4
        if mode is Mode.HYBRID and not (newest or parsed.empty or self._words.exact(parsed)):
            await self._reranking.reorder(query, choice)
        passages = [group.shown.passage for group in choice.shown]
        marks = await asyncio.to_thread(self._words.highlights, parsed, passages)
        meant = lanes.get(Lane.SEMANTIC)
        near = {} if meant is None else {**meant.others, **meant.found}
        hits = tuple(
            replace(
                hit_of(group, rank, marks.get(group.shown.passage.id, ())),
                similarity=near.get(group.shown.passage.id),
            )
            for rank, group in enumerate(choice.shown, start=1)
        )
        coverage = await self._coverage.total()
        took_ms = (self._clock.monotonic() - began) * 1000
        return SearchResult(hits=hits, coverage=coverage, took_ms=round(took_ms, 2), notes=notes)

    async def _embed(
        self, embedder: Embedder | None, parsed: Query, query: str
    ) -> npt.NDArray[np.float32] | None:
        if embedder is None or (parsed.empty and not query.strip()):
            return None
        return await asyncio.to_thread(embedder.embed_query, query)

    async def _look(self, parsed: Query, query: str, prose: bool) -> npt.NDArray[np.float32] | None:
        """The query as one for pictures; None where none is meant: an answer is made of text, an identifier
        is looked up, and what a picture shows obeys no operator."""
        if prose or parsed.empty or parsed.phrases or parsed.excluded or self._words.exact(parsed):
            return None
        return await self._sight.embed(query)

    async def _pictures(
        self, look: npt.NDArray[np.float32] | None, depth: int, allowed: Permitted | None
    ) -> dict[int, float]:
        """What was found by what it shows: the passage that each picture is shown as, to what it adds."""
        if look is None:
            return {}
        found = await self._sight.find(look, depth, None if allowed is None else allowed.contents)
        first = await self._catalogue.read(faces.first_passages, list(found))
        return {passage: found[content] for passage, content in first.items()}

    async def _lanes(
        self,
        index: Pinned,
        parsed: Query,
        vector: npt.NDArray[np.float32] | None,
        mode: Mode,
        allowed: Permitted | None,
        depth: int,
        prose: bool,
    ) -> dict[Lane, Ranked]:
        """What each lane found, and its score for what the other one found."""
        passages = contents = None
        if allowed is not None:
            passages, contents = allowed.passages, allowed.contents
        in_words = mode is not Mode.SEMANTIC and not parsed.empty
        matches, by_meaning = await asyncio.gather(
            self._words.find(parsed, depth, allowed=contents, prose=prose) if in_words else _nothing(),
            self._near(index, parsed, vector, depth, passages, prose) if vector is not None else _nothing(),
        )
        others = [one for one in by_meaning or () if matches is not None and one not in matches.contents]
        missing = await self._catalogue.read(self._runs.contents_of, others) if others else {}
        unmeasured = (
            [one for one in matches.contents if one not in (by_meaning or {})] if matches is not None else []
        )
        by_words, measured = await asyncio.gather(
            self._words.weigh(parsed, matches, missing) if matches is not None else _nothing(),
            index.score(vector, unmeasured) if vector is not None and by_meaning else _nothing(),
        )
        if by_words is None or not by_meaning or measured is None:
            alone = {Lane.LEXICAL: by_words.scores if by_words else {}, Lane.SEMANTIC: by_meaning or {}}
            return {
                lane: Ranked(found=found, others={}, weight=1.0) for lane, found in alone.items() if found
            }
        weight = EXACT_MEANING_WEIGHT if self._words.exact(parsed) else self._weight_of_meaning(parsed)
        return {
            Lane.LEXICAL: Ranked(
                found=by_words.scores, others=by_words.others, weight=1.0 - weight, absent=0.0
            ),
            Lane.SEMANTIC: Ranked(found=by_meaning, others=measured, weight=weight),
        }

    async def _near(
        self,
        index: Pinned,
        parsed: Query,
        vector: npt.NDArray[np.float32],
        depth: int,
        allowed: npt.NDArray[np.int64] | None,
        prose: bool,
    ) -> dict[int, float]:
        """What is near in meaning. Nearness knows no operators: passages without a demanded phrase or with an
        excluded word go."""
        found = await index.search(vector, depth, allowed)
        if prose or not found or not (parsed.phrases or parsed.excluded):
            return found
        obeying = await self._words.obeying(parsed, found)
        return {one: score for one, score in found.items() if one in obeying}

    def _weight_of_meaning(self, parsed: Query) -> float:
        return MEANING_WEIGHT * share_known(parsed.text, self._models.count_tokens)

    async def _shown(self, fused: Sequence[Fused], filters: Filters, hidden: bool) -> list[Found]:
        """Those that some permitted file holds now."""
        by_id, held_by = await self._catalogue.read(shown.candidates, [one.id for one in fused], filters)
        found = []
        for one in fused:
            stored = by_id.get(one.id)
            files = held_by.get(stored.content_id) if stored is not None else None
            if stored is not None and files and (hidden or not stored.passage.hidden):
                found.append(Found(fused=one, passage=stored, files=files))
        return found

    async def _by_time(self, parsed: Query, found: Sequence[Found]) -> list[Found]:
        """Newest first where all words stand in the text, its headings, or the file's title or path."""
        texts = {
            one.passage.id: "\n".join(
                (
                    *(display_path(file.path) for file in one.files),
                    embedded_text(
                        one.passage.title, one.passage.passage.place.heading, one.passage.passage.text
                    ),
                )
            )
            for one in found
        }
        matching = await asyncio.to_thread(self._words.holding_all, parsed, texts)
        return newest_first(found, matching, int(self._clock.now().timestamp() * 1e9))


async def _nothing() -> None:
    return None


def _names_one_file(filters: Filters) -> bool:
    return filters.path is not None and not any(char in filters.path for char in "*?[")
