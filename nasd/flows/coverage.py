"""How much of what is on the volumes can be answered from."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from nasd.clock import Clock
from nasd.domain.search import Coverage
from nasd.flows.models import Models
from nasd.store import volumes
from nasd.store.lane import Lane
from nasd.store.volumes import VolumeCounts

FRESH_S = 1.0
"""Every search shows the numbers, and counting takes 0.3 s at a million files: while things change they are
counted again this often, and may be twice as old. Whoever asks for the status gets them as they are."""
SHARE = 0.1
"""Of the time goes to counting at most."""
ASKED_S = 10.0
"""After the last search, until nobody is taken to look any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Counted:
    by_volume: dict[int, VolumeCounts]
    fingerprint: str | None
    writes: int  # that there had been
    at: float
    took_s: float

    @property
    def pace_s(self) -> float:
        return max(FRESH_S, self.took_s / SHARE)


class CoverageCounter:
    def __init__(self, lane: Lane, models: Models, clock: Clock) -> None:
        self._lane = lane
        self._models = models
        self._clock = clock
        self._counted: _Counted | None = None
        self._asked = asyncio.Event()
        self._asked_at = float("-inf")

    async def by_volume(self, *, fresh: bool = False) -> dict[int, VolumeCounts]:
        kept = self._true()
        if kept is None or not (self._unchanged(kept) or (not fresh and self._age(kept) <= 2 * kept.pace_s)):
            kept = await self._count()
        return kept.by_volume

    async def total(self) -> Coverage:
        self._asked_at = self._clock.monotonic()
        self._asked.set()
        return add_up([counts.coverage for counts in (await self.by_volume()).values()])

    async def run(self) -> None:
        """Counts again, while somebody searches, what has changed, so that no search waits for that."""
        while True:
            await self._asked.wait()
            kept = self._true() or await self._count()
            await asyncio.sleep(max(kept.pace_s - self._age(kept), FRESH_S / 10))
            if not self._unchanged(kept):
                await self._count()
            if self._clock.monotonic() - self._asked_at > ASKED_S:
                self._asked.clear()

    async def _count(self) -> _Counted:
        fingerprint, writes, began = self._models.fingerprint, self._lane.writes, self._clock.monotonic()
        counts = await self._lane.read(volumes.count_files, fingerprint)
        now = self._clock.monotonic()
        self._counted = _Counted(
            by_volume=counts, fingerprint=fingerprint, writes=writes, at=now, took_s=now - began
        )
        return self._counted

    def _true(self) -> _Counted | None:
        """What was counted for the model that serves now."""
        kept = self._counted
        return kept if kept is not None and kept.fingerprint == self._models.fingerprint else None

    def _unchanged(self, kept: _Counted) -> bool:
        return kept.writes == self._lane.writes

    def _age(self, kept: _Counted) -> float:
        return self._clock.monotonic() - kept.at


def add_up(parts: list[Coverage]) -> Coverage:
    return Coverage(
        files=sum(part.files for part in parts),
        searchable=sum(part.searchable for part in parts),
        semantic=sum(part.semantic for part in parts),
        pending=sum(part.pending for part in parts),
        failed=sum(part.failed for part in parts),
        skipped=sum(part.skipped for part in parts),
    )
