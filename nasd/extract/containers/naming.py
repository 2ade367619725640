"""Names of members, made safe and different from each other. They name rows; nothing is written by them."""

from __future__ import annotations

import re
from datetime import UTC, datetime

_MOST_BYTES = 1000
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_SUFFIX = re.compile(r"\.[A-Za-z0-9]{1,10}\Z")
_LAST_NS = 253_402_300_799_000_000_000  # the end of the year 9999


def safe_name(raw: str) -> str:
    """A path of plain parts: nothing absolute, no way up, no control character, at most 1,000 bytes."""
    text = _CONTROL.sub("\ufffd", raw.encode("utf-8", "backslashreplace").decode())
    parts = ["_" if part == ".." else part for part in text.split("/") if part not in ("", ".")]
    return _shortened("/".join(parts)) or "unnamed"


def _shortened(name: str) -> str:
    data = name.encode()
    if len(data) <= _MOST_BYTES:
        return name
    suffix = match[0] if (match := _SUFFIX.search(name)) else ""
    kept = data[: _MOST_BYTES - len(suffix) - 3].decode("utf-8", "ignore").rstrip("/")
    return f"{kept}…{suffix}"


def numbered(name: str, number: int) -> str:
    """ "a.txt", 2 -> "a (2).txt"."""
    suffix = match[0] if (match := _SUFFIX.search(name)) else ""
    return f"{name[: len(name) - len(suffix)]} ({number}){suffix}"


def nanoseconds(seconds: float) -> int | None:
    """A time since 1970 as a file's; None when it is no time of a file."""
    ns = int(seconds * 1_000_000_000)
    return ns if 0 < ns <= _LAST_NS else None


def local_time(*fields: int) -> int | None:
    """Year to second, without a zone: archives tell none, so it is taken for UTC."""
    try:
        year, month, day, hour, minute, second = fields
        return nanoseconds(datetime(year, month, day, hour, minute, second, tzinfo=UTC).timestamp())
    except (ValueError, OverflowError):
        return None
