"""Jobs: named states, a lease, an attempt count, and a key by which repeated requests fold."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    String,
    Table,
    and_,
    case,
    delete,
    func,
    literal,
    or_,
    select,
    type_coerce,
    update,
)
from sqlalchemy.dialects.sqlite import insert

from nasd.domain.files import INTERRUPTED, FileState
from nasd.domain.jobs import HEAVY_BYTES, LEASE, LIGHT_BYTES, TEXTUAL, Job, JobKind, JobState, Weight
from nasd.store.contents import IN_LIMIT
from nasd.store.tables import contents, files, jobs

FRESH = 0
"""Priority of what just happened or was asked for, before the backlog of a scan. The weight of a file is
added to either."""
FRESH_LAST = 9
BACKLOG = 10

ENDED_OVER_IT = "nasd ended several times while reading it; a change of the file or a scan tries it again"

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
        priority=row["priority"],
    )


_WEIGHT = case(
    (files.c.size > HEAVY_BYTES, Weight.HEAVY.value),
    (files.c.kind.in_(sorted(TEXTUAL)) & (files.c.size <= LIGHT_BYTES), Weight.LIGHT.value),
    else_=Weight.MEDIUM.value,
)
"""`nasd.domain.jobs.weigh` in SQL."""


def _of_subject(column: ColumnElement[Any], table: Table, about: ColumnElement[int]) -> ColumnElement[int]:
    """A column of the row that a job is about; 0 when there is none."""
    found = select(column).select_from(table).where(table.c.id == about).scalar_subquery()
    return func.coalesce(found, literal(0), type_=Integer)


def _amount(kind: JobKind, about: ColumnElement[int]) -> ColumnElement[int]:
    match kind:
        case JobKind.READ:
            return _of_subject(files.c.size, files, about)
        case JobKind.EMBED:
            return _of_subject(contents.c.passages, contents, about)
    return literal(1)


def enqueue(
    connection: Connection,
    kind: JobKind,
    subjects: Sequence[int],
    *,
    priority: int,
    now: datetime,
    amount: int | None = None,
) -> None:
    """Makes one waiting job of each subject. One that waits or is parked is made due and fresh again; one
    that runs stays: whoever runs it sees by the file's row whether what it read is still true. `amount`: how
    much work each is, where its row does not tell (a file's bytes, a content's passages)."""
    if not subjects:
        return
    # One statement for all of them: a list of parameters for each cost as much as the insertion itself.
    about: ColumnElement[int] = func.json_each(json.dumps(list(subjects))).table_valued("value").c.value
    first = literal(priority)
    rows: dict[str, ColumnElement[Any]] = {
        "key": literal(f"{kind}:").concat(type_coerce(about, String)),
        "kind": literal(kind.value),
        "subject_id": about,
        "priority": first + _of_subject(_WEIGHT, files, about) if kind is JobKind.READ else first,
        "amount": _amount(kind, about) if amount is None else literal(amount),
        "state": literal(JobState.WAITING.value),
        "attempts": literal(0),
        "not_before": literal(now, jobs.c.not_before.type),
        "created": literal(now, jobs.c.created.type),
    }
    # With a condition, for a parser that could take ON CONFLICT for one of a join.
    statement = insert(jobs).from_select(list(rows), select(*rows.values()).where(about.is_not(None)))
    statement = statement.on_conflict_do_update(
        index_elements=[jobs.c.key],
        set_={
            "state": JobState.WAITING.value,
            "attempts": 0,
            "not_before": statement.excluded.not_before,
            "priority": func.min(jobs.c.priority, statement.excluded.priority),
            "amount": statement.excluded.amount,
            "error": None,
        },
        where=jobs.c.state != JobState.RUNNING.value,
    )
    connection.execute(statement)


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
    return take(connection, [job_id for _, job_id in sorted(found)[:limit]], now)


def take(connection: Connection, ids: Sequence[int], now: datetime) -> tuple[Job, ...]:
    """These jobs, for one lease, the most urgent first. Their attempts count from here."""
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
    # Asked of each job that is meant otherwise, which are few; to list the volume's files takes longer.
    its_file = select(files.c.id).where(files.c.id == jobs.c.subject_id, files.c.volume_id == volume_id)
    return jobs.c.kind == JobKind.READ.value, its_file.exists()


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
        .values(state=FileState.FAILED.value, reason=INTERRUPTED, detail=ENDED_OVER_IT, changed=now)
    )
    parked = connection.execute(
        update(jobs)
        .where(hopeless)
        .values(state=JobState.PARKED.value, lease_until=None, error=ENDED_OVER_IT)
    )
    waiting = connection.execute(
        update(jobs).where(running).values(state=JobState.WAITING.value, lease_until=None, not_before=now)
    )
    return parked.rowcount + waiting.rowcount


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueCounts:
    read: int = 0  # due or running
    read_light: int = 0  # of these: small texts,
    read_bytes: int = 0  # and what the others amount to
    embed: int = 0
    embed_passages: int = 0
    ocr: int = 0  # files with pages to be recognised
    ocr_pages: int = 0
    speech: int = 0  # recordings
    speech_s: int = 0
    pictures: int = 0
    retry: int = 0  # waiting for a later attempt
    parked: int = 0


def count_jobs(connection: Connection, now: datetime) -> QueueCounts:
    due = (jobs.c.state != JobState.PARKED.value) & or_(
        jobs.c.state == JobState.RUNNING.value, jobs.c.not_before <= now
    )
    light = (jobs.c.kind == JobKind.READ.value) & (jobs.c.priority % BACKLOG == Weight.LIGHT.value)
    rows = connection.execute(
        select(
            jobs.c.kind,
            func.count().label("all"),
            func.sum(type_coerce(due, Integer)).label("due"),
            func.sum(case((due & light, 1), else_=0)).label("light"),
            func.sum(case((due & ~light, jobs.c.amount), else_=0)).label("amount"),
            func.sum(case((jobs.c.state == JobState.PARKED.value, 1), else_=0)).label("parked"),
        ).group_by(jobs.c.kind)
    ).all()
    by_kind = {row.kind: row for row in rows}

    def number(kind: JobKind, what: str) -> int:
        return int(getattr(by_kind[kind], what)) if kind in by_kind else 0

    return QueueCounts(
        read=number(JobKind.READ, "due"),
        read_light=number(JobKind.READ, "light"),
        read_bytes=number(JobKind.READ, "amount"),
        embed=number(JobKind.EMBED, "due"),
        embed_passages=number(JobKind.EMBED, "amount"),
        ocr=number(JobKind.OCR, "due"),
        ocr_pages=number(JobKind.OCR, "amount"),
        speech=number(JobKind.SPEECH, "due"),
        speech_s=number(JobKind.SPEECH, "amount"),
        pictures=number(JobKind.PICTURE, "due"),
        retry=sum(int(row.all) - int(row.due) - int(row.parked) for row in rows),
        parked=sum(int(row.parked) for row in rows),
    )


def any_due(connection: Connection, kinds: Sequence[JobKind], now: datetime) -> bool:
    """Whether a job of one of these kinds is to be done now, or is being done."""
    due = or_(
        jobs.c.state == JobState.RUNNING.value,
        and_(jobs.c.state == JobState.WAITING.value, jobs.c.not_before <= now),
    )
    query = select(jobs.c.id).where(jobs.c.kind.in_([kind.value for kind in kinds]), due).limit(1)
    return connection.execute(query).first() is not None


def set_amount(connection: Connection, job_id: int, amount: int) -> None:
    """How much of a job is left."""
    connection.execute(update(jobs).where(jobs.c.id == job_id).values(amount=amount))


def hasten(connection: Connection, kind: JobKind, subject: int) -> bool:
    """Somebody asks for the outcome of a job that waits: it comes before what nobody asked for. Whether there
    is one."""
    waiting = (jobs.c.key == f"{kind}:{subject}") & (jobs.c.state == JobState.WAITING.value)
    changed = connection.execute(
        update(jobs).where(waiting, jobs.c.priority > FRESH_LAST).values(priority=jobs.c.priority % BACKLOG)
    )
    return bool(changed.rowcount)


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
