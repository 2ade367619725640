"""The volumes of this daemon: which there are, and the watch over each."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable, Sequence
from pathlib import Path

from nasd import render, wire
from nasd.clock import Clock
from nasd.config import VolumeSettings
from nasd.domain.files import Volume, VolumeState, WatchMode
from nasd.domain.jobs import JobKind
from nasd.domain.search import Coverage
from nasd.errors import InvalidRequest
from nasd.flows.coverage import CoverageCounter
from nasd.flows.events import Hub
from nasd.flows.index import IndexCache
from nasd.flows.standing import Cause
from nasd.flows.watching import VolumeWatch
from nasd.flows.work import Work
from nasd.store import files, queue, volumes
from nasd.store.lane import Lane
from nasd.watch.guard import check_new_volume
from nasd.watch.mounts import MountTable, read_mounts
from nasd.watch.rules import Rules

log = logging.getLogger(__name__)

MOUNTS_TOGETHER_S = 0.1  # one that replaces another is looked at once
FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 60.0

MakeWatch = Callable[[Volume], VolumeWatch]


class Volumes:
    """`run` keeps one task for each volume that is not paused."""

    def __init__(
        self,
        lane: Lane,
        hub: Hub,
        index: IndexCache,
        coverage: CoverageCounter,
        work: Work,
        clock: Clock,
        *,
        configured: Sequence[VolumeSettings],
        state_dir: Path,
        make_watch: MakeWatch,
    ) -> None:
        self._lane = lane
        self._hub = hub
        self._index = index
        self._coverage = coverage
        self._work = work
        self._clock = clock
        self._configured = configured
        self._state_dir = state_dir
        self._make_watch = make_watch
        self._watches: dict[str, VolumeWatch] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._failures: dict[str, int] = {}
        self._again_at: dict[str, float] = {}  # watches that died, and when they start anew
        self._changing = asyncio.Lock()
        work.unsettled = self._unsettled
        work.scanning = lambda: sum(watch.scanning for watch in self._watches.values())

    def root_of(self, volume_id: int, cause: Cause = "read") -> str | None:
        """Where a volume's files may be read now, or None while it is paused or frozen. Whoever asks goes on
        to touch the volume, which is noted."""
        for watch in self._watches.values():
            if watch.volume.id == volume_id:
                if watch.root is not None:
                    watch.touched(cause)
                return watch.root
        return None

    def rules_of(self, name: str) -> Rules:
        """The ignore rules of a volume's root; those that are built in when it is not watched."""
        watch = self._watches.get(name)
        return watch.rules if watch is not None else Rules.build()

    def watch_of(self, name: str) -> VolumeWatch | None:
        return self._watches.get(name)

    async def believed(self, volume_id: int) -> bool:
        """Looks whether a volume, of which a file could not be read, still is what it was: its disk may just
        have gone. False, too, while it is paused."""
        for watch in list(self._watches.values()):
            if watch.volume.id == volume_id:
                return await watch.is_believed()
        return False

    # --- the service --------------------------------------------------------------------------------

    async def prepare(self) -> None:
        """Before anything starts: makes the catalogue's volumes agree with the configuration, which wins.

        Raises `ConfigError` or its like for a configured volume that cannot be one.
        """
        there = {volume.name: volume for volume in await self._lane.read(volumes.all_volumes)}
        for wanted in self._configured:
            known = there.get(wanted.name)
            path = str(wanted.path)
            values = {
                "watch": wanted.watch,
                "poll_seconds": wanted.poll_seconds,
                "ignore": list(wanted.ignore),
                "source": "file",
            }
            if known is None:
                others = [(one.name, one.path) for one in there.values()]
                real = await asyncio.to_thread(check_new_volume, path, str(self._state_dir), others)
                there[wanted.name] = await self._lane.write(
                    volumes.add_volume,
                    name=wanted.name,
                    path=real,
                    watch=WatchMode(wanted.watch),
                    poll_seconds=wanted.poll_seconds,
                    ignore=wanted.ignore,
                    source="file",
                    identity=None,
                    now=self._clock.now(),
                )
                continue
            real = str(Path(path).resolve())
            if real != known.path:
                values |= {"path": real}  # the same volume, found elsewhere: the guard sees whether it is
            await self._lane.write(volumes.change_volume, known.id, values)
        names = {wanted.name for wanted in self._configured}
        for volume in there.values():
            if volume.source == "file" and volume.name not in names:
                # Taken out of the file: it stops being watched, and is forgotten only by command.
                paused = {"source": "api", "state": VolumeState.PAUSED.value}
                await self._lane.write(volumes.change_volume, volume.id, paused)
                log.warning(
                    "volume %s is no longer in the configuration: paused; `nasd volume remove %s` forgets it",
                    volume.name,
                    volume.name,
                )

        # Known before any reader asks where a volume's files may be read.
        for volume in await self._lane.read(volumes.all_volumes):
            if volume.state is not VolumeState.PAUSED:
                self._watches[volume.name] = self._make_watch(volume)

    async def run(self) -> None:
        for watch in list(self._watches.values()):
            self._begin(watch.volume)  # a watch runs once; this service may start again
        try:
            while True:
                await asyncio.sleep(1.0)
                for name, task in list(self._tasks.items()):
                    if task.done() and not task.cancelled():
                        self._mourn(name, task)
                for name, at in list(self._again_at.items()):
                    if at <= self._clock.monotonic():
                        self._begin(self._watches[name].volume)
        finally:
            for task in self._tasks.values():
                task.cancel()
            await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def hear_of_mounts(self) -> None:
        """Tells each watch when something is mounted or unmounted at its volume, which no event of a folder
        tells in time, or at all. Touches no volume."""
        try:
            table = MountTable()
        except OSError as error:
            log.warning("the mounts of this machine cannot be followed: %s", error.strerror or error)
            await asyncio.Event().wait()  # volumes are looked at whenever they are used, all the same
            return
        changed, loop = asyncio.Event(), asyncio.get_running_loop()

        def hear() -> None:
            table.heard()
            changed.set()

        loop.add_reader(table.fileno(), hear)
        try:
            while True:
                await changed.wait()
                await asyncio.sleep(MOUNTS_TOGETHER_S)
                changed.clear()
                mounts = await asyncio.to_thread(read_mounts)
                for watch in list(self._watches.values()):
                    watch.mounts_changed(mounts)
        finally:
            loop.remove_reader(table.fileno())
            table.close()

    def _begin(self, volume: Volume) -> None:
        watch = self._make_watch(volume)
        self._watches[volume.name] = watch
        self._again_at.pop(volume.name, None)
        self._tasks[volume.name] = asyncio.create_task(watch.run(), name=f"volume {volume.name}")

    def _mourn(self, name: str, task: asyncio.Task[None]) -> None:
        """A watch that died is news, and starts anew: each time later, if it dies again and again."""
        del self._tasks[name]
        pause = min(FIRST_PAUSE_S * 2 ** self._failures.get(name, 0), LONGEST_PAUSE_S)
        self._failures[name] = self._failures.get(name, 0) + 1
        self._again_at[name] = self._clock.monotonic() + pause
        words = "the watch of volume %s failed and starts again in %.0f s"
        log.error(words, name, pause, exc_info=task.exception())
        self._hub.publish("volume.restarted", volume=name, detail=str(task.exception()))

    async def _end(self, name: str) -> None:
        self._watches.pop(name, None)
        self._again_at.pop(name, None)
        self._failures.pop(name, None)
        task = self._tasks.pop(name, None)
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def _unsettled(self) -> int:
        return sum(watch.unsettled for watch in self._watches.values())

    # --- what people ask for --------------------------------------------------------------------------

    async def list(self) -> Sequence[wire.VolumeOut]:
        counts = await self._coverage.by_volume()
        return [
            self._out(volume, counts[volume.id].coverage, counts[volume.id].size)
            if volume.id in counts
            else self._out(volume, Coverage(), 0)
            for volume in await self._lane.read(volumes.all_volumes)
        ]

    async def get(self, name: str) -> wire.VolumeOut:
        volume = await self._lane.read(volumes.volume_named, name)
        counts = (await self._coverage.by_volume(fresh=True)).get(volume.id)
        return self._out(volume, counts.coverage if counts else Coverage(), counts.size if counts else 0)

    def _out(self, volume: Volume, coverage: Coverage, size: int) -> wire.VolumeOut:
        watch = self._watches.get(volume.name)
        return wire.VolumeOut(
            name=volume.name,
            path=volume.path,
            state=volume.state.value,
            detail=volume.detail,
            source="file" if volume.source == "file" else "api",
            watch=volume.watch.value,
            watching=watch.watching if watch else None,
            poll_seconds=volume.poll_seconds,
            ignore=list(volume.ignore),
            scanning=bool(watch and watch.scanning),
            last_scan=volume.last_scan,
            last_wake=watch.wake.at if watch and watch.wake else None,
            last_wake_cause=watch.wake.cause if watch and watch.wake else None,
            added=volume.added,
            coverage=render.coverage_out(coverage),
            size=size,
        )

    async def add(self, wanted: wire.VolumeIn) -> wire.VolumeOut:
        async with self._changing:
            there = await self._lane.read(volumes.all_volumes)
            names = [(volume.name, volume.path) for volume in there]
            real = await asyncio.to_thread(check_new_volume, wanted.path, str(self._state_dir), names)
            Rules.build(wanted.ignore)  # raises for a rule that could never match
            name = wanted.name or free_name(real, {volume.name for volume in there})
            volume = await self._lane.write(
                volumes.add_volume,
                name=name,
                path=real,
                watch=WatchMode(wanted.watch),
                poll_seconds=wanted.poll_seconds,
                ignore=wanted.ignore,
                source="api",
                identity=None,
                now=self._clock.now(),
            )
            self._begin(volume)
        self._hub.publish("volume.added", volume=name, path=real)
        return await self.get(name)

    async def remove(self, name: str) -> None:
        async with self._changing:
            volume = await self._lane.read(volumes.volume_named, name)
            self._refuse_configured(
                volume, "Take it out of the file instead; what was learned stays till then."
            )
            await self._end(name)
            async with self._index.changing:
                removed = await self._lane.write(volumes.remove_volume, volume.id, self._clock.now())
                await self._index.drop_contents(removed.orphaned)
        self._hub.publish("volume.removed", volume=name)

    async def pause(self, name: str) -> wire.VolumeOut:
        async with self._changing:
            volume = await self._lane.read(volumes.volume_named, name)
            await self._end(name)
            await self._lane.write(
                volumes.change_volume, volume.id, {"state": VolumeState.PAUSED.value, "detail": None}
            )
        self._hub.publish("volume.paused", volume=name)
        return await self.get(name)

    async def resume(self, name: str) -> wire.VolumeOut:
        """Takes up a paused volume; accepts a frozen one as it is now. `Conflict` when that cannot be, as for
        a folder that is missing."""
        async with self._changing:
            volume = await self._lane.read(volumes.volume_named, name)
            accepted = volume.state is VolumeState.FROZEN or volume.held is not None
            if volume.state is VolumeState.PAUSED:
                await self._lane.write(volumes.change_volume, volume.id, {"state": VolumeState.ACTIVE.value})
                self._begin(await self._lane.read(volumes.volume_named, name))
            if accepted:
                await self._watches[name].accept()
        self._hub.publish("volume.active", volume=name)
        return await self.get(name)

    async def scan(self, name: str) -> wire.VolumeOut:
        volume = await self._lane.read(volumes.volume_named, name)
        if volume.state is VolumeState.PAUSED:
            raise InvalidRequest(f"Volume {name} is paused.", cure=f"`nasd volume resume {name}` first.")
        failed = await self._lane.read(files.failed_ids, volume.id)
        await self._lane.write(queue.wake_parked, JobKind.READ, failed, self._clock.now())
        self._work.to_read.set()
        watch = self._watches.get(name)
        if watch is not None:
            watch.scan_soon()
        return await self.get(name)

    def _refuse_configured(self, volume: Volume, cure: str) -> None:
        if volume.source == "file":
            raise InvalidRequest(
                f"Volume {volume.name} is set in the configuration file, which wins.", cure=cure
            )


def free_name(path: str, taken: set[str]) -> str:
    """A name for a volume from its folder's, with a number when that is taken."""
    base = re.sub(r"[^A-Za-z0-9._-]+", "-", Path(path).name).strip("-._") or "volume"
    base = base[:50]
    name, number = base, 2
    while name in taken:
        name, number = f"{base}-{number}", number + 1
    return name
