"""Work as rows: named states, a lease, an attempt count, and a key that folds repeated requests."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum, StrEnum


class JobKind(StrEnum):
    READ = "read"  # subject: a file
    EMBED = "embed"  # subject: a content
    OCR = "ocr"  # subject: a content with pages that are pictures of text
    SPEECH = "speech"  # subject: a content with sound that is still to be transcribed
    PICTURE = "picture"  # subject: a content that is a picture, for a model to look at


class Weight(IntEnum):
    """What reading a file weighs, by its kind and size: the light ones come first. Added to the priority of a
    job, which says how urgent it is."""

    LIGHT = 0  # a small text: milliseconds
    MEDIUM = 1
    HEAVY = 2  # archives, large tables, books


TEXTUAL = frozenset({
    "text", "markdown", "html", "code", "csv", "eml", "xml", "calendar", "vcard", "rst", "org", "latex",
})  # fmt: skip
"""Kinds that are text as they stand, so that reading them costs little beside what they hold."""

LIGHT_BYTES, HEAVY_BYTES = 256 << 10, 16 << 20


def weigh(kind: str, size: int) -> Weight:
    """What reading a file of `size` bytes weighs."""
    if size > HEAVY_BYTES:
        return Weight.HEAVY
    return Weight.LIGHT if kind in TEXTUAL and size <= LIGHT_BYTES else Weight.MEDIUM


class JobState(StrEnum):
    WAITING = "waiting"
    RUNNING = "running"
    PARKED = "parked"  # given up after its last attempt; a change of the file or `scan` wakes it


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A job is deleted in the transaction that makes its result true."""

    id: int
    kind: JobKind
    subject_id: int
    state: JobState
    attempts: int
    not_before: datetime
    lease_until: datetime | None
    error: str | None
    created: datetime
    priority: int = 0  # lower first

    @property
    def key(self) -> str:
        """The idempotency key: ten saves of one file make one waiting job."""
        return f"{self.kind}:{self.subject_id}"


LEASE = timedelta(minutes=15)
"""Longer than any reader's wall-clock limit; a job whose lease ran out is taken again."""

BACKOFF = (timedelta(seconds=30), timedelta(minutes=5), timedelta(hours=1), timedelta(hours=12))


def next_attempt(attempts: int, *, temporary: bool, now: datetime) -> datetime | None:
    """When a job that has failed `attempts` times (from 1) is tried again, or None to park it."""
    if not temporary or attempts > len(BACKOFF):
        return None
    return now + BACKOFF[attempts - 1]
