"""How often one may ask: token buckets."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from nasd.clock import Clock

REMEMBERED: Final = 4096
"""Keys kept. The one unused for longest is forgotten first, and would have filled up again the soonest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """`burst` at once, then `per_s` on average."""

    burst: float
    per_s: float


class Allowance:
    """One bucket for each key, all of the same rate. For one event loop: nothing here waits."""

    def __init__(self, rate: Rate, clock: Clock) -> None:
        self._rate = rate
        self._clock = clock
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait_s(self, key: str, cost: float = 1.0) -> float:
        """Seconds until `take` would succeed; 0 when it would now."""
        return max(0.0, (min(cost, self._rate.burst) - self._now(key)) / self._rate.per_s)

    def take(self, key: str, cost: float = 1.0) -> float:
        """Takes `cost` and returns 0, or takes nothing and returns the seconds to wait."""
        cost = min(cost, self._rate.burst)
        left = self._now(key)
        if left < cost:
            return (cost - left) / self._rate.per_s
        self._left[key] = (left - cost, self._clock.monotonic())
        self._left.move_to_end(key)
        if len(self._left) > REMEMBERED:
            self._left.popitem(last=False)
        return 0.0

    def _now(self, key: str) -> float:
        left, at = self._left.get(key, (self._rate.burst, 0.0))
        return min(self._rate.burst, left + (self._clock.monotonic() - at) * self._rate.per_s)
