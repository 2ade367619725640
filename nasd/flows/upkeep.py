"""What is done now and then: files are judged anew where policy or readers have changed, contents that no
file holds are forgotten, vectors of models that neither answer nor may answer again go.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta

from nasd.clock import Clock
from nasd.flows.index import IndexCache
from nasd.flows.models import Models
from nasd.flows.readmission import Readmission
from nasd.store import contents, generations
from nasd.store.lane import Lane

log = logging.getLogger(__name__)

KEPT_ORPHANED = timedelta(days=7)
"""How long what was learned of a deleted file is kept, unseen, for the case that it comes back: a move to
another disk, a restore, a remount."""

EVERY_S = 3600.0
SWEPT_AT_ONCE = 50  # contents a transaction


class Upkeep:
    def __init__(
        self, lane: Lane, models: Models, index: IndexCache, readmission: Readmission, clock: Clock
    ) -> None:
        self._lane = lane
        self._models = models
        self._index = index
        self._readmission = readmission
        self._clock = clock

    async def run(self) -> None:
        while True:
            await self._readmission.run()
            await self.sweep()
            await asyncio.sleep(EVERY_S)

    async def sweep(self) -> None:
        before = self._clock.now() - KEPT_ORPHANED
        swept = 0
        while count := await self._lane.write(contents.sweep_orphans, before, SWEPT_AT_ONCE):
            swept += count
        if swept:
            log.info("forgot %d contents that no file has held for %d days", swept, KEPT_ORPHANED.days)
        if self._models.fingerprint is not None:
            gone, kept = await self._lane.write(generations.forget_others, self._models.fingerprint)
            if gone:
                log.info("deleted the vectors of %d former models", gone)
            await asyncio.to_thread(self._index.forget_others, kept)
