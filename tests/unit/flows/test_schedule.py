from __future__ import annotations

import os
import time
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone

import pytest

from nasd.config.quantities import parse_window
from nasd.flows.schedule import next_scan

DAY = timedelta(days=1)
NIGHT = parse_window("02:00-05:00")


@pytest.fixture
def berlin() -> Iterator[None]:
    before = os.environ.get("TZ")
    os.environ["TZ"] = "CET-1CEST,M3.5.0,M10.5.0/3"
    time.tzset()
    yield
    os.environ.pop("TZ") if before is None else os.environ.__setitem__("TZ", before)
    time.tzset()


@pytest.mark.usefixtures("berlin")
@pytest.mark.parametrize(
    ("now", "every", "due"),
    [
        # begun by day: the next night, not the one after
        ((2026, 7, 1, 14, 0), DAY, (2026, 7, 2, 2, 0)),
        ((2026, 7, 1, 2, 20), DAY, (2026, 7, 2, 2, 20)),
        ((2026, 7, 1, 4, 59), DAY, (2026, 7, 2, 4, 59)),
        ((2026, 7, 1, 5, 10), DAY, (2026, 7, 2, 2, 0)),
        # three hours after a scan is too soon
        ((2026, 7, 1, 23, 0), DAY, (2026, 7, 3, 2, 0)),
        ((2026, 7, 1, 14, 0), 7 * DAY, (2026, 7, 5, 2, 0)),
        # summer time: there is no two o'clock that night
        ((2026, 3, 28, 13, 0), DAY, (2026, 3, 29, 3, 0)),
    ],
)
def test_a_scan_falls_into_the_window(now: tuple[int, ...], every: timedelta, due: tuple[int, ...]) -> None:
    begun = datetime(*now).astimezone()  # type: ignore[arg-type]
    wait = next_scan(begun, every, NIGHT)
    assert (begun + wait).astimezone().replace(tzinfo=None) == datetime(*due)  # type: ignore[arg-type]
    assert every / 2 <= wait <= every + DAY


def test_without_a_window_it_is_due_after_so_long() -> None:
    now = datetime(2026, 3, 1, tzinfo=timezone(timedelta(hours=5)))
    assert next_scan(now, timedelta(hours=6), None) == timedelta(hours=6)
