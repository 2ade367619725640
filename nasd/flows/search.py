"""Search: two lanes, fused by reciprocal rank, shown only as what the catalogue knows now."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from nasd.clock import Clock
from nasd.domain.files import FileRecord
from nasd.domain.passages import StoredPassage
from nasd.domain.queries import Query, fts5, parse
from nasd.domain.search import Filters, Hit, Lane, Mode, SearchResult
from nasd.errors import Unavailable
from nasd.flows.coverage import CoverageCounter
from nasd.flows.index import IndexCache
from nasd.flows.models import Models
from nasd.index.fuse import Fused, fuse
from nasd.store import contents, words
from nasd.store.lane import Lane as Catalogue

DEPTH = 100
"""Candidates of each lane; deeper only when too few of them may be shown."""
DEEPEST = 3200

FIRST = 10
MOST_OF_ONE_FILE = 3
"""At most so many hits of one file among the first ten, unless the filter names that file."""

LANE_WEIGHTS: Mapping[Lane, float] = {Lane.LEXICAL: 1.0, Lane.SEMANTIC: 1.0}
NAME_WEIGHT = 1.0
"""Of a path that holds all the words, within the words lane, against a text that holds some. Paths that hold
any of them cost a question 0.04 nDCG@10 on clapnq (0.963 to 0.924) and gain nothing elsewhere."""


class Search:
    def __init__(
        self,
        catalogue: Catalogue,
        models: Models,
        index: IndexCache,
        coverage: CoverageCounter,
        clock: Clock,
    ) -> None:
        self._catalogue = catalogue
        self._models = models
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
        `Unavailable`.
        """
        began = self._clock.monotonic()
        parsed = parse(query)
        match = fts5(parsed, quoted="may" if prose else "must")
        notes: tuple[str, ...] = ()
        if self._models.embedder is None:
            if mode is Mode.SEMANTIC:
                raise Unavailable(
                    "Search by meaning is not ready: the embedding model is "
                    f"{self._models.state}{f' ({self._models.detail})' if self._models.detail else ''}.",
                    cure="Search by words meanwhile (mode lexical), or wait: `nasd wait --for semantic`.",
                )
            if mode is Mode.HYBRID:
                notes = ("found by words alone: the embedding model is not ready",)
        vector = None if mode is Mode.LEXICAL else await self._embed(parsed, query)
        chosen: list[tuple[Fused, FileRecord, StoredPassage, int]] = []
        depth = max(DEPTH, 2 * k)
        while True:
            lanes = await self._lanes(parsed, match, vector, mode, filters, depth, prose)
            fused = fuse(lanes, weights=LANE_WEIGHTS)
            chosen = await self._choose(fused, k, filters, hidden)
            exhausted = all(len(found) < depth for found in lanes.values())
            if len(chosen) >= k or exhausted or depth >= DEEPEST:
                break
            depth *= 4
        marks: dict[int, tuple[tuple[int, int], ...]] = {}
        if match is not None:
            ids = [passage.id for _, _, passage, _ in chosen]
            marks = await self._catalogue.read(words.highlights, match, ids)
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

    async def _embed(self, parsed: Query, query: str) -> npt.NDArray[np.float32] | None:
        embedder = self._models.embedder
        if embedder is None or (parsed.empty and not query.strip()):
            return None
        return await asyncio.to_thread(embedder.embed_query, query)

    async def _lanes(
        self,
        parsed: Query,
        match: str | None,
        vector: npt.NDArray[np.float32] | None,
        mode: Mode,
        filters: Filters,
        depth: int,
        prose: bool,
    ) -> dict[Lane, Sequence[int]]:
        lanes: dict[Lane, Sequence[int]] = {}
        if mode is not Mode.SEMANTIC and match is not None:
            in_names = fts5(parsed, match="all")
            lanes[Lane.LEXICAL] = await self._by_words(match, in_names, filters, depth)
        if vector is not None:
            found = await self._by_meaning(vector, filters, depth)
            lanes[Lane.SEMANTIC] = await self._obeying(parsed, found, prose)
        return lanes

    async def _by_words(self, match: str, match_names: str | None, filters: Filters, depth: int) -> list[int]:
        in_text = await self._catalogue.read(words.match_passages, match, filters, depth)
        if match_names is None:
            return in_text
        in_names = await self._catalogue.read(words.match_names, match_names, filters, depth)
        return merge_names(in_text, in_names)[:depth] if in_names else in_text

    async def _by_meaning(self, vector: npt.NDArray[np.float32], filters: Filters, depth: int) -> list[int]:
        allowed = None
        if not filters.empty:
            allowed = await self._catalogue.read(words.permitted_passages, filters)
            if not len(allowed):
                return []
        return await self._index.search(vector, depth, allowed)

    async def _obeying(self, parsed: Query, found: list[int], prose: bool) -> list[int]:
        """Nearness knows no operators: passages without a demanded phrase or with an excluded word go."""
        if parsed.phrases and not prose:
            demanded = fts5(Query(text="", phrases=parsed.phrases), match="all")
            if demanded is not None:
                having = await self._catalogue.read(words.matching, demanded, found)
                found = [one for one in found if one in having]
        if parsed.excluded:
            unwanted = fts5(Query(text="", phrases=parsed.excluded), quoted="may")
            if unwanted is not None:
                having = await self._catalogue.read(words.matching, unwanted, found)
                found = [one for one in found if one not in having]
        return found

    async def _choose(
        self, fused: Sequence[Fused], k: int, filters: Filters, hidden: bool
    ) -> list[tuple[Fused, FileRecord, StoredPassage, int]]:
        """The first k that some permitted file holds now."""
        by_id = await self._catalogue.read(contents.passages_by_id, [one.id for one in fused])
        held_by = await self._catalogue.read(
            words.holders, list({stored.content_id for stored in by_id.values()}), filters
        )
        candidates = []
        for one in fused:
            stored = by_id.get(one.id)
            files = held_by.get(stored.content_id) if stored is not None else None
            if stored is not None and files and (hidden or not stored.passage.hidden):
                candidates.append((one, files[0], stored, len(files) - 1))
        cap = len(candidates) if _names_one_file(filters) else MOST_OF_ONE_FILE
        order = spread([file.id for _, file, _, _ in candidates], k=k, cap=cap)
        return [candidates[position] for position in order]


def merge_names(in_text: Sequence[int], in_names: Sequence[int]) -> list[int]:
    """The words lane: text matches and path matches by reciprocal rank, the former weighing more."""
    scores: dict[int, float] = {}
    for found, weight in ((in_text, 1.0), (in_names, NAME_WEIGHT)):
        for rank, one in enumerate(found, start=1):
            scores[one] = scores.get(one, 0.0) + weight / (60 + rank)
    return sorted(scores, key=lambda one: (-scores[one], one))


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
