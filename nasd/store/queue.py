"""Jobs: named states, a lease, an attempt count, and a key by which repeated requests fold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    and_,
    delete,
    func,
    or_,
    select,
    type_coerce,
    update,
)
from sqlalchemy.dialects.sqlite import insert

from nasd.domain.files import FileState
from nasd.domain.jobs import LEASE, Job, JobKind, JobState
from nasd.store.contents import IN_LIMIT
from nasd.store.tables import contents, files, jobs

FRESH = 0
"""Priority of what just happened, before the backlog of a scan."""
BACKLOG = 10

INTERRUPTED = "nasd ended several times while reading it; a change of the file or a scan tries it again"

LAST = 1 << 31
"""No job has a later priority."""

MOST_ATTEMPTS_AT_START = 3
"""A job that was running at this many unclean ends is parked: its file may be what ends the daemon."""


def _job(row: Mapping[Any, Any]) -> Job:
    return Job(
        id=row["id"],
        kind=JobKind(row["kind"]),
        subject_id=row["subject_id"],
        state=JobState(row["state"]),
        attempts=row["attempts"],
        not_before=row["not_before"],
        lease_until=row["lease_until"],
        error=row["error"],
        created=row["created"],
    )


def enqueue(
    connection: Connection, kind: JobKind, subjects: Sequence[int], *, priority: int, now: datetime
) -> None:
    """Makes one waiting job of each subject. One that waits or is parked is made due and fresh again; one
    that runs stays: whoever runs it sees by the file's row whether what it read is still true."""
    if not subjects:
        return
    statement = insert(jobs)
    statement = statement.on_conflict_do_update(
        index_elements=[jobs.c.key],
        set_={
            "state": JobState.WAITING.value,
            "attempts": 0,
            "not_before": statement.excluded.not_before,
            "priority": func.min(jobs.c.priority, statement.excluded.priority),
            "error": None,
        },
        where=jobs.c.state != JobState.RUNNING.value,
    )
    connection.execute(
        statement,
        [
            {
                "key": f"{kind}:{subject}",
                "kind": kind.value,
                "subject_id": subject,
                "priority": priority,
                "state": JobState.WAITING.value,
                "attempts": 0,
                "not_before": now,
                "created": now,
            }
            for subject in subjects
        ],
    )


def claim(
    connection: Connection, kind: JobKind, limit: int, now: datetime, *, priority: int = LAST
) -> tuple[Job, ...]:
    """Takes due jobs of this priority or before it, and those whose lease ran out, for one lease. Their
    attempts count from here."""
    found: list[tuple[int, int]] = []
    # One query for each state: both follow the index in its order, however long the queue is.
    for due in (
        and_(jobs.c.state == JobState.WAITING.value, jobs.c.not_before <= now),
        and_(jobs.c.state == JobState.RUNNING.value, jobs.c.lease_until < now),
    ):
        rows = connection.execute(
            select(jobs.c.priority, jobs.c.id)
            .where(jobs.c.kind == kind.value, due, jobs.c.priority <= priority)
            .order_by(jobs.c.priority, jobs.c.id)
            .limit(limit)
        )
        found += [(row.priority, row.id) for row in rows]
    ids = [job_id for _, job_id in sorted(found)[:limit]]
    if not ids:
        return ()
    connection.execute(
        update(jobs)
        .where(jobs.c.id.in_(ids))
        .values(state=JobState.RUNNING.value, attempts=jobs.c.attempts + 1, lease_until=now + LEASE)
    )
    rows = connection.execute(select(jobs).where(jobs.c.id.in_(ids)).order_by(jobs.c.priority, jobs.c.id))
    return tuple(_job(row) for row in rows.mappings())


def finish(connection: Connection, job_id: int) -> None:
    connection.execute(delete(jobs).where(jobs.c.id == job_id))


def renew(connection: Connection, job_id: int, now: datetime) -> None:
    """A running job takes longer: its lease begins anew."""
    running = (jobs.c.id == job_id) & (jobs.c.state == JobState.RUNNING.value)
    connection.execute(update(jobs).where(running).values(lease_until=now + LEASE))


def hand_over(
    connection: Connection, job_id: int, kind: JobKind, subject: int, priority: int, now: datetime
) -> None:
    """A job is done by doing it to another subject."""
    finish(connection, job_id)
    enqueue(connection, kind, [subject], priority=priority, now=now)


def put_back(connection: Connection, job_ids: Sequence[int], due: datetime) -> None:
    """Returns jobs that were taken but not done, as if they had not been tried, to be taken when `due`."""
    connection.execute(
        update(jobs)
        .where(jobs.c.id.in_(job_ids), jobs.c.state == JobState.RUNNING.value)
        .values(
            state=JobState.WAITING.value,
            attempts=func.max(jobs.c.attempts - 1, 0),
            not_before=due,
            lease_until=None,
        )
    )


def postpone(connection: Connection, volume_id: int, job_id: int, due: datetime) -> None:
    """Returns a job whose file's volume cannot be read now, and lets all of that volume wait with it: they
    are not to be taken one by one only to be returned."""
    put_back(connection, [job_id], due)
    connection.execute(
        update(jobs)
        .where(*_of_volume(volume_id), jobs.c.state == JobState.WAITING.value, jobs.c.not_before < due)
        .values(not_before=due)
    )


