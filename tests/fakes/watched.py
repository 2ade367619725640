"""One volume under watch, in this process: the real watch, look, catalogue and reading over a real folder,
with a reader that only decodes, a clock that can be moved, and hints that can be lost or doubled."""

from __future__ import annotations

import asyncio
import os
import shutil
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal
from unittest.mock import patch

from blake3 import blake3
from watchdog.observers.inotify_c import InotifyConstants, InotifyEvent, Mask, WatchDescriptor

from nasd.domain.files import FileState, VolumeState, WatchMode
from nasd.domain.jobs import JobKind
from nasd.domain.passages import Block, Document
from nasd.errors import Conflict
from nasd.extract.base import SmallText
from nasd.extract.kinds import HEAD_BYTES, kind_of, sniff
from nasd.flows import looking, standing
from nasd.flows.admission import Admission
from nasd.flows.alarm import Alarm
from nasd.flows.events import Hub
from nasd.flows.index import IndexCache
from nasd.flows.looking import Looking
from nasd.flows.members import Unpacking
from nasd.flows.reading import Reading
from nasd.flows.watching import VolumeWatch
from nasd.flows.work import Work
from nasd.store import contents, files, queue, volumes
from nasd.store.lane import Lane
from nasd.store.upgrade import database_path, upgrade
from nasd.watch.base import Hint, Skipped
from nasd.watch.budget import WatchBudget
from nasd.watch.guard import Observed, observe_volume
from nasd.watch.rules import Rules
from nasd.watch.scan import scan
from nasd.watch.settle import Settler
from nasd.watch.watchdog_source import WatchdogWatcher
from tests.fakes.index import DictIndex

PATIENCE_S = 30.0
POLL_S = 300
MARKER = b".marker-of-the-test-"
Passing = Literal["as they come", "lost", "doubled"]


class Killed(Exception):
    """What the process does not survive."""


class ShiftedClock:
    """The machine's clock, moved ahead."""

    def __init__(self) -> None:
        self.ahead_s = 0.0

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self.ahead_s)

    def monotonic(self) -> float:
        return time.monotonic() + self.ahead_s


class LossyWatcher:
    """Real events; `passing` decides what becomes of the hints. `barrier` returns when all events until now
    have been told."""

    def __init__(self, inner: WatchdogWatcher, passing: Callable[[], Passing]) -> None:
        self._inner = inner
        self._passing = passing
        self._root = ""
        self._markers = 0
        self._awaited: bytes | None = None
        self._came = threading.Event()

    @property
    def trouble(self) -> str | None:
        return self._inner.trouble

    @property
    def watches(self) -> int:
        return self._inner.watches

    @property
    def unwatched(self) -> tuple[bytes, ...]:
        return self._inner.unwatched

    def widen(self) -> None:
        self._inner.widen()

    def start(self, root: str, on_hint: Callable[[Hint], None]) -> None:
        self._root = root

        def pass_on(hint: Hint) -> None:
            if hint.path.startswith(MARKER):
                if hint.path == self._awaited and hint.gone:
                    self._came.set()
                return
            for _ in range({"lost": 0, "doubled": 2}.get(self._passing(), 1)):
                on_hint(hint)

        self._inner.start(root, pass_on)

    def stop(self) -> None:
        self._inner.stop()

    def overflow(self) -> None:
        """As when the kernel's queue was too short."""
        inotify = self._inner._inotify
        assert inotify is not None
        inotify.handle_event(InotifyEvent(WatchDescriptor(-1), Mask(InotifyConstants.IN_Q_OVERFLOW), 0, b""))

    def barrier(self) -> None:
        self._markers += 1
        self._came.clear()
        self._awaited = MARKER + str(self._markers).encode()
        marker = os.path.join(os.fsencode(self._root), self._awaited)
        os.close(os.open(marker, os.O_CREAT | os.O_WRONLY))
        os.unlink(marker)
        assert self._came.wait(PATIENCE_S), "inotify told nothing"


class DecodingReader:
    """An extractor that takes every file for text and counts what it is asked for."""

    def __init__(self) -> None:
        self.read: Counter[str] = Counter()  # by digest

    def extract(self, fd: int, *, name: str, kind: str) -> Document:
        return self._decode(os.pread(fd, 1 << 20, 0), kind)

    def extract_texts(self, texts: Sequence[SmallText]) -> list[Document | None]:
        return [self._decode(text.data, text.kind) for text in texts]

    def warm_up(self) -> None:
        """Nothing is to be made ready."""

    def _decode(self, data: bytes, kind: str) -> Document:
        self.read[blake3(data).hexdigest()] += 1
        text = data.decode("utf-8", "replace").strip()
        return Document(blocks=(Block(text=text),) if text else (), reader=f"{kind}/1")

    def close(self) -> None:
        """Nothing is open."""


