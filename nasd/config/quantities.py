"""Quantities as people write them in the configuration: sizes, durations, rates, times of day.

Each `parse_…` takes what stands in the file and raises ValueError saying what is allowed; each `format_…`
writes a value back in the same notation.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import time, timedelta

_BYTES = {
    "": 1, "b": 1,
    "kb": 10**3, "mb": 10**6, "gb": 10**9, "tb": 10**12,
    "kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30, "tib": 1 << 40,
}  # fmt: skip
_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
_QUANTITY = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([A-Za-z]*)\s*")
_WINDOW = re.compile(r"([01]\d|2[0-3]):([0-5]\d)\s*-\s*([01]\d|2[0-3]):([0-5]\d)")

SIZE_ALLOWED = 'a size such as 4096, "512MiB" or "1GiB" is allowed'
DURATION_ALLOWED = 'a duration such as "90s", "12h" or "365d" is allowed'
RATE_ALLOWED = 'a rate such as "10MiB/s" is allowed'
WINDOW_ALLOWED = 'a part of the day such as "22:00-06:00" is allowed'


def parse_bytes(value: object) -> int:
    """Bytes from a whole number or from text such as "1GiB" (powers of 1024) or "1GB" (of 1000)."""
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    if isinstance(value, str) and (match := _QUANTITY.fullmatch(value)):
        factor = _BYTES.get(match[2].lower())
        if factor is not None:
            return round(float(match[1]) * factor)
    raise ValueError(SIZE_ALLOWED)


def format_bytes(size: int) -> str:
    """The shortest exact notation: 1073741824 is "1GiB", 1000 stays "1000B"."""
    for unit in ("TiB", "GiB", "MiB", "KiB"):
        factor = _BYTES[unit.lower()]
        if size and size % factor == 0:
            return f"{size // factor}{unit}"
    return f"{size}B"


def parse_duration(value: object) -> timedelta:
    """A duration from text such as "365d". A bare number is refused: its unit would be a guess."""
    if isinstance(value, timedelta):
        return value
    if isinstance(value, str) and (match := _QUANTITY.fullmatch(value)) and match[2].lower() in _SECONDS:
        try:
            return timedelta(seconds=float(match[1]) * _SECONDS[match[2].lower()])
        except OverflowError:
            pass
    raise ValueError(DURATION_ALLOWED)


def format_duration(value: timedelta) -> str:
    seconds = value.total_seconds()
    for unit in ("d", "h", "m"):
        if seconds and seconds % _SECONDS[unit] == 0:
            return f"{int(seconds // _SECONDS[unit])}{unit}"
    return f"{seconds:g}s"


def parse_rate(value: object) -> int:
    """Bytes per second from text such as "10MiB/s"."""
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return value
    if isinstance(value, str) and value.strip().lower().endswith("/s"):
        try:
            rate = parse_bytes(value.strip()[:-2])
        except ValueError:
            rate = 0
        if rate > 0:
            return rate
    raise ValueError(RATE_ALLOWED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A part of each day in local time; one that ends before it starts runs over midnight."""

    start: time
    end: time

    def contains(self, moment: time) -> bool:
        """Whether `moment` lies in it; the start belongs to it, the end does not."""
        if self.start <= self.end:
            return self.start <= moment < self.end
        return moment >= self.start or moment < self.end

    def __str__(self) -> str:
        return f"{self.start:%H:%M}-{self.end:%H:%M}"


def parse_window(value: object) -> Window:
    if isinstance(value, Window):
        return value
    if isinstance(value, str) and (match := _WINDOW.fullmatch(value.strip())):
        hours = [int(part) for part in match.groups()]
        window = Window(start=time(hours[0], hours[1]), end=time(hours[2], hours[3]))
        if window.start != window.end:
            return window
    raise ValueError(WINDOW_ALLOWED)
