"""Many small files at once: their jobs taken, and what they hold made searchable, in one transaction each.

A transaction costs some milliseconds, whether it holds one file or fifty.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from nasd.domain.files import FileRecord, FileStat, FileState
from nasd.domain.jobs import Job, JobKind, JobState
from nasd.store import queue
from nasd.store.contents import NewContent, insert_passages, orphan_unheld
from nasd.store.files import record, select_records
from nasd.store.reads import row_version, version
from nasd.store.tables import contents, files, jobs

WINDOW = 512
"""How far ahead in the queue a lot is looked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which files are read in lots, and how many together."""

    kinds: Collection[str]
    most_files: int
    most_bytes: int
    file_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TextRead:
    """What a small file turned out to be. `new` is None when the catalogue knows the content, or another of
    the lot has the same."""

    job: Job
    file: FileRecord  # the row that the job began with
    stat: FileStat  # what the opened file said of itself while it was read
    kind: str
    media_type: str
    digest: str
    reader: str
    new: NewContent | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LotOutcome:
    """`alone` are those that are not this simple: they are to be read one by one."""

    done: tuple[TextRead, ...] = ()
    alone: tuple[TextRead, ...] = ()
    to_embed: bool = False
    revived: tuple[int, ...] = ()  # orphaned contents that are held again
    orphaned: tuple[int, ...] = ()


def claim_lot(
    connection: Connection, wanted: Wanted, now: datetime, *, priority: int = queue.LAST
) -> tuple[tuple[Job, FileRecord], ...]:
    """Takes the jobs of small texts, if such a one comes next; none otherwise.

    All are equally urgent. What was taken before, and so may be what ended the daemon then, is no part of it:
    it is taken alone.
    """
    rows = connection.execute(
        select(jobs.c.id, jobs.c.priority, jobs.c.attempts, files.c.kind, files.c.size, files.c.parent_id)
        .select_from(jobs.join(files, files.c.id == jobs.c.subject_id, isouter=True))
        .where(
            jobs.c.kind == JobKind.READ.value,
            jobs.c.state == JobState.WAITING.value,
            jobs.c.not_before <= now,
            jobs.c.priority <= priority,
        )
        .order_by(jobs.c.priority, jobs.c.id)
        .limit(WINDOW)
    ).all()
    ids: list[int] = []
    size = 0
    for row in rows:
        fits = (
            row.attempts == 0
            and row.kind in wanted.kinds
            and row.size <= wanted.file_bytes
            and row.parent_id is None
        )
        if not fits and not ids:
            return ()
        if row.priority != rows[0].priority or len(ids) == wanted.most_files:
            break
        if fits and (not ids or size + row.size <= wanted.most_bytes):
            ids.append(row.id)
            size += row.size
    taken = queue.take(connection, ids, now)
    subjects = [job.subject_id for job in taken]
    found = connection.execute(select_records().where(files.c.id.in_(subjects))).mappings()
    records = {row["id"]: record(row) for row in found}
    return tuple((job, records[job.subject_id]) for job in taken)


def known_contents(connection: Connection, keys: Sequence[tuple[str, str]]) -> set[tuple[str, str]]:
    """Those digests and readers of which there is a content."""
    return set(_contents(connection, keys))


def commit_lot(
    connection: Connection,
    lot: Sequence[TextRead],
    *,
    fingerprint: str | None,
    priority: int,
    now: datetime,
) -> LotOutcome:
    """Makes all of them searchable by words at once, as `reads.commit_read` does with one."""
    rows = _rows(connection, lot)
    keys = [(text.digest, text.reader) for text in lot]
    there = _contents(connection, keys)
    made = {(text.digest, text.reader): text.new for text in lot if text.new is not None}
    done: list[TextRead] = []
    alone: list[TextRead] = []
    for text, key in zip(lot, keys, strict=True):
        row = rows.get(text.file.id)
        same = row is not None and row_version(row) in {version(text.file.stat), version(text.stat)}
        (done if same and (key in there or key in made) else alone).append(text)
    wanted = {(text.digest, text.reader) for text in done}
    _insert(connection, {key: new for key, new in made.items() if key in wanted and key not in there}, now)
    there = _contents(connection, sorted(wanted))
    _update_files(connection, done, there, now)
    connection.execute(delete(jobs).where(jobs.c.id.in_([text.job.id for text in done])))
    held = sorted({content["id"] for content in there.values()})
    revived = tuple(content["id"] for content in there.values() if content["orphaned"] is not None)
    if revived:
        connection.execute(update(contents).where(contents.c.id.in_(revived)).values(orphaned=None))
    to_embed = sorted(
        content["id"]
        for content in there.values()
        if content["embedded_by"] is None or content["embedded_by"] != fingerprint
    )
    queue.enqueue(connection, JobKind.EMBED, to_embed, priority=priority, now=now)
    left = {rows[text.file.id]["content_id"] for text in done} - {None, *held}
    return LotOutcome(
        done=tuple(done),
        alone=tuple(alone),
        to_embed=bool(to_embed),
        revived=revived,
        orphaned=orphan_unheld(connection, sorted(left), now) if left else (),
    )


def _rows(connection: Connection, lot: Sequence[TextRead]) -> dict[int, Mapping[Any, Any]]:
    """The rows of the lot's files, but of those whose job is gone and of those that held members."""
    ids = [text.file.id for text in lot]
    running = select(jobs.c.subject_id).where(jobs.c.id.in_([text.job.id for text in lot]))
    parents = select(files.c.parent_id).where(files.c.parent_id.in_(ids))
    rows = connection.execute(
        select(files).where(files.c.id.in_(ids), files.c.id.in_(running), files.c.id.not_in(parents))
    )
    return {row["id"]: row for row in rows.mappings()}


