"""One volume under watch: guarded, hinted at, scanned; and when it is looked at."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Literal

from nasd.clock import Clock
from nasd.domain.files import Volume, VolumeState
from nasd.errors import DiskFull
from nasd.flows.events import Hub
from nasd.flows.looking import Look, Looking
from nasd.store import changes, queue, volumes
from nasd.store.lane import Lane
from nasd.watch.base import Hint, Watcher
from nasd.watch.compare import covered
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

MakeWatcher = Callable[[Rules], Watcher]


class VolumeWatch:
    """Runs as one task for each volume that is not paused; `run` ends only by cancellation."""

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
    ) -> None:
        self.volume = volume
        self.rules = rules
        self.watching: Literal["events", "poll", "off"] | None = None
        self.scanning = False
        self._lane = lane
        self._hub = hub
        self._clock = clock
        self._make_watcher = make_watcher
        self._settler = settler
        self._looking = looking
        self._scan_every = scan_every
        self._watcher: Watcher | None = None
        self._wake = asyncio.Event()
        self._next_scan = clock.monotonic()
        self._known_files = 0
        self._witnessed: set[bytes] = set()  # paths that events told to be gone
        self._blind: tuple[bytes, ...] = ()
        self._busy = False
        self._polled_because: str | None = None

    @property
    def unsettled(self) -> int:
        """Hints that wait, and the look that is under way."""
        due = self._clock.monotonic() >= self._next_scan and self.volume.state is VolumeState.ACTIVE
        return len(self._settler) + int(self._busy or due)

    @property
    def root(self) -> str | None:
        """The folder, while files in it may be read."""
        return self.volume.path if self.volume.state is VolumeState.ACTIVE else None

    def scan_soon(self) -> None:
        self._next_scan = self._clock.monotonic()
        self._wake.set()

    async def run(self) -> None:
        self._known_files = await self._lane.read(changes.count_known, self.volume.id)
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
            await self._looking.close()
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
            known = await self._lane.read(changes.known_below, self.volume.id, b"")
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
        watcher = self._make_watcher(self.rules)
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
        self._polled_because = f"polled every {self.volume.poll_seconds} s: {why}"
        log.warning("volume %s is polled every %s s: %s", self.volume.name, self.volume.poll_seconds, why)
        await self._change(detail=self._polled_because)
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

    async def _scan_all(self) -> None:
        self.scanning = self._busy = True
        began = self._clock.monotonic()
        try:
            await self._looking.take_up()
            # A watched volume's files that just changed have hints of their own, before the backlog.
            look = await self._look([Hint(path=b"", tree=True)], queue.BACKLOG)
            for problem in look.problems[:PROBLEMS_LOGGED]:
                log.warning("volume %s: %s", self.volume.name, problem.detail)
            detail = look.problems[0].detail if look.problems else self._polled_because
            whole = not any(problem.path == b"" for problem in look.problems)
            done = {"last_scan": self._clock.now()} if whole else {}
            await self._change(detail=detail, **done)
            took_ms = round((self._clock.monotonic() - began) * 1000)
            problems = len(look.problems)
            self._hub.publish("scan.done", volume=self.volume.name, took_ms=took_ms, problems=problems)
            every = self._scan_every.total_seconds()
            if self.watching == "poll":
                every = float(self.volume.poll_seconds)
            self._next_scan = self._clock.monotonic() + every
        except DiskFull as error:
            log.error("%s", error)
            self._next_scan = self._clock.monotonic() + DISK_FULL_S
        finally:
            self.scanning = self._busy = False

    async def _look(self, hints: list[Hint], priority: int) -> Look:
        look = await self._looking.look(hints, priority=priority, blind=self._blind, believed=self._guarded)
        self._known_files = await self._lane.read(changes.count_known, self.volume.id)
        self._witnessed -= look.gone
        return look
