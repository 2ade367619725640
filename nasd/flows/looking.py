"""One look at a volume, or at a part of it: what differs between disk and catalogue becomes rows and jobs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Set
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from nasd.clock import Clock, nanoseconds
from nasd.domain.files import RULE, FileStat, Volume
from nasd.flows.admission import Admission
from nasd.flows.alarm import Alarm
from nasd.flows.events import Hub
from nasd.flows.index import IndexCache
from nasd.flows.work import Work
from nasd.store import changes, queue
from nasd.store.changes import Seen
from nasd.store.lane import Lane
from nasd.watch.base import Hint, ScanProblem, Skipped
from nasd.watch.compare import Difference, Known, covered, differences, pair_moves
from nasd.watch.mounts import filesystem_type, stable_inodes
from nasd.watch.rules import Rules
from nasd.watch.scan import scan
from nasd.watch.settle import Settler

Believed = Callable[[], Awaitable[tuple[bytes, ...] | None]]
"""Looks whether a volume still is what it was: None when it is not, else the folders in it whose disk is
missing."""

Meanwhile = Callable[[], Awaitable[None]]
"""What is done between two parts of a long look, so that a file just saved does not wait for its end."""

MEANWHILE_S = 0.2  # between two such times, at least
BATCH = 500  # differences a transaction: about 40 ms, so that other writers get their turn
PAGE = 10_000  # known files held at once: a few megabytes
BUFFERED = 20_000  # differences held back to recognise moves and bursts; beyond that, new files are hashed


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What a look came to. With an `alarm`, which says what was seen, nothing more was committed. `known`: by
    how many more files are known since, as `changes.count_known` counts."""

    problems: tuple[ScanProblem, ...]
    known: int = 0
    gone: frozenset[bytes] = frozenset()
    alarm: str | None = None


