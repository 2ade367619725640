"""Time as a dependency: whoever needs the time is given a `Clock`, so that tests can set it."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    def now(self) -> datetime:
        """The current time, aware, in UTC."""

    def monotonic(self) -> float:
        """Seconds on a clock that never goes back."""


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()


def nanoseconds(at: datetime) -> int:
    """Since 1970, as files have their times; exact to the microsecond."""
    return int(at.timestamp()) * 1_000_000_000 + at.microsecond * 1_000
