"""Search: two lanes, fused by their scores, shown only as what the catalogue knows now."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from nasd.clock import Clock
from nasd.domain.files import FileRecord
from nasd.domain.passages import StoredPassage
from nasd.domain.queries import Query, parse
from nasd.domain.search import Filters, Hit, Lane, Mode, SearchResult
from nasd.embed.base import Embedder
from nasd.embed.vocabulary import share_known
from nasd.errors import Unavailable
from nasd.flows.coverage import CoverageCounter
from nasd.flows.index import IndexCache, Pinned
from nasd.flows.models import Models
from nasd.flows.words import WordCache
from nasd.index.fuse import Fused, Ranked, fuse
from nasd.store import contents, volumes
from nasd.store import permitted as shown
from nasd.store.lane import Lane as Catalogue
from nasd.store.permitted import Permitted

DEPTH = 100
"""Candidates of each lane; deeper only when too few of them may be shown."""
DEEPEST = 3200

FIRST = 10
MOST_OF_ONE_FILE = 3
"""At most so many hits of one file among the first ten, unless the filter names that file."""

MEANING_WEIGHT = 0.45
"""Of nearness in meaning beside words, for a query whose words the model knows well; less where it does not.
Chosen on clapnq, covidqa and xquad among 0.4, 0.45 and 0.5; cranfield, multihop and sec10q were held out."""


class Search:
    def __init__(
        self,
        catalogue: Catalogue,
        models: Models,
        words: WordCache,
        index: IndexCache,
        coverage: CoverageCounter,
        clock: Clock,
    ) -> None:
        self._catalogue = catalogue
        self._models = models
        self._words = words
        self._index = index
        self._coverage = coverage
        self._clock = clock

    async def search(
        self,
        query: str,
        *,
        k: int,
        mode: Mode,
        filters: Filters,
        prose: bool = False,
        hidden: bool = True,
    ) -> SearchResult:
        """The best `k` passages. `prose`: quotation marks are part of a question, not operators. `hidden`:
        passages that no person sees may be among them.

        Without a model, hybrid search goes by words alone and says so in `notes`; semantic search raises
        `Unavailable`. A filter that names a volume which there is not raises `NotFound`: nothing found would
        say that it was looked into.
        """
        began = self._clock.monotonic()
        for name in filters.volumes:
            await self._catalogue.read(volumes.volume_named, name)
        parsed = parse(query)
        notes: tuple[str, ...] = ()
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
                notes = ("found by words alone: the embedding model is not ready",)
        vector = None if mode is Mode.LEXICAL else await self._embed(embedder, parsed, query)
        allowed = None if filters.empty else await self._catalogue.read(shown.permitted, filters)
        chosen: list[tuple[Fused, FileRecord, StoredPassage, int]] = []
        depth = max(DEPTH, 2 * k)
        while True:
            lanes = await self._lanes(index, parsed, vector, mode, allowed, depth, prose)
            chosen = await self._choose(fuse(lanes), k, filters, hidden, spread_out=not prose)
            exhausted = all(len(lane.found) < depth for lane in lanes.values())
            if len(chosen) >= k or exhausted or depth >= DEEPEST:
                break
            depth *= 4
        marks = await asyncio.to_thread(self._words.highlights, parsed, [p for _, _, p, _ in chosen])
        hits = tuple(
            Hit(
                rank=rank,
                score=fused_hit.score,
                file=file,
                passage=passage,
                highlights=marks.get(passage.id, ()),
                lanes=fused_hit.ranks,
                copies=copies,
            )
            for rank, (fused_hit, file, passage, copies) in enumerate(chosen, start=1)
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
        by_words = by_meaning = None
        if mode is not Mode.SEMANTIC and not parsed.empty:
            contents = None if allowed is None else allowed.contents
            by_words = await self._words.search(parsed, depth, allowed=contents, prose=prose)
        if vector is not None:
            passages = None if allowed is None else allowed.passages
            by_meaning = await index.search(vector, depth, passages)
            by_meaning = await self._obeying(parsed, by_meaning, prose)
        if by_words is None or by_meaning is None or not by_meaning:
            alone = {Lane.LEXICAL: by_words.scores if by_words else {}, Lane.SEMANTIC: by_meaning or {}}
            return {
                lane: Ranked(found=found, others={}, weight=1.0) for lane, found in alone.items() if found
            }
        weight = 0.0 if self._words.exact(parsed) else self._weight_of_meaning(parsed)
        assert vector is not None
        missing = await self._catalogue.read(
            shown.contents_of, [one for one in by_meaning if one not in by_words.scores]
        )
        return {
            Lane.LEXICAL: Ranked(
                found=by_words.scores,
                others=await self._words.score(parsed, missing),
                weight=1.0 - weight,
                absent=0.0,
            ),
            Lane.SEMANTIC: Ranked(
                found=by_meaning,
                others=await index.score(vector, [i for i in by_words.scores if i not in by_meaning]),
                weight=weight,
            ),
        }

    def _weight_of_meaning(self, parsed: Query) -> float:
        return MEANING_WEIGHT * share_known(parsed.text, self._models.count_tokens)

    async def _obeying(self, parsed: Query, found: dict[int, float], prose: bool) -> dict[int, float]:
        """Nearness knows no operators: passages without a demanded phrase or with an excluded word go."""
        if prose or not (parsed.phrases or parsed.excluded):
            return found
        by_id = await self._catalogue.read(contents.passages_by_id, list(found))
        obeying = await asyncio.to_thread(self._words.obeying, parsed, by_id)
        return {one: score for one, score in found.items() if one in obeying}

    async def _choose(
        self, fused: Sequence[Fused], k: int, filters: Filters, hidden: bool, *, spread_out: bool
    ) -> list[tuple[Fused, FileRecord, StoredPassage, int]]:
        """The first k that some permitted file holds now."""
        by_id = await self._catalogue.read(contents.passages_by_id, [one.id for one in fused])
        held_by = await self._catalogue.read(
            shown.holders, list({stored.content_id for stored in by_id.values()}), filters
        )
        candidates = []
        for one in fused:
            stored = by_id.get(one.id)
            files = held_by.get(stored.content_id) if stored is not None else None
            if stored is not None and files and (hidden or not stored.passage.hidden):
                candidates.append((one, files[0], stored, len(files) - 1))
        # An answer may stand in one file's tenth passage; a list of hits is for choosing among files.
        wide = _names_one_file(filters) or not spread_out
        cap = len(candidates) if wide else MOST_OF_ONE_FILE
        order = spread([file.id for _, file, _, _ in candidates], k=k, cap=cap)
        return [candidates[position] for position in order]


def spread(files: Iterable[int], *, k: int, cap: int) -> list[int]:
    """Positions of the at most `k` candidates to show, given each one's file, best first: no file more than
    `cap` times among the first ten; those held back for that come right after, in their order."""
    first: list[int] = []
    later: list[int] = []
    counts: dict[int, int] = {}
    for position, file in enumerate(files):
        if len(first) < FIRST and counts.get(file, 0) < cap:
            first.append(position)
            counts[file] = counts.get(file, 0) + 1
        else:
            later.append(position)
    return (first + later if len(first) == FIRST else first)[:k]


def _names_one_file(filters: Filters) -> bool:
    return filters.path is not None and not any(char in filters.path for char in "*?[")