@dataclass(slots=True)
class _Round:
    """One look: how it is done, and what was found and is not yet committed."""

    priority: int
    blind: frozenset[bytes]  # folders whose disk is missing, when that was last asked
    believed: Believed
    known_files: int | None
    meanwhile: Meanwhile | None
    meanwhile_at: float
    known: int = 0
    new: list[Seen] = field(default_factory=list)
    gone: list[Known] = field(default_factory=list)
    changed: list[tuple[Known, Seen]] = field(default_factory=list)
    unsettled: list[FileStat] = field(default_factory=list)
    problems: list[ScanProblem] = field(default_factory=list)
    alarm: str | None = None
    disbelieved: bool = False

    @property
    def stopped(self) -> bool:
        """Nothing more of it is committed."""
        return self.alarm is not None or self.disbelieved

    @property
    def any(self) -> bool:
        return bool(self.new or self.gone or self.changed)

    def look(self, gone: frozenset[bytes] = frozenset()) -> Look:
        return Look(problems=tuple(self.problems), known=self.known, gone=gone, alarm=self.alarm)


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
        self._walking: set[asyncio.Future[None]] = set()
        # Of its own, as walking waits for others to do something: for a look, and one made meanwhile.
        self._threads = ThreadPoolExecutor(2, thread_name_prefix=f"nasd-look-{volume.name}")

    async def take_up(self) -> None:
        """Has what was postponed while the volume was away read now."""
        await self._lane.write(queue.take_up, self._volume_id, self._clock.now())
        self._work.to_read.set()

    async def close(self) -> None:
        self._stop = True
        if self._walking:
            await asyncio.wait(self._walking)
        self._threads.shutdown(wait=False)

    async def look(
        self,
        hints: list[Hint],
        *,
        priority: int,
        blind: tuple[bytes, ...],
        believed: Believed,
        known_files: int | None,
        meanwhile: Meanwhile | None = None,
    ) -> Look:
        """Looks at what hints name and commits the differences: moves, changes, what is new, then what is
        gone. Nothing of a volume of which something is known is committed unless it is `believed` when asked
        after the disk was walked. `blind` are the folders known before to hide what is not mounted.

        `known_files` is how many files the catalogue holds of the volume: before anything but new files is
        committed, the alarm is asked whether it is a burst. None: the owner has accepted the volume as it is,
        nothing is asked. What is still being written is hinted again by itself instead.

        `meanwhile` may look at a part of the volume in between. What this look then commits may be older
        news, so that part has to be looked at again after it. Raises `DiskFull`.
        """
        if known_files is None:
            self._alarm.silence()
        found = _Round(
            priority=priority,
            blind=frozenset(blind),
            believed=believed,
            known_files=known_files,
            meanwhile=meanwhile,
            meanwhile_at=self._clock.monotonic(),
        )
        await self._walk(hints, found)
        moved = self._moves(found)
        if moved:
            ids = {known.file_id for known, _ in moved}
            paths = {seen.stat.path for _, seen in moved}
            found.gone = [known for known in found.gone if known.file_id not in ids]
            found.new = [seen for seen in found.new if seen.stat.path not in paths]
        if found.stopped or not (moved or found.any) or not await self._may_commit(found, found.gone, moved):
            return found.look()
        for start in range(0, len(moved), BATCH):
            await self._apply(found, moved=moved[start : start + BATCH])
        await self._add(found)
        for start in range(0, len(found.gone), BATCH):
            await self._apply(found, gone=found.gone[start : start + BATCH])
        return found.look(frozenset(known.path for known in found.gone))

    async def _may_commit(self, found: _Round, gone: list[Known], moved: list[tuple[Known, Seen]]) -> bool:
        """Asks the guard, then the alarm: a disk that went during the walk is no burst of changes. What was
        concluded of a part that could not be looked at is dropped."""
        blind = await found.believed()
        if blind is None:
            found.disbelieved = True
            return False
        found.blind = frozenset(blind)
        hidden = found.blind | {problem.path for problem in found.problems}
        found.gone = [known for known in found.gone if not covered(known.path, hidden)]
        await self._ask_alarm(found, [known for known in gone if not covered(known.path, hidden)], moved)
        return found.alarm is None

    async def _walk(self, hints: list[Hint], found: _Round) -> None:
        """Compares what hints name, one after the other, in a thread."""
        loop, blind = asyncio.get_running_loop(), found.blind

        def wait_for(work: Coroutine[Any, Any, None]) -> None:
            asyncio.run_coroutine_threadsafe(work, loop).result()

        def should_stop() -> bool:
            if not self._stop and self._has_time_passed(found):
                wait_for(self._meanwhile(found))
            return self._stop

        def walk() -> None:
            stable = stable_inodes(filesystem_type(self._path))
            for hint in hints:
                records = self._known(hint.path, loop)
                first = next(records, None)
                # Of a volume that is seen for the first time nothing can have moved: no need to hold back.
                first_time = first is None and hint.path == b""
                known = records if first is None else chain([first], records)
                seen = scan(self._path, self._rules, below=hint.path, should_stop=should_stop)
                for batch in _batches(differences(known, seen, blind=blind, trust_inodes=stable), BATCH):
                    wait_for(self._take(batch, found, closed=hint.closed, at_once=first_time))

        walking = loop.run_in_executor(self._threads, walk)
        self._walking.add(walking)
        walking.add_done_callback(self._walking.discard)
        await asyncio.shield(walking)

    def _has_time_passed(self, found: _Round) -> bool:
        return found.meanwhile is not None and self._clock.monotonic() - found.meanwhile_at >= MEANWHILE_S

    async def _meanwhile(self, found: _Round) -> None:
        if found.meanwhile is not None:
            await found.meanwhile()
        found.meanwhile_at = self._clock.monotonic()

    def _known(self, below: bytes, loop: asyncio.AbstractEventLoop) -> Iterator[Known]:
        """What the catalogue holds at or below a path, page by page, for a thread beside the loop."""
        after = b""
        while True:
            read = self._lane.read(changes.known_below, self._volume_id, below, after=after, limit=PAGE)
            page = asyncio.run_coroutine_threadsafe(read, loop).result()
            for one in page:
                yield Known(
                    path=one.path,
                    size=one.size,
                    mtime_ns=one.mtime_ns,
                    inode=one.inode,
                    file_id=one.id,
                    state=one.state,
                    ctime_ns=one.ctime_ns,
                    reason=one.reason,
                )
            if len(page) < PAGE:
                return
            after = page[-1].path

    async def _take(
        self,
        batch: list[Difference | ScanProblem],
        found: _Round,
        *,
        closed: bool,
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
        if found.stopped:
            found.new, found.changed = [], []
        elif at_once or (
            # What is gone so far may yet be found to have moved: of it the alarm is told at the end.
            len(found.new) + len(found.changed) > BUFFERED and await self._may_commit(found, [], [])
        ):
            await self._add(found)

    async def _ask_alarm(self, found: _Round, gone: list[Known], moved: list[tuple[Known, Seen]]) -> None:
        if found.known_files is not None and found.alarm is None:
            found.alarm = await self._alarm.raised(
                known_files=found.known_files,
                new=found.new,
                changed=found.changed,
                gone=gone,
                moved=moved,
                unsettled=found.unsettled,
                present=self._present,
            )

    def _present(self, inodes: Set[int]) -> list[FileStat]:
        """The files that have these, of all that are there now."""
        items = scan(self._path, self._rules, should_stop=lambda: self._stop)
        stats = (item.stat if isinstance(item, Skipped) else item for item in items)
        return [stat for stat in stats if isinstance(stat, FileStat) and stat.inode in inodes]

    async def _add(self, found: _Round) -> None:
        """Commits what changed and what is new."""
        for start in range(0, len(found.changed), BATCH):
            await self._apply(found, changed=found.changed[start : start + BATCH])
        for start in range(0, len(found.new), BATCH):
            await self._apply(found, new=found.new[start : start + BATCH])
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
        found: _Round,
        *,
        new: list[Seen] | None = None,
        changed: list[tuple[Known, Seen]] | None = None,
        gone: list[Known] | None = None,
        moved: list[tuple[Known, Seen]] | None = None,
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
                priority=found.priority,
                now=self._clock.now(),
            )
            await self._index.drop_contents(applied.orphaned)
        found.known += applied.known
        if applied.to_read:
            self._work.to_read.set()
        for kind, count in (("file.seen", len(new or [])), ("file.gone", len(gone or []))):
            if count:
                self._hub.publish(kind, volume=self._name, files=count)
        if self._has_time_passed(found):
            await self._meanwhile(found)


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
