"""The values of load: what is known of the machine, what its owner allows, and what follows."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import Literal

Action = Literal["pause", "slow", "run"]
CauseName = Literal["battery", "heat", "busy", "memory"]


class Share(StrEnum):
    """Kinds of work in the background. What was just saved or asked for is none of them: it is always done.

    `LIGHT` is reading small texts, which costs so little that no cause pauses it.
    """

    LIGHT = "light"
    READ = "read"
    EMBED = "embed"
    RECOGNISE = "recognise"
    TRANSCRIBE = "transcribe"
    LOOK = "look"  # at pictures


class Pace(IntEnum):
    PAUSED = 0
    SLOW = 1  # one at a time; embedding and recognising rest as long as they work
    FULL = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """The machine at one moment. None: it cannot be told here. Sizes in bytes, shares from 0 to 1."""

    on_battery: bool | None = None
    celsius: float | None = None  # of the hottest processor sensor
    others_busy: float | None = None  # share of all cores that other programs (nice ones not counted) had
    available: int | None = None  # memory that can be had without swapping, within the service's own limit
    own: int | None = None  # memory of nasd and its children,
    daemon: int | None = None  # and of this process alone
    cores: float = 1.0  # that this process may use


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What the owner allows. `readers`: files of the backlog read at once, each with `reader_memory` at most.
    `memory`: for nasd and its children together; `spare`: memory of the machine that is left to others."""

    on_battery: Action = "pause"
    when_hot: Action = "pause"
    when_busy: Action = "slow"
    max_celsius: float = 85.0
    busy_share: float = 0.8
    readers: int = 1
    reader_memory: int = 1 << 30
    memory: int = 1 << 62
    spare: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """Why work is held back, since when (monotonic seconds), and in words."""

    name: CauseName
    since: float
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """`readers` files of the backlog may be read at once. `busy_share` is smoothed: the next decision wants
    it. `reasons` says for each share that is held back, why."""

    readers: int
    paces: dict[Share, Pace] = field(default_factory=lambda: dict.fromkeys(Share, Pace.FULL))
    reasons: dict[Share, str] = field(default_factory=dict)
    causes: tuple[Cause, ...] = ()
    busy_share: float = 0.0

    def same_work(self, other: Verdict) -> bool:
        """Whether both allow the same, for the same causes."""
        names = {cause.name for cause in self.causes} == {cause.name for cause in other.causes}
        return names and (self.readers, self.paces) == (other.readers, other.paces)