class NoModel:
    """Words alone."""

    max_tokens = 256
    fingerprint = None

    def count_tokens(self, text: str) -> int:
        return len(text.split())


class Watched:
    """`root` is the volume. What `open` makes is dropped by `drop`; the folder and the catalogue stay."""

    def __init__(self, ground: Path, *, catalogue: Path, watches: int = 1000) -> None:
        """`catalogue`: a state folder with an empty database, to start with a copy of it."""
        self.root = ground / "volume"
        self.state_dir = ground / "state"
        self.root.mkdir(parents=True)
        shutil.copytree(catalogue, self.state_dir)
        self.clock = ShiftedClock()
        self.reader = DecodingReader()
        self.passing: Passing = "as they come"
        self.disk = "disk one"  # whose identity is found at the path
        self.kill_at: tuple[int, bool] | None = None  # after how many commits; before or after the last
        self.kills = 0
        self._watches = watches
        self._watcher: LossyWatcher | None = None
        self._reading: asyncio.Task[None] | None = None

    # --- the process ----------------------------------------------------------------------------------

    async def open(self) -> None:
        """As a daemon starts."""
        self._loop, self._thread = asyncio.get_running_loop(), threading.get_ident()
        self.kill_at = None
        self.lane = Lane(database_path(self.state_dir), commit_point=self._commit_point)
        await self.lane.write(queue.recover, self.clock.now())
        known = await self.lane.read(volumes.all_volumes)
        volume = known[0] if known else await self._add()
        hub, work = Hub(self.clock), Work(self.clock)
        index = IndexCache(
            self.lane, hub, self.state_dir / "index", load=DictIndex.load, empty=DictIndex.empty
        )
        admission, rules, settler = Admission((), self.clock), Rules.build(), Settler()
        budget = WatchBudget(self._watches)

        def make_watcher(rules: Rules) -> LossyWatcher:
            self._watcher = LossyWatcher(WatchdogWatcher(rules, budget=budget), lambda: self.passing)
            return self._watcher

        self.watch = VolumeWatch(
            volume,
            self.lane,
            hub,
            self.clock,
            rules=rules,
            make_watcher=make_watcher,
            settler=settler,
            looking=Looking(
                *(volume, self.lane, hub, index, work, self.clock),
                *(admission, rules, settler, Alarm(volume.path, self.clock)),
            ),
            scan_every=timedelta(days=1),
        )
        models: Any = NoModel()
        extractor: Any = self.reader
        reading = Reading(
            self.lane,
            hub,
            models,
            index,
            extractor,
            Unpacking(self.lane, extractor, admission, self.clock, rules_of=lambda volume_id: rules),
            work,
            self.clock,
            root_of=lambda volume_id: self.watch.root,
            believed=lambda volume_id: self.watch.is_believed(),
            max_file=1 << 30,
        )
        await self.watch.begin()
        self._work = work
        self._reading = asyncio.create_task(reading.run())

    async def _add(self) -> Any:
        return await self.lane.write(
            volumes.add_volume,
            name="home",
            path=str(self.root),
            watch=WatchMode.EVENTS,
            poll_seconds=POLL_S,
            ignore=(),
            source="api",
            identity=None,
            now=self.clock.now(),
        )

    async def drop(self) -> None:
        """Everything in memory is lost."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.wait([self._reading])
            with suppress(asyncio.CancelledError):
                self._reading.exception()
        await self.watch.end()
        await self.lane.close()

    def _commit_point(self, name: str, done: bool) -> None:
        if self.kill_at is None:
            return
        left, after = self.kill_at
        if left <= 0 and done == after:
            self.kill_at = (0, done)
            raise Killed
        if done:
            self.kill_at = (left - 1, after)

    # --- time passes ------------------------------------------------------------------------------------

    def told(self) -> None:
        """Waits until what was done so far has been told by events; beside the loop, until it has heard."""
        watcher = self._watcher
        if watcher is not None and self.watch.watching in ("events", "events+poll") and not watcher.trouble:
            watcher.barrier()
            if threading.get_ident() != self._thread:
                asyncio.run_coroutine_threadsafe(asyncio.sleep(0), self._loop).result(PATIENCE_S)

    def overflow(self) -> None:
        if self._watcher is not None and self.watch.watching in ("events", "events+poll"):
            self._watcher.overflow()

    async def settle(self, *, scan: bool = False) -> None:
        """Until nothing is left to do, however long that takes; raises `Killed` when the process is."""
        if scan:  # as `Volumes.scan` does
            failed = await self.lane.read(files.failed_ids, self.watch.volume.id)
            await self.lane.write(queue.wake_parked, JobKind.READ, failed, self.clock.now())
            self.watch.scan_soon()
        for _ in range(100):
            await asyncio.sleep(0)  # hints come in from their thread
            self.clock.ahead_s += POLL_S + 1.0
            await self.watch.step()
            put_off = await self._read_all()
            if not self.watch.unsettled and not put_off:
                return
        waiting = sorted(self.watch._settler._waiting)
        raise AssertionError(f"it never settled: {self.watch.watching}, {waiting}, {self.watch.volume}")

    async def _read_all(self) -> int:
        """How many files then wait for a later attempt."""
        if self.watch.volume.state is not VolumeState.ACTIVE:
            return 0
        deadline = time.monotonic() + PATIENCE_S
        while True:
            counts = await self.lane.read(queue.count_jobs, self.clock.now())
            if self._reading is not None and self._reading.done():
                self._reading.result()
            if not counts.read:
                return counts.retry
            if time.monotonic() > deadline:
                raise AssertionError("reading never ended")
            self._work.to_read.set()
            await asyncio.sleep(0.0005)

    async def accept(self) -> None:
        with suppress(Conflict):
            await self.watch.accept()

    # --- the two sides ----------------------------------------------------------------------------------

    async def catalogue(self) -> dict[bytes, tuple[object, ...]]:
        """What is known: by path, its stat and what became of it."""
        known = {}
        for file in await self.lane.read(files.page_files, limit=100_000):
            content = None
            if file.content_id is not None:
                content = await self.lane.read(contents.content_by_id, file.content_id)
            outcome = content.digest if content and file.state is FileState.INDEXED else file.reason
            known[file.path] = (
                file.size,
                file.mtime_ns,
                file.inode,
                file.ctime_ns,
                file.state.value,
                outcome,
            )
        return known

    def on_disk(self) -> dict[bytes, tuple[object, ...]]:
        """What has to be known."""
        expected: dict[bytes, tuple[object, ...]] = {}
        for item in scan(str(self.root), Rules.build()):
            skipped = isinstance(item, Skipped)
            stat: Any = item.stat if isinstance(item, Skipped) else item
            data = (self.root / os.fsdecode(stat.path)).read_bytes()
            outcome = ("indexed", blake3(data).hexdigest())
            if skipped:
                outcome = ("skipped", "rule")
            elif sniff(data[:HEAD_BYTES], kind_of(stat.path).name) == "binary":
                outcome = ("skipped", "unsupported")
            expected[stat.path] = (stat.size, stat.mtime_ns, stat.inode, stat.ctime_ns, *outcome)
        return expected


def observe_as(world: Callable[[], Watched]) -> Callable[[str], Observed]:
    """`observe_volume`, which finds the identity of the world's disk."""

    def observe(path: str) -> Observed:
        observed = observe_volume(path)
        return replace(observed, identity=world().disk) if observed.identity else observed

    return observe


def empty_catalogue(folder: Path) -> Path:
    """A state folder with an empty database, which is quicker copied than made."""
    folder.mkdir(parents=True)
    upgrade(folder, datetime.now(UTC))
    return folder


@contextmanager
def while_scanning(at: int, change: Callable[[], None]) -> Iterator[None]:
    """The next walk over a disk is interrupted once, by `change`, before its entry number `at` (or at its
    end) is told."""
    walk, left = vars(looking)["scan"], [change]

    def interrupted(*arguments: Any, **named: Any) -> Iterator[Any]:
        for number, item in enumerate(walk(*arguments, **named)):
            if number >= at and left:
                left.pop()()
            yield item
        if left:
            left.pop()()

    with patch("nasd.flows.looking.scan", interrupted):
        yield


def patched_observation(world: Callable[[], Watched]) -> Iterator[None]:
    """While it runs, the guard finds the world's disk."""
    before = standing.observe_volume
    standing.observe_volume = observe_as(world)  # type: ignore[assignment]
    try:
        yield
    finally:
        standing.observe_volume = before
