"""Judging known files anew when policy or readers have changed, or when time alone changes the verdict.

A scan sees only what changed on the disk; what changed on our side is seen here.
"""

from __future__ import annotations

import logging

from nasd.clock import Clock
from nasd.domain.files import RULE, FileRecord, FileState
from nasd.extract.registry import entry_of
from nasd.flows.admission import Admission
from nasd.flows.index import IndexCache
from nasd.flows.work import Work
from nasd.store import changes, facts, files, queue
from nasd.store.changes import Seen
from nasd.store.lane import Lane

log = logging.getLogger(__name__)

PAGE = 1000
FACT = "admission"
BY_ADMISSION = frozenset({"policy", "unsupported"})
"""Reasons for skipping that this module may take back. Ignore rules are a scan's business."""


class Readmission:
    def __init__(self, lane: Lane, index: IndexCache, work: Work, admission: Admission, clock: Clock) -> None:
        self._lane = lane
        self._index = index
        self._work = work
        self._admission = admission
        self._clock = clock

    async def run(self) -> None:
        """Looks at every file if there is reason to; else costs one query."""
        fingerprint = self._admission.fingerprint
        same = await self._lane.read(facts.fact, FACT) == fingerprint
        if same and not self._admission.ages:
            return
        takes_back = frozenset({"policy"}) if same else BY_ADMISSION
        after_id, count = 0, 0
        while page := await self._lane.read(files.page_with_readers, after_id, PAGE):
            after_id = page[-1][0].id
            changed = [
                (file, seen)
                for file, reader in page
                if (seen := self._judge(file, reader, takes_back)) is not None
            ]
            count += len(changed)
            for volume_id in {file.volume_id for file, _ in changed}:
                await self._apply(
                    volume_id, [(f.id, seen) for f, seen in changed if f.volume_id == volume_id]
                )
        await self._lane.write(facts.set_fact, FACT, fingerprint)
        if count:
            log.info("%d files are treated otherwise since policy or readers changed", count)

    def _judge(self, file: FileRecord, reader: str | None, takes_back: frozenset[str]) -> Seen | None:
        """How the file is to be treated from now on, or None when nothing changes."""
        if file.state is FileState.SKIPPED and file.reason == RULE:
            return None
        seen = self._admission.admit(file.volume, file.stat)
        if seen.skip_reason is not None:
            return seen if file.reason != seen.skip_reason else None
        if file.state is FileState.SKIPPED:
            return seen if file.reason in takes_back else None
        entry = entry_of(file.kind)
        outdated = reader is not None and entry is not None and reader != entry.label
        return seen if outdated and file.state is FileState.INDEXED else None

    async def _apply(self, volume_id: int, changed: list[tuple[int, Seen]]) -> None:
        async with self._index.changing:
            applied = await self._lane.write(
                changes.apply_changes,
                volume_id,
                new=[],
                changed=changed,
                gone=[],
                priority=queue.BACKLOG,
                now=self._clock.now(),
            )
            await self._index.drop_contents(applied.orphaned)
        if applied.to_read:
            self._work.to_read.set()
