"""Numbers as people read them: counts, sizes, rates, spans and moments."""

from __future__ import annotations

from datetime import datetime

_SIZES = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")
_MINUTE, _HOUR, _DAY = 60, 3600, 86400


def count(number: int) -> str:
    return f"{number:,}"


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """`1 file`, `1,204 files`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def size(number: int) -> str:
    """Bytes with a binary unit: `512 B`, `81 KiB`, `1.2 GiB`."""
    amount = float(number)
    unit = _SIZES[0]
    for unit in _SIZES:
        if amount < 1024:
            break
        if unit != _SIZES[-1]:
            amount /= 1024
    digits = 1 if unit != "B" and amount < 10 else 0
    return f"{amount:.{digits}f} {unit}"


def rate(per_second: float) -> str:
    """A rate without its unit: two significant digits below ten, whole numbers above."""
    return f"{per_second:.1f}" if 0 < per_second < 10 else f"{per_second:,.0f}"


def share(part: int, whole: int) -> int:
    """Whole per cent, rounded down so that 100 means all; 0 of nothing is 100."""
    if whole <= 0:
        return 100
    return max(0, min(100, part * 100 // whole))


def span(seconds: float) -> str:
    """`40 s`, `5 min`, `2 h 10 min`, `3 d 4 h`."""
    whole = max(0, round(seconds))
    if whole < _MINUTE:
        return f"{whole} s"
    if whole < _HOUR:
        return f"{round(whole / _MINUTE)} min"
    if whole < _DAY:
        hours, rest = divmod(whole, _HOUR)
        minutes = rest // _MINUTE
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    days, rest = divmod(whole, _DAY)
    hours = rest // _HOUR
    return f"{days} d {hours} h" if hours else f"{days} d"


def ago(moment: datetime | None, now: datetime) -> str:
    """How long before `now`; `never` without a moment. A clock that is ahead reads as `now`."""
    if moment is None:
        return "never"
    seconds = (now - moment).total_seconds()
    if seconds < 5:
        return "now"
    if seconds < 14 * _DAY:
        whole = max(1, round(seconds))
        for unit, name in ((_DAY, "d"), (_HOUR, "h"), (_MINUTE, "min")):
            if whole >= unit:
                return f"{whole // unit} {name} ago"
        return f"{whole} s ago"
    return day(moment)


def day(moment: datetime) -> str:
    return f"{moment.day} {moment:%b %Y}"


def time_of_day(moment: datetime) -> str:
    """The time on this machine's wall clock."""
    return f"{moment.astimezone():%H:%M:%S}"
