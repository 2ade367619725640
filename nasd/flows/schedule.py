"""When a volume is scanned whole. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

from nasd.config.quantities import Window


def next_scan(now: datetime, every: timedelta, window: Window | None) -> timedelta:
    """How long from `now` (aware) until the next full scan: about `every`, and within the owner's window of
    the day, in local time, if there is one. A time that falls outside of it moves to the first opening that
    is at least half as far away, so that a scan at an odd time does not put off the next one by a day."""
    if window is None:
        return every
    due = now + every
    if window.contains(due.astimezone().time()):
        return every
    earliest = (now + every / 2).astimezone()
    opening = earliest.replace(
        hour=window.start.hour, minute=window.start.minute, second=0, microsecond=0, fold=0
    )
    if opening < earliest:
        # Whole days on the wall clock, whatever summer time does in between.
        opening = (opening.replace(tzinfo=None) + timedelta(days=1)).astimezone()
    return opening - now
