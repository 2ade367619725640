"""What the flows tell one another: that there is work, how fast it goes, and how much is not yet a job."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from nasd.clock import Clock

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


class Work:
    """Signals between the flows of one daemon."""

    def __init__(self, clock: Clock) -> None:
        self.to_read = asyncio.Event()
        self.to_embed = asyncio.Event()
        self.to_recognise = asyncio.Event()
        self.files = Meter(clock)
        self.passages = Meter(clock)
        self.pages = Meter(clock)  # recognised
        self.embedded: dict[int, int] = {}  # passages done of contents that are not done yet
        self.unsettled: Callable[[], int] = lambda: 0  # hints not yet looked at
        self.scanning: Callable[[], int] = lambda: 0  # volumes being scanned


async def wait_for(signal: asyncio.Event, timeout_s: float) -> None:
    """Until the signal is set, which it then no longer is, or the time is over."""
    try:
        async with asyncio.timeout(timeout_s):
            await signal.wait()
    except TimeoutError:
        return
    signal.clear()
