"""One look at a volume, or at a part of it: what differs between disk and catalogue becomes rows and jobs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field

from nasd.clock import Clock, nanoseconds
from nasd.domain.files import FileStat, Volume
from nasd.flows.admission import Admission
from nasd.flows.alarm import Alarm
from nasd.flows.events import Hub
from nasd.flows.index import IndexCache
from nasd.flows.work import Work
from nasd.store import changes, queue
from nasd.store.changes import Seen
from nasd.store.lane import Lane
from nasd.watch.base import Hint, ScanProblem, Skipped
from nasd.watch.compare import RULE, Difference, Known, differences, pair_moves
from nasd.watch.mounts import filesystem_type, stable_inodes
from nasd.watch.rules import Rules
from nasd.watch.scan import scan
from nasd.watch.settle import Settler

BATCH = 400  # differences a transaction: about 50 ms, so that other writers get their turn
BUFFERED = 20_000  # differences held back to recognise moves and bursts; beyond that, new files are hashed


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What a look came to. With an `alarm`, which says what was seen, nothing more was committed."""

    problems: tuple[ScanProblem, ...]
    gone: frozenset[bytes] = frozenset()
    alarm: str | None = None


@dataclass(slots=True)
class _Round:
    """What was found and is not yet committed."""

    new: list[Seen] = field(default_factory=list)
    gone: list[Known] = field(default_factory=list)
    changed: list[tuple[Known, Seen]] = field(default_factory=list)
    unsettled: list[FileStat] = field(default_factory=list)
    problems: list[ScanProblem] = field(default_factory=list)
    alarm: str | None = None


