"""Whose turn it is: what workers in the background may take now.

A worker asks for the latest priority that it may take, so that what was just saved or asked for is never held
back, and says how long it worked, so that slow work rests as long.
"""

from __future__ import annotations

from nasd.clock import Clock
from nasd.load.base import Pace, Share, Verdict
from nasd.store import queue

LONGEST_REST_S = 60.0
MANY = 1 << 16
"""Readers; while nobody has looked at the machine, all may work."""


class Turns:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._resting = dict.fromkeys(Share, 0.0)  # until when
        self.verdict = Verdict(readers=MANY)
        self.asked = False  # since somebody set it back

    def change(self, verdict: Verdict) -> None:
        self.verdict = verdict
        self._resting = dict.fromkeys(Share, 0.0)

    def reads(self, number: int) -> int:
        """The latest priority that the reader with this number, from 0, may take now."""
        self.asked = True
        if number >= self.verdict.readers:
            return queue.FRESH_LAST
        return queue.LAST if self.verdict.paces[Share.READ] > Pace.PAUSED else queue.BACKLOG

    def allows(self, share: Share) -> int:
        """The latest priority that may be taken now of work of this kind."""
        self.asked = True
        resting = self._clock.monotonic() < self._resting[share]
        paused = self.verdict.paces[share] is Pace.PAUSED
        return queue.FRESH_LAST if paused or resting else queue.LAST

    def worked(self, share: Share, took_s: float) -> None:
        """Some of this work was done: while it is to go slowly, it rests now for as long."""
        if self.verdict.paces[share] is Pace.SLOW:
            self._resting[share] = self._clock.monotonic() + min(took_s, LONGEST_REST_S)

    def patience_s(self, share: Share, longest_s: float) -> float:
        """How long a worker that found nothing to do may wait for news: not beyond its rest."""
        rest = self._resting[share] - self._clock.monotonic()
        return min(rest, longest_s) if rest > 0 else longest_s
