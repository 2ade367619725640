"""Work as rows: named states, a lease, an attempt count, and a key that folds repeated requests."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class JobKind(StrEnum):
    READ = "read"  # subject: a file
    EMBED = "embed"  # subject: a content
    OCR = "ocr"  # subject: a content with pages that are pictures of text


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
