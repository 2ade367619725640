"""One volume under watch: guarded, hinted at, scanned; and when it is looked at."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from nasd.clock import Clock
from nasd.config.quantities import Window
from nasd.domain.files import Volume, VolumeState
from nasd.errors import Conflict, DiskFull
from nasd.flows.events import Hub
from nasd.flows.looking import Look, Looking
from nasd.flows.schedule import next_scan
from nasd.store import changes, queue, volumes
from nasd.store.lane import Lane
from nasd.watch.base import Hint, Watcher
from nasd.watch.compare import RULE, covered
from nasd.watch.guard import judge, observe_volume
from nasd.watch.mounts import choose, filesystem_type
from nasd.watch.rules import Rules
from nasd.watch.settle import Settler

log = logging.getLogger(__name__)

FROZEN_LOOK_S = 5.0
DISK_FULL_S = 10.0
TOGETHER_S = 0.1
MOST_WITNESSED = 100_000
PROBLEMS_LOGGED = 20

LONGEST_REST_S = 3600.0

MakeWatcher = Callable[[Rules], Watcher]
Watching = Literal["events", "events+poll", "poll", "off"]
Cause = Literal["scan", "poll", "event", "read", "request", "guard"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wake:
    """When a volume was last touched, and why."""

    at: datetime
    cause: Cause


class VolumeWatch:
    """Runs as one task for each volume that is not paused; `run` ends only by cancellation. The volume is
    touched only when something is due: a hint, a scan, a poll, or a look whether a frozen one is back."""

    def __init__(
        self,
        volume: Volume,
        lane: Lane,
        hub: Hub,
        clock: Clock,
        *,
        rules: Rules,
        make_watcher: MakeWatcher,
        settler: Settler,
        looking: Looking,
        scan_every: timedelta,
        scan_window: Window | None = None,
    ) -> None:
        self.volume = volume
        self.rules = rules
        self.watching: Watching | None = None
        self.scanning = False
        self.wake: Wake | None = None
        self._lane = lane
        self._hub = hub
        self._clock = clock
        self._make_watcher = make_watcher
        self._settler = settler
        self._looking = looking
        self._scan_every = scan_every
        self._scan_window = scan_window
        self._watcher: Watcher | None = None
        self._called = asyncio.Event()
        self._guarding = asyncio.Lock()
        self._next_scan = clock.monotonic()
        self._next_poll = float("inf")  # of what is not watched
        self._next_guard = clock.monotonic()  # while frozen
        self._known_files = 0
        self._witnessed: set[bytes] = set()  # paths that events told to be gone
        self._blind: tuple[bytes, ...] = ()
        self._busy = False
        self._accepted = False  # by its owner, as it is: until a whole scan has taken it so
        self._limited: str | None = None  # why not all of it is watched
        self._fstype = ""

    @property
    def unsettled(self) -> int:
        """Hints that wait, and the look that is under way. Of a frozen volume nothing is awaited."""
        if self.volume.state is not VolumeState.ACTIVE:
            return int(self._busy)
        return len(self._settler) + int(self._busy or self._clock.monotonic() >= self._next_scan)

    @property
    def root(self) -> str | None:
        """The folder, while files in it may be read."""
        return self.volume.path if self.volume.state is VolumeState.ACTIVE else None

    def touched(self, cause: Cause) -> None:
        """The volume is about to be touched."""
        self.wake = Wake(at=self._clock.now(), cause=cause)

    def scan_soon(self) -> None:
        self._next_scan = self._clock.monotonic()
        self._called.set()

    async def run(self) -> None:
        try:
            await self.begin()
            while True:
                await self.step()
                await self._rest()
        finally:
            await self.end()

    async def begin(self) -> None:
        self._known_files = await self._lane.read(changes.count_known, self.volume.id)

    async def step(self) -> None:
        """Does what is due; without that, nothing."""
        if not self._is_due(self._clock.monotonic()) or not await self._guarded():
            return
        await self._watch()
        await self._look_at_hints()
        now = self._clock.monotonic()
        if self.volume.state is not VolumeState.ACTIVE:
            return
        if now >= self._next_scan:
            await self._scan_all()
        elif now >= self._next_poll:
            await self._poll_the_rest()

    async def end(self) -> None:
        await self._looking.close()
        await asyncio.to_thread(self._unwatch)

    def _is_due(self, now: float) -> bool:
        if self.volume.state is VolumeState.FROZEN:
            return self.volume.held is None and now >= self._next_guard
        hinted = self._settler.next_due()
        return (
            self.watching is None
            or now >= min(self._next_scan, self._next_poll)
            or (hinted is not None and hinted <= now)
            or (self._watcher is not None and self._watcher.trouble is not None)
        )

    async def _rest(self) -> None:
        """Until something is due or calls."""
        if self.volume.state is VolumeState.FROZEN:
            until = self._next_guard if self.volume.held is None else float("inf")
        else:
            due = self._settler.next_due()
            until = min(self._next_scan, self._next_poll, float("inf") if due is None else due)
        rest_s = max(0.0, until - self._clock.monotonic())
        with suppress(TimeoutError):
            async with asyncio.timeout(rest_s if rest_s < LONGEST_REST_S else LONGEST_REST_S):
                await self._called.wait()
        self._called.clear()

    # --- the guard ----------------------------------------------------------------------------------

    async def accept(self) -> None:
        """The owner says that the volume is meant to be as it is now: another disk, emptied, read-only, or
        after a burst of changes. It is scanned and taken so. Raises `Conflict` when there is nothing to take.
        """
        async with self._guarding:
            verdict = judge(None, await asyncio.to_thread(observe_volume, self.volume.path), 0)
            if verdict.frozen:
                raise Conflict(f"Volume {self.volume.name} cannot be accepted as it is. {verdict.detail}")
            self._accepted = True
            await self._change(state=VolumeState.ACTIVE, detail=None, held=None, identity=verdict.identity)
        self.scan_soon()

    async def _guarded(self) -> bool:
        """Whether this still is the volume that was added. Freezes and thaws it as that changes."""
        async with self._guarding:
            if self.volume.held is not None:
                return False
            if self.volume.state is VolumeState.FROZEN:
                self.touched("guard")
            observed = await asyncio.to_thread(observe_volume, self.volume.path)
            witnessed = 0
            if observed.empty and self._known_files and self._witnessed:
                known = await self._lane.read(changes.known_below, self.volume.id, b"")
                left = (one.path for one in known if one.reason != RULE)
                witnessed = sum(covered(path, self._witnessed) for path in left)
            if self._accepted:
                verdict = judge(None, observed, 0)
            else:
                verdict = judge(self.volume.identity, observed, self._known_files, witnessed=witnessed)
            self._blind = verdict.blind
            if verdict.frozen:
                self._next_guard = self._clock.monotonic() + FROZEN_LOOK_S
                assert verdict.detail is not None
                await self._freeze(verdict.detail, identity=verdict.identity)
            elif self.volume.state is VolumeState.FROZEN:
                await self._change(state=VolumeState.ACTIVE, detail=verdict.detail, identity=verdict.identity)
                self._next_scan = self._clock.monotonic()
                self._hub.publish("volume.active", volume=self.volume.name)
            elif self.volume.identity != verdict.identity:
                await self._change(detail=verdict.detail, identity=verdict.identity)
            return not verdict.frozen

    async def _hold(self, seen: str) -> None:
        """Freezes the volume for a burst of changes, until its owner accepts it."""
        async with self._guarding:
            await self._freeze(seen, held=seen)

    async def _freeze(self, detail: str, **values: str | None) -> None:
        if self.volume.state is not VolumeState.FROZEN:
            log.warning("volume %s is frozen: %s", self.volume.name, detail)
            self._hub.publish("volume.frozen", volume=self.volume.name, detail=detail)
        elif self.volume.detail == detail:
            return
        await self._change(state=VolumeState.FROZEN, detail=detail, **values)
        if self._watcher is not None:
            await asyncio.to_thread(self._unwatch)
        self._settler.clear()  # once it is back, all of it is scanned

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
        self._fstype = fstype
        self._limited, self._next_poll = None, float("inf")
        if self.watching == "events":
            await self._start_watcher()
        # What happened before the watches stood is found by a scan after them.
        self._next_scan = self._clock.monotonic()

    async def _start_watcher(self) -> None:
        watcher = self._make_watcher(self.rules)
        loop = asyncio.get_running_loop()

        def on_hint(hint: Hint) -> None:
            with suppress(RuntimeError):  # the loop has closed
                loop.call_soon_threadsafe(self._take_hint, hint)

        try:
            await asyncio.to_thread(watcher.start, self.volume.path, on_hint)
        except OSError as error:
            await self._poll_instead(error.strerror or str(error))
            return
        self._watcher, self._limited, self.watching = watcher, None, "events"
        await self._see_what_is_watched()

    async def _poll_instead(self, why: str) -> None:
        self.watching = "poll"
        self._limited = f"polled every {self.volume.poll_seconds} s: {why}"
        log.warning("volume %s is polled every %s s: %s", self.volume.name, self.volume.poll_seconds, why)
        await self._change(detail=self._limited)
        self._hub.publish("volume.polled", volume=self.volume.name, detail=why)
        self._next_scan = self._clock.monotonic()

    async def _see_what_is_watched(self) -> None:
        """Where watches ran out, what is without one is polled, and only that; the volume's detail tells."""
        watcher = self._watcher
        if watcher is None or not await asyncio.to_thread(lambda: watcher.unwatched):
            if self.watching == "events+poll":
                self.watching, self._limited, self._next_poll = "events", None, float("inf")
            return
        watched, left = watcher.watches, len(watcher.unwatched)
        self._limited = (
            f"{watched:,} folders are watched. For {left:,} more and what lies in them no watches are left "
            f"(half of fs.inotify.max_user_watches): they are polled every {self.volume.poll_seconds} s."
        )
        if self.watching != "events+poll":
            self.watching = "events+poll"
            self._next_poll = self._clock.monotonic() + self.volume.poll_seconds
            log.warning("volume %s: %s", self.volume.name, self._limited)
            self._hub.publish("volume.polled", volume=self.volume.name, detail=self._limited)
        await self._change(detail=self._limited)

    def _take_hint(self, hint: Hint) -> None:
        if hint.gone and len(self._witnessed) < MOST_WITNESSED:
            self._witnessed.add(hint.path)
        else:
            self._witnessed.discard(hint.path)
            if hint.tree and self._witnessed:  # something unheard of may have come back there
                self._witnessed = {path for path in self._witnessed if not covered(path, {hint.path})}
        self._settler.hint(hint, self._clock.monotonic())
        self._called.set()

    def _unwatch(self) -> None:
        watcher, self._watcher, self.watching = self._watcher, None, None
        if watcher is not None:
            watcher.stop()

    # --- looking at the disk --------------------------------------------------------------------------

    async def _look_at_hints(self) -> None:
        if self._watcher is not None and self._watcher.trouble is not None:
            trouble = self._watcher.trouble
            await asyncio.to_thread(self._unwatch)
            await self._poll_instead(trouble)
        # The two ends of a move are told a moment apart; looked at together they are known for what they are.
        hints = self._settler.due(self._clock.monotonic() + TOGETHER_S)
        if not hints:
            return
        self.touched("event")
        self._busy = True
        try:
            await self._look(hints, queue.FRESH)
        except DiskFull as error:
            log.error("%s", error)
            for hint in hints:
                self._settler.hint(hint, self._clock.monotonic())
            await asyncio.sleep(DISK_FULL_S)
        finally:
            self._busy = False

    async def _poll_the_rest(self) -> None:
        watcher = self._watcher
        if watcher is None:
            self._next_poll = float("inf")
            return
        self.touched("poll")
        self._busy = True
        try:
            await asyncio.to_thread(watcher.widen)
            unwatched = await asyncio.to_thread(lambda: watcher.unwatched)
            await self._look([Hint(path=path, tree=True) for path in unwatched], queue.BACKLOG)
            self._next_poll = self._clock.monotonic() + self.volume.poll_seconds
            await self._see_what_is_watched()
        except DiskFull as error:
            log.error("%s", error)
            self._next_poll = self._clock.monotonic() + DISK_FULL_S
        finally:
            self._busy = False

    async def _scan_all(self) -> None:
        self.touched("scan" if self.watching != "poll" else "poll")
        self.scanning = self._busy = True
        began = self._clock.monotonic()
        try:
            await self._looking.take_up()
            if self.watching == "poll" and choose(self.volume.watch, self._fstype) == "events":
                await self._start_watcher()  # it broke down before, and may be had again
            # A watched volume's files that just changed have hints of their own, before the backlog.
            look = await self._look([Hint(path=b"", tree=True)], queue.BACKLOG)
            if look.alarm is not None:
                return
            for problem in look.problems[:PROBLEMS_LOGGED]:
                log.warning("volume %s: %s", self.volume.name, problem.detail)
            await self._see_what_is_watched()
            detail = look.problems[0].detail if look.problems else self._limited
            whole = not any(problem.path == b"" for problem in look.problems)
            done = {"last_scan": self._clock.now()} if whole else {}
            await self._change(detail=detail, **done)
            if whole:
                self._accepted = False
            took_ms = round((self._clock.monotonic() - began) * 1000)
            problems = len(look.problems)
            self._hub.publish("scan.done", volume=self.volume.name, took_ms=took_ms, problems=problems)
            self._next_scan = self._clock.monotonic() + self._until_next_scan()
        except DiskFull as error:
            log.error("%s", error)
            self._next_scan = self._clock.monotonic() + DISK_FULL_S
        finally:
            self.scanning = self._busy = False

    def _until_next_scan(self) -> float:
        if self.watching == "poll":
            return float(self.volume.poll_seconds)
        return next_scan(self._clock.now(), self._scan_every, self._scan_window).total_seconds()

    async def _look(self, hints: list[Hint], priority: int) -> Look:
        look = await self._looking.look(
            hints,
            priority=priority,
            blind=self._blind,
            believed=self._guarded,
            known_files=None if self._accepted else self._known_files,
        )
        self._known_files = await self._lane.read(changes.count_known, self.volume.id)
        self._witnessed -= look.gone
        if look.alarm is not None:
            await self._hold(look.alarm)
        return look