def _contents(
    connection: Connection, keys: Sequence[tuple[str, str]]
) -> dict[tuple[str, str], Mapping[Any, Any]]:
    columns = (contents.c.id, contents.c.digest, contents.c.reader, contents.c.embedded_by)
    digests = {digest for digest, _ in keys}
    rows = connection.execute(select(*columns, contents.c.orphaned).where(contents.c.digest.in_(digests)))
    wanted = set(keys)
    return {key: row for row in rows.mappings() if (key := (row["digest"], row["reader"])) in wanted}


def _insert(connection: Connection, made: Mapping[tuple[str, str], NewContent], now: datetime) -> None:
    """Contents with their passages and, by trigger, their words."""
    if not made:
        return
    rows = [
        {
            "digest": digest,
            "reader": reader,
            "title": new.title,
            "name": new.name,
            "chars": new.chars,
            "passages": len(new.passages),
            "notes": list(new.notes),
            "metadata": dict(new.metadata),
            "created": now,
        }
        for (digest, reader), new in made.items()
    ]
    connection.execute(insert(contents), rows)
    ids = {key: content["id"] for key, content in _contents(connection, list(made)).items()}
    insert_passages(
        connection, [(ids[key], passage) for key, new in made.items() for passage in new.passages]
    )


def _update_files(
    connection: Connection,
    done: Sequence[TextRead],
    there: Mapping[tuple[str, str], Mapping[Any, Any]],
    now: datetime,
) -> None:
    if not done:
        return
    statement = (
        update(files)
        .where(files.c.id == bindparam("file"))
        .values(
            content_id=bindparam("content"),
            state=FileState.INDEXED.value,
            reason=None,
            detail=None,
            kind=bindparam("read_kind"),
            media_type=bindparam("read_type"),
            size=bindparam("read_size"),
            mtime_ns=bindparam("read_mtime_ns"),
            inode=bindparam("read_inode"),
            ctime_ns=bindparam("read_ctime_ns"),
            changed=now,
        )
    )
    connection.execute(
        statement,
        [
            {
                "file": text.file.id,
                "content": there[text.digest, text.reader]["id"],
                "read_kind": text.kind,
                "read_type": text.media_type,
                "read_size": text.stat.size,
                "read_mtime_ns": text.stat.mtime_ns,
                "read_inode": text.stat.inode,
                "read_ctime_ns": text.stat.ctime_ns,
            }
            for text in done
        ],
    )
