"""How fast each kind of work goes on this machine, learned while it is done and kept over restarts."""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from nasd.clock import Clock
from nasd.domain.jobs import Weight, weigh
from nasd.store import facts
from nasd.store.lane import Lane

FACT = "rates"
REMEMBERED_S = 240.0
"""Seconds of work after which what was learned before counts half."""

SPANS = 64
FILE_BYTES = 64 << 10
"""What opening, confining and committing a file costs, as if it had so many bytes more."""


class Task(StrEnum):
    """Kinds of work, and in what they are counted."""

    LIGHT = "small_text"  # files
    READ = "other_files"  # bytes, and FILE_BYTES for each
    RECOGNISE = "text_recognition"  # pages
    TRANSCRIBE = "speech"  # seconds of sound
    LOOK = "pictures"  # pictures
    EMBED = "embedding"  # passages


@dataclass(slots=True)
class Rate:
    """Units a second of the time in which at least one worker was at it: rests do not count."""

    units: float = 0.0
    seconds: float = 0.0
    _spans: list[tuple[float, float]] = field(default_factory=list)  # apart, in order

    def add(self, units: float, began: float, ended: float) -> None:
        self.units += units
        self.seconds += self._cover(began, ended)
        if self.seconds > REMEMBERED_S:
            share = REMEMBERED_S / 2 / self.seconds
            self.units, self.seconds = self.units * share, self.seconds * share

    @property
    def per_s(self) -> float | None:
        """None: nothing of the kind was done on this machine yet."""
        return self.units / max(self.seconds, 0.001) if self.units else None

    def _cover(self, began: float, ended: float) -> float:
        """How much of a span was not covered by others. Workers side by side report in the order in which
        they end, so a span may reach back over several."""
        first = bisect_left(self._spans, began, key=lambda span: span[1])
        last = first
        low, high, known = began, ended, 0.0
        while last < len(self._spans) and self._spans[last][0] <= ended:
            low, high = min(low, self._spans[last][0]), max(high, self._spans[last][1])
            known += self._spans[last][1] - self._spans[last][0]
            last += 1
        self._spans[first:last] = [(low, high)]
        del self._spans[:-SPANS]
        return (high - low) - known


class Rates:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._rates = {task: Rate() for task in Task}
        self._saved: str | None = None

    def add(self, task: Task, units: float, took_s: float) -> None:
        """So much was done until now."""
        now = self._clock.monotonic()
        self._rates[task].add(units, now - took_s, now)

    def add_file(self, kind: str, size: int, took_s: float) -> None:
        """A file was read."""
        if weigh(kind, size) is Weight.LIGHT:
            self.add(Task.LIGHT, 1, took_s)
        else:
            self.add(Task.READ, size + FILE_BYTES, took_s)

    def per_s(self, task: Task) -> float | None:
        return self._rates[task].per_s

    async def load(self, lane: Lane) -> None:
        """What was learned before the last start; nothing when that cannot be understood."""
        self._saved = await lane.read(facts.fact, FACT)
        for task, (units, seconds) in parse(self._saved or "").items():
            self._rates[task] = Rate(units, seconds)

    async def save(self, lane: Lane) -> None:
        known = {task.value: [rate.units, rate.seconds] for task, rate in self._rates.items() if rate.units}
        text = json.dumps(known)
        if known and text != self._saved:
            await lane.write(facts.set_fact, FACT, text)
            self._saved = text


def parse(text: str) -> Mapping[Task, tuple[float, float]]:
    """What `Rates.save` wrote, without what this version does not know."""
    try:
        found = json.loads(text)
        pairs = {
            task: (float(found[task.value][0]), float(found[task.value][1]))
            for task in Task
            if task.value in found
        }
    except (ValueError, TypeError, AttributeError, LookupError):
        return {}
    return {task: pair for task, pair in pairs.items() if min(pair) > 0}
