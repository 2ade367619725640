"""Where one volume stands: active, or frozen and why; and what its owner said about that."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence, Set
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from nasd.clock import Clock
from nasd.domain.files import RULE, Volume, VolumeState
from nasd.errors import Conflict
from nasd.flows.events import Hub
from nasd.store import changes, volumes
from nasd.store.lane import Lane
from nasd.watch.base import Hint
from nasd.watch.compare import covered
from nasd.watch.guard import judge, observe_volume
from nasd.watch.mounts import Mount, lies_on, read_mounts

log = logging.getLogger(__name__)

FROZEN_LOOK_S, LONGEST_FROZEN_LOOK_S = 5.0, 60.0
"""How often a frozen volume is looked at: at first, and once it has been frozen for ten times as long. That a
disk is mounted is told at once."""
MOST_WITNESSED = 100_000

Cause = Literal["scan", "poll", "event", "read", "request", "guard"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wake:
    """When a volume was last touched, and why."""

    at: datetime
    cause: Cause


class Standing:
    """Of one volume, which it holds as the catalogue has it. `blind` are folders in it whose disk is missing,
    and `missing` says so. `on_frozen` is awaited whenever it becomes frozen."""

    def __init__(
        self,
        volume: Volume,
        lane: Lane,
        hub: Hub,
        clock: Clock,
        *,
        on_frozen: Callable[[], Awaitable[None]],
    ) -> None:
        self.volume = volume
        self.wake: Wake | None = None
        self.known_files = 0
        self.blind: tuple[bytes, ...] = ()
        self.missing: str | None = None
        self.limited: str | None = None  # why not all of it is watched
        self.accepted = False  # by its owner, as it is: until a whole scan has taken it so
        self.remounted = False  # something was mounted or unmounted here, and not yet looked at
        self.stale = False  # what lies there may be other than what was last seen: all of it is to be scanned
        self.next_look = clock.monotonic()  # while frozen
        self._lane = lane
        self._hub = hub
        self._clock = clock
        self._on_frozen = on_frozen
        self._lock = asyncio.Lock()
        self._frozen_at = clock.monotonic()
        self._witnessed: set[bytes] = set()  # paths that events told to be gone
        self._lies_on: tuple[Mount | None, tuple[Mount, ...]] | None = None

    async def begin(self) -> None:
        await self.count()
        self._lies_on = lies_on(self.volume.path, await asyncio.to_thread(read_mounts))

    async def count(self) -> None:
        """How many files of it are known."""
        self.known_files = await self._lane.read(changes.count_known, self.volume.id)

    def touched(self, cause: Cause) -> None:
        """The volume is about to be touched."""
        self.wake = Wake(at=self._clock.now(), cause=cause)

    @property
    def active(self) -> bool:
        return self.volume.state is VolumeState.ACTIVE

    @property
    def due(self) -> float:
        """When a frozen volume is to be looked at."""
        if self.volume.held is not None:
            return float("inf")
        return float("-inf") if self.remounted else self.next_look

    # --- what is told ---------------------------------------------------------------------------------

    def mounts_changed(self, mounts: Sequence[Mount]) -> bool:
        """The machine's mounts are now these. Whether that is news for this volume."""
        now = lies_on(self.volume.path, mounts)
        news, self._lies_on = now != self._lies_on, now
        self.remounted = self.remounted or news
        return news

    def witness(self, hint: Hint) -> None:
        if hint.gone and len(self._witnessed) < MOST_WITNESSED:
            self._witnessed.add(hint.path)
        else:
            self._witnessed.discard(hint.path)
            if hint.tree and self._witnessed:  # something unheard of may have come back there
                self._witnessed = {path for path in self._witnessed if not covered(path, {hint.path})}

    def forgot(self, gone: Set[bytes]) -> None:
        """These files are known no more."""
        self._witnessed -= gone

    # --- what is concluded ----------------------------------------------------------------------------

    async def is_believed(self) -> bool:
        """Whether this still is the volume that was added. Freezes and thaws it as that changes."""
        async with self._lock:
            if self.volume.held is not None:
                return False
            if not self.active:
                self.touched("guard")
            if self.remounted:
                self.remounted, self.stale = False, True
            observed = await asyncio.to_thread(observe_volume, self.volume.path)
            verdict = judge(
                self.volume.identity,
                observed,
                self.known_files,
                witnessed=await self._count_witnessed() if observed.empty else 0,
                accepted=self.accepted,
            )
            if verdict.frozen:
                assert verdict.detail is not None
                await self._freeze(verdict.detail, identity=verdict.identity)
                pause_s = max((self._clock.monotonic() - self._frozen_at) / 10, FROZEN_LOOK_S)
                self.next_look = self._clock.monotonic() + min(pause_s, LONGEST_FROZEN_LOOK_S)
                return False
            others, self.blind, self.missing = self.blind != verdict.blind, verdict.blind, verdict.detail
            detail = self.missing or self.limited
            if not self.active:
                await self.change(state=VolumeState.ACTIVE, detail=detail, identity=verdict.identity)
                self._hub.publish("volume.active", volume=self.volume.name)
                self.stale = True
            elif others or self.volume.identity != verdict.identity:
                await self.change(detail=detail, identity=verdict.identity)
                self.stale = self.stale or others  # a disk inside that came back may hold other files now
            return True

    async def believed(self) -> tuple[bytes, ...] | None:
        """The folders that are blind now; None when the volume is not believed."""
        return self.blind if await self.is_believed() else None

    async def accept(self) -> None:
        """The owner says that the volume is meant to be as it is now: another disk, emptied, read-only, or
        after a burst of changes. Raises `Conflict` when there is nothing to take."""
        async with self._lock:
            self.touched("request")
            verdict = judge(None, await asyncio.to_thread(observe_volume, self.volume.path), 0)
            if verdict.frozen:
                raise Conflict(f"Volume {self.volume.name} cannot be accepted as it is. {verdict.detail}")
            self.accepted = True
            await self.change(state=VolumeState.ACTIVE, detail=None, held=None, identity=verdict.identity)

    async def hold(self, seen: str) -> None:
        """Freezes the volume for a burst of changes, until its owner accepts it."""
        async with self._lock:
            await self._freeze(seen, held=seen)

    async def change(self, **values: object) -> None:
        """Sets columns of the volume's row."""
        stored = {name: getattr(value, "value", value) for name, value in values.items()}
        await self._lane.write(volumes.change_volume, self.volume.id, stored)
        self.volume = await self._lane.read(volumes.volume_named, self.volume.name)

    async def _freeze(self, detail: str, **values: str | None) -> None:
        if self.active:
            self._lies_on = None  # what comes next is news: it may have been told before this was seen
            self._frozen_at = self._clock.monotonic()
            log.warning("volume %s is frozen: %s", self.volume.name, detail)
            self._hub.publish("volume.frozen", volume=self.volume.name, detail=detail)
        elif self.volume.detail == detail:
            return
        await self.change(state=VolumeState.FROZEN, detail=detail, **values)
        await self._on_frozen()

    async def _count_witnessed(self) -> int:
        if not self.known_files or not self._witnessed:
            return 0
        known = await self._lane.read(changes.known_below, self.volume.id, b"")
        return sum(covered(one.path, self._witnessed) for one in known if one.reason != RULE)
