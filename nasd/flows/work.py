"""What the flows tell one another: that there is work, how fast it goes, and how much is not yet a job."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from nasd.clock import Clock
from nasd.flows.rates import Rates
from nasd.flows.turns import Turns

WINDOW_S = 30.0


class Meter:
    """Units a second over the last `WINDOW_S` seconds of work; 0.0 when there was none."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._marks: deque[tuple[float, float, int]] = deque()  # begun, ended, units

    def add(self, units: int, took_s: float) -> None:
        now = self._clock.monotonic()
        self._marks.append((now - took_s, now, units))
        self._trim(now)

    def rate(self) -> float:
        now = self._clock.monotonic()
        self._trim(now)
        if not self._marks:
            return 0.0
        begun = min(mark[0] for mark in self._marks)
        ended = max(mark[1] for mark in self._marks)
        return sum(mark[2] for mark in self._marks) / max(ended - begun, 0.05)

    def _trim(self, now: float) -> None:
        while self._marks and self._marks[0][1] < now - WINDOW_S:
            self._marks.popleft()


class Signal:
    """That there is work, for any number of workers: none can take the news away from another."""

    def __init__(self) -> None:
        self.count = 0
        self._event = asyncio.Event()

    def set(self) -> None:
        self.count += 1
        told, self._event = self._event, asyncio.Event()
        told.set()

    async def beyond(self, count: int, timeout_s: float) -> None:
        """Until it was set more often than `count`, as `count` was before looking for work, or the time is
        over."""
        if self.count != count:
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._event.wait()


class Busy:
    """Whether anybody is at some work, for those who give way to it."""

    def __init__(self) -> None:
        self._count = 0
        self._free = asyncio.Event()
        self._free.set()

    @contextmanager
    def at_it(self) -> Iterator[None]:
        self._count += 1
        self._free.clear()
        try:
            yield
        finally:
            self._count -= 1
            if not self._count:
                self._free.set()

    async def over(self, timeout_s: float) -> None:
        """Until nobody is at it, or the time is over."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._free.wait()


class Work:
    """Signals between the flows of one daemon."""

    def __init__(self, clock: Clock) -> None:
        self.turns = Turns(clock)
        self.rates = Rates(clock)
        self.to_read = Signal()
        self.to_embed = Signal()
        self.to_recognise = Signal()
        self.to_transcribe = Signal()
        self.to_look_at = Signal()
        self.files = Meter(clock)
        self.passages = Meter(clock)
        self.pages = Meter(clock)  # recognised
        self.sound = Meter(clock)  # seconds transcribed
        self.looked = Meter(clock)  # pictures looked at
        self.reading_texts = Busy()
        self.embedded: dict[int, int] = {}  # passages done of contents in this round of embedding
        self.unsettled: Callable[[], int] = lambda: 0  # hints not yet looked at
        self.scanning: Callable[[], int] = lambda: 0  # volumes being scanned
