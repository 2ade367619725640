"""Known-item evaluation: how well search finds the owner's own documents, measured every night.

The set is made from the catalogue and kept in it, so that nights compare. No volume is touched for it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from datetime import datetime, time, timedelta
from typing import Protocol

from nasd.answer.sentences import split
from nasd.clock import Clock
from nasd.config.quantities import Window
from nasd.domain import metrics
from nasd.domain.known import Evaluation, KnownItem, folded, make_item
from nasd.domain.search import Filters, Hit, Mode, SearchResult
from nasd.errors import Conflict, NasdError, Unavailable
from nasd.flows.events import Hub
from nasd.flows.models import Models
from nasd.store import known
from nasd.store.lane import Lane

log = logging.getLogger(__name__)

ITEMS = 150
"""In the set: one item is less than a hundredth of recall."""

SEED = 1
DRAWN_AT_ONCE = 50
K = 10

NIGHT = Window(start=time(2), end=time(5))
"""Without a window for scans in the settings."""

LOOK_S = 600.0
SOONEST = timedelta(minutes=30)
"""After a start: by then what changed meanwhile has been read, on most days."""

SELDOM = timedelta(hours=12)
OVERDUE = timedelta(hours=36)
"""A machine that is off at night measures when it is on."""


class Searching(Protocol):
    async def search(self, query: str, *, k: int, mode: Mode, filters: Filters) -> SearchResult: ...


class Evaluations:
    """One measurement at a time: who asks while one runs gets that one."""

    def __init__(
        self, lane: Lane, hub: Hub, models: Models, search: Searching, clock: Clock, *, window: Window | None
    ) -> None:
        self._lane = lane
        self._hub = hub
        self._models = models
        self._search = search
        self._clock = clock
        self._window = window or NIGHT
        self._started = clock.now()
        self._running: asyncio.Task[Evaluation] | None = None

    async def run(self) -> None:
        await self._models.ready.wait()
        try:
            while True:
                await self._measure_if_due()
                await asyncio.sleep(LOOK_S)
        finally:
            if self._running is not None:
                self._running.cancel()

    async def _measure_if_due(self) -> None:
        now, last = self._clock.now(), await self.latest()
        measured = None if last is None else last.at
        if due(now, measured=measured, started=self._started, window=self._window):
            try:
                await self.measure()
            except NasdError as error:
                log.info("search was not measured: %s", error)
                self._started = now  # then not every few minutes

    async def latest(self) -> Evaluation | None:
        return await self._lane.read(known.latest)

    async def page(self, *, after_id: int, limit: int) -> Sequence[Evaluation]:
        return await self._lane.read(known.page, after_id, limit)

    async def measure(self) -> Evaluation:
        """`Conflict` when there is nothing to ask for, `Unavailable` without a model."""
        if self._running is None or self._running.done():
            self._running = asyncio.create_task(self._measure())
        return await asyncio.shield(self._running)

    async def items(self) -> tuple[KnownItem, ...]:
        """The set, made whole first: what is gone is dropped, and others take its place."""
        await self._lane.write(known.drop_stale)
        missing = ITEMS - len(await self._lane.read(known.known))
        made: list[KnownItem] = []
        start = 0
        while len(made) < missing:
            drawn = await self._lane.read(known.draw, SEED, DRAWN_AT_ONCE, start)
            if not drawn:
                break
            start += len(drawn)
            made += await asyncio.to_thread(_make, drawn)
        await self._lane.write(known.add_items, made[: max(missing, 0)])
        return await self._lane.read(known.known)

    async def figures(
        self, search: Searching, items: Sequence[KnownItem], modes: Sequence[Mode]
    ) -> dict[str, dict[str, float]]:
        """Mode to measure to figure, of any search over this catalogue. One query at a time."""
        right = await self._lane.read(known.contents_with, [item.digest for item in items])
        ranks: dict[Mode, list[int | None]] = {mode: [] for mode in modes}
        times: dict[Mode, list[float]] = {mode: [] for mode in modes}
        for number, item in enumerate(items):
            # Whoever comes first has no help from what the others left in caches: only that is timed.
            first = number % len(modes)
            for mode in (*modes[first:], *modes[:first]):
                found = await search.search(item.query, k=K, mode=mode, filters=Filters())
                ranks[mode].append(rank_of(item, found.hits, right.get(item.digest, frozenset())))
                if mode is modes[first]:
                    times[mode].append(found.took_ms)
        return {mode.value: summarise(ranks[mode], times[mode]) for mode in modes}

    async def _measure(self) -> Evaluation:
        info = self._models.info
        if info is None:
            raise Unavailable(
                "Search by meaning is not ready, so it is not measured.",
                cure="Wait for it: `nasd wait --for semantic`.",
            )
        items = await self.items()
        if not items:
            raise Conflict(
                "No document holds a sentence to ask for yet.",
                cure="Add a volume with texts, wait until it is read (`nasd wait`), and measure again.",
            )
        began = self._clock.monotonic()
        modes = await self.figures(self._search, items, tuple(Mode))
        measured = await self._lane.write(
            known.save_evaluation,
            at=self._clock.now(),
            model=info.name,
            fingerprint=info.fingerprint,
            queries=len(items),
            took_s=round(self._clock.monotonic() - began, 1),
            modes=modes,
        )
        hybrid = modes[Mode.HYBRID.value]
        detail = f"recall@10 {hybrid['recall_at_10']:.3f}, MRR {hybrid['mrr_at_10']:.3f}"
        log.info("search finds %d known items with %s", len(items), detail)
        self._hub.publish("search.measured", detail=detail)
        return measured


def due(now: datetime, *, measured: datetime | None, started: datetime, window: Window) -> bool:
    """Whether to measure now: within the window, in local time, unless that was done or the daemon started a
    short time ago; and when both were long ago."""
    if now - started < SOONEST:
        return False
    if now - max(measured or started, started) >= OVERDUE:
        return True
    if measured is not None and now - measured < SELDOM:
        return False
    return window.contains(now.astimezone().time())


def rank_of(item: KnownItem, hits: Sequence[Hit], right: frozenset[int]) -> int | None:
    """The place from 1 of the first hit that holds what the item asks for: its document, or its sentence."""
    sentence = folded(item.sentence)
    for rank, hit in enumerate(hits[:K], start=1):
        if hit.passage.content_id in right or sentence in folded(hit.passage.passage.text):
            return rank
    return None


def summarise(ranks: Sequence[int | None], times: Sequence[float]) -> dict[str, float]:
    """`ranks`: the place of each item, None where it was not found. `times` in milliseconds."""
    found = [rank for rank in ranks if rank is not None]
    count = len(ranks) or 1
    return {
        "recall_at_10": round(len(found) / count, 4),
        "mrr_at_10": round(sum(1 / rank for rank in found) / count, 4),
        "p50_ms": round(metrics.percentile(times, 0.5), 2),
        "p95_ms": round(metrics.percentile(times, 0.95), 2),
    }


def _make(drawn: Sequence[tuple[str, Sequence[str]]]) -> list[KnownItem]:
    made = []
    for digest, texts in drawn:
        sentences = [text[span.start : span.end] for text in texts for span in split(text) if not span.row]
        if (item := make_item(digest, sentences, SEED)) is not None:
            made.append(item)
    return made
