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


class Names:
    """Names as they are given out, one walk through a container long: the same members in the same order get
    the same names."""

    def __init__(self) -> None:
        self._given: set[str] = set()

    def __len__(self) -> int:
        return len(self._given)

    def give(self, prefix: str, raw: str) -> str:
        """A name that no other member has, below `prefix`."""
        plain = prefix + safe_name(raw)
        name, number = plain, 1
        while name in self._given:
            number += 1
            name = numbered(plain, number)
        self._given.add(name)
        return name


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
