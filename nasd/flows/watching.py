"""One volume under watch: guarded, hinted at, scanned; and when it is looked at."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Literal

from nasd.clock import Clock
from nasd.config.quantities import Window
from nasd.domain.files import Volume
from nasd.errors import DiskFull
from nasd.flows.events import Hub
from nasd.flows.looking import Look, Looking, Meanwhile
from nasd.flows.schedule import next_scan
from nasd.flows.standing import Cause, Standing, Wake
from nasd.store import queue
from nasd.store.lane import Lane
from nasd.watch.base import Hint, Watcher
from nasd.watch.mounts import Mount, choose, filesystem_type
from nasd.watch.rules import Rules
from nasd.watch.settle import Settler

log = logging.getLogger(__name__)

SCAN_AGAIN_S = 60.0  # after one that was broken off, and ever later
DISK_FULL_S = 10.0
TOGETHER_S = 0.1
PROBLEMS_LOGGED = 20
MOST_LOOKED_AT = 20_000  # parts, beyond which the whole volume is to be looked at again

LONGEST_REST_S = 3600.0

MakeWatcher = Callable[[Rules], Watcher]
Watching = Literal["events", "events+poll", "poll", "off"]


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
        self.standing = Standing(volume, lane, hub, clock, on_frozen=self._be_still)
        self.rules = rules
        self.watching: Watching | None = None
        self.scanning = False
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
        self._next_scan = clock.monotonic()
        self._next_poll = float("inf")  # of what is not watched
        self._broken_off = 0  # scans, one after the other
        self._busy = False
        self._looked_at: dict[bytes, Hint] = {}  # while a longer look was under way
        self._fstype = ""

    @property
    def volume(self) -> Volume:
        return self.standing.volume

    @property
    def wake(self) -> Wake | None:
        return self.standing.wake

    @property
    def unsettled(self) -> int:
        """Hints that wait, and the look that is under way. Of a frozen volume nothing is awaited."""
        if not self.standing.active:
            return int(self._busy)
        return len(self._settler) + int(self._busy or self._clock.monotonic() >= self._next_scan)

    @property
    def root(self) -> str | None:
        """The folder, while files in it may be read."""
        return self.volume.path if self.standing.active else None

    def touched(self, cause: Cause) -> None:
        """The volume is about to be touched."""
        self.standing.touched(cause)

    def scan_soon(self) -> None:
        self._next_scan = self._clock.monotonic()
        self._called.set()

    def mounts_changed(self, mounts: Sequence[Mount]) -> None:
        """The machine's mounts are now these: if that is news for this volume, it is looked at."""
        if self.standing.mounts_changed(mounts):
            self._called.set()

    async def is_believed(self) -> bool:
        """Looks whether this still is the volume that was added."""
        believed = await self.standing.is_believed()
        self._called.set()  # it may be frozen since, or thawed
        return believed

    async def accept(self) -> None:
        """The owner takes the volume as it is now, and it is scanned; `Standing.accept` says more."""
        await self.standing.accept()
        self.scan_soon()

    async def run(self) -> None:
        try:
            await self.begin()
            while True:
                await self.step()
                await self._rest()
        finally:
            await self.end()

    async def begin(self) -> None:
        await self.standing.begin()

    async def step(self) -> None:
        """Does what is due; without that, nothing."""
        if not self._is_due(self._clock.monotonic()) or not await self.standing.is_believed():
            return
        if self.standing.stale:
            self.standing.stale = False
            self._next_scan = self._clock.monotonic()
        await self._watch()
        await self._look_at_hints()
        now = self._clock.monotonic()
        if not self.standing.active:
            return
        if now >= self._next_scan:
            await self._scan_all()
        elif now >= self._next_poll:
            await self._poll_the_rest()

    async def end(self) -> None:
        await self._looking.close()
        await asyncio.to_thread(self._unwatch)

    def _is_due(self, now: float) -> bool:
        if not self.standing.active:
            return now >= self.standing.due
        hinted = self._settler.next_due()
        return (
            self.watching is None
            or self.standing.remounted
            or self.standing.stale
            or now >= min(self._next_scan, self._next_poll)
            or (hinted is not None and hinted <= now)
            or (self._watcher is not None and self._watcher.trouble is not None)
        )

    async def _rest(self) -> None:
        """Until something is due or calls."""
        if not self.standing.active:
            until = self.standing.due
        else:
            due = self._settler.next_due()
            until = min(self._next_scan, self._next_poll, float("inf") if due is None else due)
        rest_s = max(0.0, until - self._clock.monotonic())
        with suppress(TimeoutError):
            async with asyncio.timeout(rest_s if rest_s < LONGEST_REST_S else LONGEST_REST_S):
                await self._called.wait()
        self._called.clear()

    async def _be_still(self) -> None:
        """Of a frozen volume nothing is awaited: once it is back, all of it is scanned."""
        if self._watcher is not None:
            await asyncio.to_thread(self._unwatch)
        self._settler.clear()

    # --- hints --------------------------------------------------------------------------------------

    async def _watch(self) -> None:
        """Starts the watcher, once; where events cannot be had, polling takes their place, visibly."""
        if self.watching is not None:
            return
        fstype = await asyncio.to_thread(filesystem_type, self.volume.path)
        self.watching = choose(self.volume.watch, fstype)
        self._fstype = fstype
        self.standing.limited, self._next_poll = None, float("inf")
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
        self._watcher, self.standing.limited, self.watching = watcher, None, "events"
        await self._see_what_is_watched()

    async def _poll_instead(self, why: str) -> None:
        self.watching = "poll"
        self.standing.limited = f"polled every {self.volume.poll_seconds} s: {why}"
        log.warning("volume %s is polled every %s s: %s", self.volume.name, self.volume.poll_seconds, why)
        await self.standing.change(detail=self.standing.limited)
        self._hub.publish("volume.polled", volume=self.volume.name, detail=why)
        self._next_scan = self._clock.monotonic()

    async def _see_what_is_watched(self) -> None:
        """Where watches ran out, what is without one is polled, and only that; the volume's detail tells."""
        watcher = self._watcher
        if watcher is None or not await asyncio.to_thread(lambda: watcher.unwatched):
            if self.watching == "events+poll":
                self.watching, self.standing.limited, self._next_poll = "events", None, float("inf")
            return
        watched, left = watcher.watches, len(watcher.unwatched)
        self.standing.limited = (
            f"{watched:,} folders are watched. For {left:,} more and what lies in them no watches are left "
            f"(half of fs.inotify.max_user_watches): they are polled every {self.volume.poll_seconds} s."
        )
        if self.watching != "events+poll":
            self.watching = "events+poll"
            self._next_poll = self._clock.monotonic() + self.volume.poll_seconds
            log.warning("volume %s: %s", self.volume.name, self.standing.limited)
            self._hub.publish("volume.polled", volume=self.volume.name, detail=self.standing.limited)
        await self.standing.change(detail=self.standing.limited)

    def _take_hint(self, hint: Hint) -> None:
        self.standing.witness(hint)
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
            if not self.standing.active:
                return  # frozen meanwhile, and its detail says why
            for problem in look.problems[:PROBLEMS_LOGGED]:
                log.warning("volume %s: %s", self.volume.name, problem.detail)
            await self.standing.count()
            await self._see_what_is_watched()
            limited = look.problems[0].detail if look.problems else self.standing.limited
            whole = not any(problem.path == b"" for problem in look.problems)
            done = {"last_scan": self._clock.now()} if whole else {}
            await self.standing.change(detail=self.standing.missing or limited, **done)
            self._broken_off = 0 if whole else self._broken_off + 1
            if whole:
                self.standing.accepted = False
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
        if self._broken_off:
            return SCAN_AGAIN_S * float(2 ** min(self._broken_off - 1, 10))
        return next_scan(self._clock.now(), self._scan_every, self._scan_window).total_seconds()

    async def _look(self, hints: list[Hint], priority: int) -> Look:
        try:
            look = await self._look_once(hints, priority, meanwhile=self._look_meanwhile)
        finally:
            # What the longer look has committed since may be older news of them.
            again, self._looked_at = self._looked_at, {}
            if self.standing.active:
                for hint in again.values():
                    self._settler.hint(hint, self._clock.monotonic())
        return look

    async def _look_meanwhile(self) -> None:
        """Looks at what is due, so that what was just saved does not wait for the end of a longer look."""
        hints = self._settler.due(self._clock.monotonic() + TOGETHER_S) if self.standing.active else []
        if not hints:
            return
        for hint in hints:
            before = self._looked_at.get(hint.path, hint)
            self._looked_at[hint.path] = replace(hint, tree=hint.tree or before.tree)
        if len(self._looked_at) > MOST_LOOKED_AT:
            self._looked_at = {b"": Hint(path=b"", tree=True)}
        await self._look_once(hints, queue.FRESH)

    async def _look_once(self, hints: list[Hint], priority: int, meanwhile: Meanwhile | None = None) -> Look:
        try:
            look = await self._looking.look(
                hints,
                priority=priority,
                blind=self.standing.blind,
                believed=self.standing.believed,
                known_files=None if self.standing.accepted else self.standing.known_files,
                meanwhile=meanwhile,
            )
        except DiskFull:
            await self.standing.count()  # some of it was committed
            raise
        self.standing.known_files += look.known
        self.standing.forgot(look.gone)
        if look.alarm is not None:
            await self.standing.hold(look.alarm)
        return look
