"""How much of what is on the volumes can be answered from."""

from __future__ import annotations

from nasd.clock import Clock
from nasd.domain.search import Coverage
from nasd.flows.models import Models
from nasd.store import volumes
from nasd.store.lane import Lane
from nasd.store.volumes import VolumeCounts

FRESH_S = 1.0
"""Every search shows the numbers, and counting takes 0.3 s at a million files: so they may be this old there.
Whoever asks for the status gets them as they are."""


class CoverageCounter:
    def __init__(self, lane: Lane, models: Models, clock: Clock) -> None:
        self._lane = lane
        self._models = models
        self._clock = clock
        self._counted_at = float("-inf")
        self._counts: dict[int, VolumeCounts] = {}

    async def by_volume(self, *, fresh: bool = False) -> dict[int, VolumeCounts]:
        if fresh or self._clock.monotonic() - self._counted_at > FRESH_S:
            self._counts = await self._lane.read(volumes.count_files, self._models.fingerprint)
            self._counted_at = self._clock.monotonic()
        return self._counts

    async def total(self) -> Coverage:
        return add_up([counts.coverage for counts in (await self.by_volume()).values()])


def add_up(parts: list[Coverage]) -> Coverage:
    return Coverage(
        files=sum(part.files for part in parts),
        searchable=sum(part.searchable for part in parts),
        semantic=sum(part.semantic for part in parts),
        pending=sum(part.pending for part in parts),
        failed=sum(part.failed for part in parts),
        skipped=sum(part.skipped for part in parts),
    )
