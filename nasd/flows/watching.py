"""One volume under watch: hints settle, the disk is looked at, and what differs becomes rows and jobs."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal

from nasd.clock import Clock
from nasd.domain.files import FileStat, Volume, VolumeState
from nasd.errors import DiskFull
from nasd.flows.admission import Admission
from nasd.flows.events import Hub
from nasd.flows.index import IndexCache
from nasd.flows.work import Work
from nasd.store import files, queue, volumes
from nasd.store.files import Seen
from nasd.store.lane import Lane
from nasd.watch.base import Hint, ScanProblem, Skipped, Watcher
from nasd.watch.compare import RULE, Difference, Known, covered, differences, pair_moves
from nasd.watch.guard import judge, observe_volume
from nasd.watch.mounts import choose, filesystem_type, stable_inodes
from nasd.watch.rules import Rules
from nasd.watch.scan import scan
from nasd.watch.settle import Settler

log = logging.getLogger(__name__)

BATCH = 400  # differences a transaction: about 50 ms, so that other writers get their turn
BUFFERED_NEW = 20_000  # new files held back to recognise moves; beyond that they are hashed instead
FROZEN_LOOK_S = 5.0
MOST_WITNESSED = 100_000
MakeWatcher = Callable[[Rules], Watcher]


@dataclass(slots=True)
class _Round:
    """What one look at (a part of) a volume has found and not yet committed."""

    new: list[Seen] = field(default_factory=list)
    gone: list[Known] = field(default_factory=list)
    changed: list[tuple[int, Seen]] = field(default_factory=list)
    problems: list[ScanProblem] = field(default_factory=list)


class VolumeWatch:
    """Runs as one task for each volume that is not paused; `run` ends only by cancellation."""

    def __init__(
        self,
        volume: Volume,
        lane: Lane,
        hub: Hub,
        index: IndexCache,
        work: Work,
        clock: Clock,
        admission: Admission,
        *,
        rules: Rules,
        make_watcher: MakeWatcher,
        settler: Settler,
        scan_every: timedelta,
    ) -> None:
        self.volume = volume
        self._lane = lane
        self._hub = hub
        self._index = index
        self._work = work
        self._clock = clock
        self._admission = admission
        self._rules = rules
        self._make_watcher = make_watcher
        self._settler = settler
        self._scan_every = scan_every
        self._watcher: Watcher | None = None
        self._wake = asyncio.Event()
        self._stop = False
        self._next_scan = clock.monotonic()
        self._known_files = 0
        self._witnessed: set[bytes] = set()  # paths that events told to be gone
        self._blind: tuple[bytes, ...] = ()
        self.rules = rules
        self.watching: Literal["events", "poll", "off"] | None = None
        self.scanning = False
        self.looking = False

    @property
    def unsettled(self) -> int:
        """Hints that wait, and the look that is under way."""
        due = self._clock.monotonic() >= self._next_scan and self.volume.state is VolumeState.ACTIVE
        return len(self._settler) + int(self.looking or self.scanning or due)

    @property
    def root(self) -> str | None:
        """The folder, while files in it may be read."""
        return self.volume.path if self.volume.state is VolumeState.ACTIVE else None

    def scan_soon(self) -> None:
        self._next_scan = self._clock.monotonic()
        self._wake.set()

    async def run(self) -> None:
        self._known_files = await self._lane.read(files.count_known, self.volume.id)
        try:
            while True:
                if await self._guarded():
                    await self._watch()
                    now = self._clock.monotonic()
                    if now >= self._next_scan:
                        await self._scan_all()
                    else:
                        await self._look_at_hints()
                await self._rest()
        finally:
            self._stop = True
            await asyncio.to_thread(self._unwatch)

    async def _rest(self) -> None:
        """Until a hint is due, a scan is due, or something calls."""
        if self.volume.state is VolumeState.FROZEN:
            until = self._clock.monotonic() + FROZEN_LOOK_S
        else:
            due = self._settler.next_due()
            until = self._next_scan if due is None else min(due, self._next_scan)
        with suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, until - self._clock.monotonic())):
                await self._wake.wait()
        self._wake.clear()

    # --- the guard ----------------------------------------------------------------------------------

    async def _guarded(self) -> bool:
        """Whether this still is the volume that was added. Freezes and thaws it as that changes."""
        observed = await asyncio.to_thread(observe_volume, self.volume.path)
        witnessed = 0
        if observed.empty and self._known_files and self._witnessed:
            known = await self._lane.read(files.known_below, self.volume.id, b"")
            witnessed = sum(covered(one.path, self._witnessed) for one in known)
        verdict = judge(self.volume.identity, observed, self._known_files, witnessed=witnessed)
        state = VolumeState.FROZEN if verdict.frozen else VolumeState.ACTIVE
        self._blind = verdict.blind
        if self.volume.state is not state:
            await self._change(state=state, detail=verdict.detail, identity=verdict.identity)
            if verdict.frozen:
                log.warning("volume %s is frozen: %s", self.volume.name, verdict.detail)
                self._hub.publish("volume.frozen", volume=self.volume.name, detail=verdict.detail)
            else:
                self._next_scan = self._clock.monotonic()
                self._hub.publish("volume.active", volume=self.volume.name)
        elif self.volume.identity != verdict.identity or (
            verdict.frozen and self.volume.detail != verdict.detail
        ):
            await self._change(detail=verdict.detail, identity=verdict.identity)
        if verdict.frozen and self._watcher is not None:
            await asyncio.to_thread(self._unwatch)
        return not verdict.frozen

    async def _change(self, **values: object) -> None:
        stored = {name: getattr(value, "value", value) for name, value in values.items()}
        await self._lane.write(volumes.change_volume, self.volume.id, stored)
        self.volume = await self._lane.read(volumes.volume_named, self.volume.name)

    # --- hints --------------------------------------------------------------------------------------

    async def _watch(self) -> None:
        """Starts the watcher, once; where events cannot be had, polling takes their place, visibly."""
        if self.watching is not None:
            return
        fstype = await asyncio.to_thread(filesystem_type, self.volume.path)
        self.watching = choose(self.volume.watch, fstype)
        if self.watching != "events":
            return
        watcher = self._make_watcher(self._rules)
        loop = asyncio.get_running_loop()

        def on_hint(hint: Hint) -> None:
            with suppress(RuntimeError):  # the loop has closed
                loop.call_soon_threadsafe(self._take_hint, hint)

        try:
            await asyncio.to_thread(watcher.start, self.volume.path, on_hint)
            self._watcher = watcher
        except OSError as error:
            await self._poll_instead(error.strerror or str(error))
        # What happened before the watches stood is found by a scan after them.
        self._next_scan = self._clock.monotonic()

    async def _poll_instead(self, why: str) -> None:
        self.watching = "poll"
        log.warning("volume %s is polled every %s s: %s", self.volume.name, self.volume.poll_seconds, why)
        await self._change(detail=f"polled every {self.volume.poll_seconds} s: {why}")
        self._hub.publish("volume.polled", volume=self.volume.name, detail=why)
        self._next_scan = self._clock.monotonic()

    def _take_hint(self, hint: Hint) -> None:
        if hint.gone and len(self._witnessed) < MOST_WITNESSED:
            self._witnessed.add(hint.path)
        else:
            self._witnessed.discard(hint.path)
        self._settler.hint(hint, self._clock.monotonic())
        self._wake.set()

    def _unwatch(self) -> None:
        watcher, self._watcher, self.watching = self._watcher, None, None
        if watcher is not None:
            watcher.stop()

    async def _look_at_hints(self) -> None:
        if self._watcher is not None and self._watcher.trouble is not None:
            trouble = self._watcher.trouble
            await asyncio.to_thread(self._unwatch)
            await self._poll_instead(trouble)
        hints = self._settler.due(self._clock.monotonic())
        if not hints:
            return
        self.looking = True
        try:
            found = _Round()
            for hint in hints:
                await self._compare(hint.path, found, closed=hint.closed, priority=queue.FRESH)
            await self._commit_round(found, priority=queue.FRESH)
        except DiskFull as error:
            log.error("%s", error)
            for hint in hints:
                self._settler.hint(hint, self._clock.monotonic())
            await asyncio.sleep(FROZEN_LOOK_S)
        finally:
            self.looking = False

    # --- looking at the disk --------------------------------------------------------------------------

    async def _scan_all(self) -> None:
        self.scanning = True
        began = self._clock.monotonic()
        try:
            found = _Round()
            # A watched volume's files that just changed have hints of their own, before the backlog.
            await self._compare(b"", found, closed=False, priority=queue.BACKLOG)
            await self._commit_round(found, priority=queue.BACKLOG)
            whole = not any(problem.path == b"" for problem in found.problems)
            detail = self.volume.detail if self.watching == "poll" else None
            if found.problems:
                detail = found.problems[0].detail
                for problem in found.problems[:20]:
                    log.warning("volume %s: %s", self.volume.name, problem.detail)
            if whole:
                await self._change(last_scan=self._clock.now(), detail=detail)
            else:
                await self._change(detail=detail)
            self._hub.publish(
                "scan.done",
                volume=self.volume.name,
                took_ms=round((self._clock.monotonic() - began) * 1000),
                problems=len(found.problems),
            )
            every = self._scan_every.total_seconds()
            if self.watching == "poll":
                every = float(self.volume.poll_seconds)
            self._next_scan = self._clock.monotonic() + every
        except DiskFull as error:
            log.error("%s", error)
            self._next_scan = self._clock.monotonic() + 30.0
        finally:
            self.scanning = False

    async def _compare(self, below: bytes, found: _Round, *, closed: bool, priority: int) -> None:
        known = await self._lane.read(files.known_below, self.volume.id, below)
        loop = asyncio.get_running_loop()
        fresh = not known

        def walk() -> None:
            fstype = filesystem_type(self.volume.path)
            seen = scan(self.volume.path, self._rules, below=below, should_stop=lambda: self._stop)
            records = (
                Known(
                    path=one.path,
                    size=one.size,
                    mtime_ns=one.mtime_ns,
                    inode=one.inode,
                    file_id=one.id,
                    state=one.state,
                    reason=one.reason,
                )
                for one in known
            )
            found_here = differences(records, seen, blind=self._blind, trust_inodes=stable_inodes(fstype))
            for batch in _batches(found_here, BATCH):
                take = self._take(batch, found, closed=closed, priority=priority, fresh=fresh)
                asyncio.run_coroutine_threadsafe(take, loop).result()

        await asyncio.to_thread(walk)
        if below == b"":
            self._known_files = await self._lane.read(files.count_known, self.volume.id)

    async def _take(
        self,
        batch: list[Difference | ScanProblem],
        found: _Round,
        *,
        closed: bool,
        priority: int,
        fresh: bool,
    ) -> None:
        """Sorts a batch of differences; commits what need not wait for the end of the round."""
        now, wall_ns = self._clock.monotonic(), time.time_ns()
        for item in batch:
            if isinstance(item, ScanProblem):
                found.problems.append(item)
            elif item.seen is None:
                assert item.known is not None
                found.gone.append(item.known)
            else:
                stat = item.seen.stat if isinstance(item.seen, Skipped) else item.seen
                if not isinstance(item.seen, Skipped) and not self._settler.take(
                    stat, now=now, wall_ns=wall_ns, closed=closed
                ):
                    continue
                seen = self._seen(item.seen)
                if item.known is None:
                    found.new.append(seen)
                else:
                    found.changed.append((item.known.file_id, seen))
        if found.changed:
            await self._apply(changed=found.changed, priority=priority)
            found.changed = []
        if fresh or len(found.new) > BUFFERED_NEW:
            await self._apply(new=found.new, priority=priority)
            found.new = []

    def _seen(self, item: FileStat | Skipped) -> Seen:
        if isinstance(item, Skipped):
            return self._admission.skipped(item.stat, RULE, f"left out by the ignore rule {item.rule}")
        return self._admission.admit(self.volume.name, item)

    async def _commit_round(self, found: _Round, *, priority: int) -> None:
        """Moves, then what is new, then what is gone: and that only if the volume still is what it was."""
        moved = self._moves(found)
        if moved:
            ids = {known.file_id for known, _ in moved}
            paths = {seen.stat.path for _, seen in moved}
            found.gone = [known for known in found.gone if known.file_id not in ids]
            found.new = [seen for seen in found.new if seen.stat.path not in paths]
            await self._apply(
                moved=[(known.file_id, seen.stat.path) for known, seen in moved], priority=priority
            )
        for start in range(0, len(found.new), BATCH):
            await self._apply(new=found.new[start : start + BATCH], priority=priority)
        if found.gone and await self._guarded():
            for start in range(0, len(found.gone), BATCH):
                await self._apply(gone=found.gone[start : start + BATCH], priority=priority)
            self._witnessed.difference_update({known.path for known in found.gone})

    def _moves(self, found: _Round) -> list[tuple[Known, Seen]]:
        """Files that left one path and came at another; not those that the new path treats differently."""
        if not found.gone or not found.new:
            return []
        by_path = {seen.stat.path: seen for seen in found.new}
        pairs = pair_moves(found.gone, [seen.stat for seen in found.new])
        return [
            (known, by_path[stat.path])
            for known, stat in pairs
            if self._admission.same_treatment(self.volume.name, known.path, stat)
        ]

    async def _apply(
        self,
        *,
        new: list[Seen] | None = None,
        changed: list[tuple[int, Seen]] | None = None,
        gone: list[Known] | None = None,
        moved: list[tuple[int, bytes]] | None = None,
        priority: int,
    ) -> None:
        async with self._index.changing:
            applied = await self._lane.write(
                files.apply_changes,
                self.volume.id,
                new=new or [],
                changed=changed or [],
                gone=[known.file_id for known in gone or []],
                moved=moved or [],
                priority=priority,
                now=self._clock.now(),
            )
            await self._index.drop_contents(applied.orphaned)
        if applied.to_read:
            self._work.to_read.set()
        self._known_files += len(new or []) - len(gone or [])
        for kind, count in (("file.seen", len(new or [])), ("file.gone", len(gone or []))):
            if count:
                self._hub.publish(kind, volume=self.volume.name, files=count)


def _batches(
    items: Iterator[Difference | ScanProblem], size: int
) -> Iterator[list[Difference | ScanProblem]]:
    batch: list[Difference | ScanProblem] = []
    for item in items:
        batch.append(item)
        if len(batch) >= size:
            yield batch
            batch = []
    if batch:
        yield batch