def take_up(connection: Connection, volume_id: int, now: datetime) -> None:
    """Makes due what was postponed of a volume that can be read again."""
    connection.execute(
        update(jobs)
        .where(
            *_of_volume(volume_id),
            jobs.c.state == JobState.WAITING.value,
            jobs.c.not_before > now,
            jobs.c.error.is_(None),  # what failed has its own time
        )
        .values(not_before=now)
    )


def _of_volume(volume_id: int) -> tuple[ColumnElement[bool], ...]:
    its_files = select(files.c.id).where(files.c.volume_id == volume_id)
    return jobs.c.kind == JobKind.READ.value, jobs.c.subject_id.in_(its_files)


def held(connection: Connection, job_id: int) -> bool:
    """Whether a job is still there: what became needless meanwhile was deleted."""
    return connection.execute(select(jobs.c.id).where(jobs.c.id == job_id)).first() is not None


def retry(connection: Connection, job_id: int, error: str, at: datetime | None) -> None:
    """Sets a failed job to wait until `at`, or parks it when that is None."""
    state = JobState.PARKED if at is None else JobState.WAITING
    values: dict[str, Any] = {"state": state.value, "error": error, "lease_until": None}
    if at is not None:
        values["not_before"] = at
    connection.execute(update(jobs).where(jobs.c.id == job_id).values(**values))


def recover(connection: Connection, now: datetime) -> int:
    """At start: no worker lives, so whatever runs was interrupted. How many jobs that were. A file that was
    being read at too many such ends has failed."""
    running = jobs.c.state == JobState.RUNNING.value
    hopeless = running & (jobs.c.attempts >= MOST_ATTEMPTS_AT_START)
    subjects = select(jobs.c.subject_id).where(hopeless, jobs.c.kind == JobKind.READ.value)
    connection.execute(
        update(files)
        .where(files.c.id.in_(subjects))
        .values(state=FileState.FAILED.value, reason="interrupted", detail=INTERRUPTED, changed=now)
    )
    parked = connection.execute(
        update(jobs).where(hopeless).values(state=JobState.PARKED.value, lease_until=None, error=INTERRUPTED)
    )
    waiting = connection.execute(
        update(jobs).where(running).values(state=JobState.WAITING.value, lease_until=None, not_before=now)
    )
    return parked.rowcount + waiting.rowcount


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueCounts:
    read: int = 0  # due or running
    embed: int = 0
    embed_passages: int = 0
    ocr: int = 0  # files with pages to be recognised
    retry: int = 0  # waiting for a later attempt
    parked: int = 0


def count_jobs(connection: Connection, now: datetime) -> QueueCounts:
    active = or_(jobs.c.state == JobState.RUNNING.value, jobs.c.not_before <= now)
    alive = jobs.c.state != JobState.PARKED.value
    rows = connection.execute(
        select(
            jobs.c.kind,
            func.sum(type_coerce(alive & active, Integer)).label("due"),
            func.sum(type_coerce(alive & ~active, Integer)).label("later"),
            func.sum(type_coerce(~alive, Integer)).label("parked"),
        ).group_by(jobs.c.kind)
    ).all()
    by_kind = {row.kind: row for row in rows}
    due = {kind: int(by_kind[kind].due) if kind in by_kind else 0 for kind in JobKind}
    to_embed = 0
    if due[JobKind.EMBED]:
        to_embed = connection.execute(
            select(func.coalesce(func.sum(contents.c.passages), 0))
            .select_from(jobs.join(contents, contents.c.id == jobs.c.subject_id))
            .where(jobs.c.kind == JobKind.EMBED.value, alive, active)
        ).scalar_one()
    return QueueCounts(
        read=due[JobKind.READ],
        embed=due[JobKind.EMBED],
        embed_passages=to_embed,
        ocr=due[JobKind.OCR],
        retry=sum(int(row.later) for row in rows),
        parked=sum(int(row.parked) for row in rows),
    )


def page_jobs(connection: Connection, after_id: int, limit: int) -> tuple[Job, ...]:
    rows = connection.execute(select(jobs).where(jobs.c.id > after_id).order_by(jobs.c.id).limit(limit))
    return tuple(_job(row) for row in rows.mappings())


def job_about(connection: Connection, kind: JobKind, subject: int) -> Job | None:
    row = connection.execute(select(jobs).where(jobs.c.key == f"{kind}:{subject}")).mappings().first()
    return None if row is None else _job(row)


def wake_parked(connection: Connection, kind: JobKind, subjects: Sequence[int], now: datetime) -> None:
    """Parked jobs and those that wait for a retry become due at once."""
    for start in range(0, len(subjects), IN_LIMIT):
        connection.execute(
            update(jobs)
            .where(
                jobs.c.kind == kind.value,
                jobs.c.state != JobState.RUNNING.value,
                jobs.c.subject_id.in_(subjects[start : start + IN_LIMIT]),
            )
            .values(state=JobState.WAITING.value, attempts=0, not_before=now, error=None)
        )
