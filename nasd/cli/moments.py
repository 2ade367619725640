"""Points in time as people type them."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from nasd.errors import InvalidRequest

_AGO = re.compile(r"(\d+)\s*(h|d|w|y)")
_HOURS = {"h": 1, "d": 24, "w": 24 * 7, "y": 24 * 365}


def parse_moment(option: str, text: str, now: datetime) -> datetime:
    """An aware time from "2024-01-31", "2024-01-31T10:00", the same with an offset or "Z", or from a span
    that lies back from `now`: "12h", "30d", "4w", "2y". Without an offset it is in `now`'s zone.

    InvalidRequest, naming the option, for anything else.
    """
    text = text.strip()
    try:
        if match := _AGO.fullmatch(text):
            return now - timedelta(hours=int(match[1]) * _HOURS[match[2]])
        moment = datetime.fromisoformat(text)
        return moment if moment.tzinfo else moment.replace(tzinfo=now.tzinfo)
    except (ValueError, OverflowError):
        raise InvalidRequest(
            f'{option}: "{text}" is no point in time.',
            cure='Write "2024-01-31", "2024-01-31T10:00+01:00", or a span back from now such as "30d".',
        ) from None