class Looking:
    """Of one volume. `look` may be cancelled; `close` then waits for the thread that walks the disk."""

    def __init__(
        self,
        volume: Volume,
        lane: Lane,
        hub: Hub,
        index: IndexCache,
        work: Work,
        clock: Clock,
        admission: Admission,
        rules: Rules,
        settler: Settler,
        alarm: Alarm,
    ) -> None:
        self._volume_id = volume.id
        self._name = volume.name
        self._path = volume.path
        self._lane = lane
        self._hub = hub
        self._index = index
        self._work = work
        self._clock = clock
        self._admission = admission
        self._rules = rules
        self._settler = settler
        self._alarm = alarm
        self._stop = False
        self._walking: asyncio.Task[None] | None = None
        self._known_files: int | None = None

    async def take_up(self) -> None:
        """Has what was postponed while the volume was away read now."""
        await self._lane.write(queue.take_up, self._volume_id, self._clock.now())
        self._work.to_read.set()

    async def close(self) -> None:
        self._stop = True
        if self._walking is not None:
            await asyncio.wait([self._walking])

    async def look(
        self,
        hints: list[Hint],
        *,
        priority: int,
        blind: tuple[bytes, ...],
        believed: Callable[[], Awaitable[bool]],
        known_files: int | None,
    ) -> Look:
        """Looks at what hints name and commits the differences: moves, changes, what is new, then what is
        gone; that last only if the volume is `believed` when asked after the disk was walked.

        `known_files` is how many files the catalogue holds of the volume: before anything but new files is
        committed, the alarm is asked whether it is a burst. None: the owner has accepted the volume as it is,
        nothing is asked. What is still being written is hinted again by itself instead. Raises `DiskFull`.
        """
        self._known_files = known_files
        if known_files is None:
            self._alarm.silence()
        found = _Round()
        for hint in hints:
            await self._compare(hint.path, found, closed=hint.closed, priority=priority, blind=blind)
        moved = self._moves(found)
        if moved:
            ids = {known.file_id for known, _ in moved}
            paths = {seen.stat.path for _, seen in moved}
            found.gone = [known for known in found.gone if known.file_id not in ids]
            found.new = [seen for seen in found.new if seen.stat.path not in paths]
        await self._ask_alarm(found, moved)
        if found.alarm is not None:
            return Look(problems=tuple(found.problems), alarm=found.alarm)
        for start in range(0, len(moved), BATCH):
            await self._apply(moved=moved[start : start + BATCH], priority=priority)
        await self._add(found, priority)
        gone: frozenset[bytes] = frozenset()
        if found.gone and await believed():
            gone = frozenset(known.path for known in found.gone)
            for start in range(0, len(found.gone), BATCH):
                await self._apply(gone=found.gone[start : start + BATCH], priority=priority)
        return Look(problems=tuple(found.problems), gone=gone)

    async def _compare(
        self, below: bytes, found: _Round, *, closed: bool, priority: int, blind: tuple[bytes, ...]
    ) -> None:
        known = await self._lane.read(changes.known_below, self._volume_id, below)
        loop = asyncio.get_running_loop()
        # Of a volume that is seen for the first time nothing can have moved: no need to hold back.
        first_time = not known and below == b""

        def walk() -> None:
            fstype = filesystem_type(self._path)
            seen = scan(self._path, self._rules, below=below, should_stop=lambda: self._stop)
            records = (
                Known(
                    path=one.path,
                    size=one.size,
                    mtime_ns=one.mtime_ns,
                    inode=one.inode,
                    ctime_ns=one.ctime_ns,
                    file_id=one.id,
                    state=one.state,
                    reason=one.reason,
                )
                for one in known
            )
            found_here = differences(records, seen, blind=blind, trust_inodes=stable_inodes(fstype))
            for batch in _batches(found_here, BATCH):
                take = self._take(batch, found, closed=closed, priority=priority, at_once=first_time)
                asyncio.run_coroutine_threadsafe(take, loop).result()

        self._walking = asyncio.create_task(asyncio.to_thread(walk))
        await asyncio.shield(self._walking)

    async def _take(
        self,
        batch: list[Difference | ScanProblem],
        found: _Round,
        *,
        closed: bool,
        priority: int,
        at_once: bool,
    ) -> None:
        """Sorts a batch of differences; commits what need not wait for the end of the round."""
        now, wall_ns = self._clock.monotonic(), nanoseconds(self._clock.now())
        for item in batch:
            if isinstance(item, ScanProblem):
                found.problems.append(item)
            elif item.seen is None:
                assert item.known is not None
                found.gone.append(item.known)
            else:
                skipped = isinstance(item.seen, Skipped)
                stat = item.seen.stat if isinstance(item.seen, Skipped) else item.seen
                if not skipped and not self._settler.take(stat, now=now, wall_ns=wall_ns, closed=closed):
                    found.unsettled.append(stat)
                    continue
                seen = self._seen(item.seen)
                if item.known is None:
                    found.new.append(seen)
                else:
                    found.changed.append((item.known, seen))
        if found.alarm is None and (at_once or len(found.new) + len(found.changed) > BUFFERED):
            if found.changed:
                await self._ask_alarm(found, [])
            if found.alarm is None:
                await self._add(found, priority)
        elif found.alarm is not None:
            found.new, found.changed = [], []

    async def _ask_alarm(self, found: _Round, moved: list[tuple[Known, Seen]]) -> None:
        if self._known_files is not None and found.alarm is None:
            found.alarm = await self._alarm.raised(
                known_files=self._known_files,
                new=found.new,
                changed=found.changed,
                gone=found.gone,
                moved=moved,
                unsettled=found.unsettled,
            )

    async def _add(self, found: _Round, priority: int) -> None:
        """Commits what changed and what is new."""
        for start in range(0, len(found.changed), BATCH):
            await self._apply(changed=found.changed[start : start + BATCH], priority=priority)
        for start in range(0, len(found.new), BATCH):
            await self._apply(new=found.new[start : start + BATCH], priority=priority)
        found.changed, found.new = [], []

    def _seen(self, item: FileStat | Skipped) -> Seen:
        if isinstance(item, Skipped):
            return self._admission.skipped(item.stat, RULE, f"left out by the ignore rule {item.rule}")
        return self._admission.admit(self._name, item)

    def _moves(self, found: _Round) -> list[tuple[Known, Seen]]:
        """Files that left one path and came at another; not those that the new path treats differently."""
        if not found.gone or not found.new:
            return []
        by_path = {seen.stat.path: seen for seen in found.new}
        pairs = pair_moves(found.gone, [seen.stat for seen in found.new])
        return [
            (known, by_path[stat.path])
            for known, stat in pairs
            if self._admission.same_treatment(self._name, known.path, stat)
        ]

    async def _apply(
        self,
        *,
        new: list[Seen] | None = None,
        changed: list[tuple[Known, Seen]] | None = None,
        gone: list[Known] | None = None,
        moved: list[tuple[Known, Seen]] | None = None,
        priority: int,
    ) -> None:
        # A file that was itself renamed has another ctime: its digest tells that it is the same.
        touched = [(known, seen) for known, seen in moved or [] if known.ctime_ns != seen.stat.ctime_ns]
        async with self._index.changing:
            applied = await self._lane.write(
                changes.apply_changes,
                self._volume_id,
                new=new or [],
                changed=[(known.file_id, seen) for known, seen in [*(changed or []), *touched]],
                gone=[known.file_id for known in gone or []],
                moved=[(known.file_id, seen.stat.path) for known, seen in moved or []],
                priority=priority,
                now=self._clock.now(),
            )
            await self._index.drop_contents(applied.orphaned)
        if applied.to_read:
            self._work.to_read.set()
        for kind, count in (("file.seen", len(new or [])), ("file.gone", len(gone or []))):
            if count:
                self._hub.publish(kind, volume=self._name, files=count)


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
