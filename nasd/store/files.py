"""Files in the catalogue: what scans saw of them, and what became of reading them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, delete, func, insert, select, update

from nasd.domain.files import FileRecord, FileStat, FileState, display_path
from nasd.domain.jobs import JobKind
from nasd.domain.search import Filters
from nasd.errors import NotFound
from nasd.store import queue
from nasd.store.contents import IN_LIMIT, NewContent, find_content, insert_content, inserted_id, orphan_unheld
from nasd.store.tables import contents, files, jobs, volumes

EVERYTHING = Filters()


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownFile:
    """What a comparison with the disk needs of a file."""

    id: int
    path: bytes
    size: int
    mtime_ns: int
    inode: int
    state: FileState
    reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A file as the disk shows it, and what is to become of it: read, or skipped for `reason`."""

    stat: FileStat
    kind: str
    media_type: str
    skip_reason: str | None = None
    skip_detail: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """Contents that search no longer sees after a change; what it sees anew comes from reading."""

    to_read: int = 0
    orphaned: tuple[int, ...] = ()


def select_records() -> Select[Any]:
    """Rows from which `record` makes a `FileRecord`; `semantic` holds for any model."""
    return select(
        files,
        volumes.c.name.label("volume"),
        contents.c.title.label("title"),
        contents.c.embedded_by.label("embedded_by"),
    ).select_from(
        files.join(volumes, volumes.c.id == files.c.volume_id).outerjoin(
            contents, contents.c.id == files.c.content_id
        )
    )


def record(row: Mapping[Any, Any]) -> FileRecord:
    return FileRecord(
        id=row["id"],
        volume_id=row["volume_id"],
        volume=row["volume"],
        path=row["path"],
        size=row["size"],
        mtime_ns=row["mtime_ns"],
        inode=row["inode"],
        kind=row["kind"],
        media_type=row["media_type"],
        state=FileState(row["state"]),
        reason=row["reason"],
        detail=row["detail"],
        content_id=row["content_id"],
        title=row["title"],
        semantic=row["embedded_by"] is not None,
        first_seen=row["first_seen"],
        changed=row["changed"],
    )


def file_by_id(connection: Connection, file_id: int) -> FileRecord:
    """Raises `NotFound`."""
    row = connection.execute(select_records().where(files.c.id == file_id)).mappings().first()
    if row is None:
        raise NotFound("There is no such file, or it is gone.")
    return record(row)


def file_at(connection: Connection, volume_id: int, path: bytes) -> FileRecord | None:
    row = (
        connection.execute(select_records().where(files.c.volume_id == volume_id, files.c.path == path))
        .mappings()
        .first()
    )
    return None if row is None else record(row)


def page_files(
    connection: Connection,
    *,
    filters: Filters = EVERYTHING,
    state: FileState | None = None,
    after_id: int = 0,
    limit: int = 100,
) -> tuple[FileRecord, ...]:
    query = select_records().where(files.c.id > after_id, *conditions(filters))
    if state is not None:
        query = query.where(files.c.state == state.value)
    return tuple(
        record(row) for row in connection.execute(query.order_by(files.c.id).limit(limit)).mappings()
    )


def recent_failures(connection: Connection, limit: int) -> tuple[FileRecord, ...]:
    query = select_records().where(files.c.state == FileState.FAILED.value)
    newest = query.order_by(files.c.changed.desc(), files.c.id.desc()).limit(limit)
    return tuple(record(row) for row in connection.execute(newest).mappings())


def conditions(filters: Filters) -> list[ColumnElement[bool]]:
    """Filters as conditions over `files` (with `volumes` joined when volumes are named)."""
    wanted: list[ColumnElement[bool]] = []
    if filters.volumes:
        named = select(volumes.c.id).where(volumes.c.name.in_(filters.volumes))
        wanted.append(files.c.volume_id.in_(named))
    if filters.path is not None:
        wanted.append(func.path_matches(filters.path, files.c.path_text) == 1)
    if filters.kinds:
        wanted.append(files.c.kind.in_(filters.kinds))
    if filters.modified_after is not None:
        wanted.append(files.c.mtime_ns >= _nanoseconds(filters.modified_after))
    if filters.modified_before is not None:
        wanted.append(files.c.mtime_ns < _nanoseconds(filters.modified_before))
    return wanted


def _nanoseconds(at: datetime) -> int:
    return int(at.timestamp()) * 1_000_000_000 + at.microsecond * 1_000


def known_below(connection: Connection, volume_id: int, below: bytes) -> list[KnownFile]:
    """All known files of a volume, or those at or below a path, in the order of their paths' bytes."""
    query = select(
        files.c.id,
        files.c.path,
        files.c.size,
        files.c.mtime_ns,
        files.c.inode,
        files.c.state,
        files.c.reason,
    ).where(files.c.volume_id == volume_id)
    if below:
        # "/" is followed by "0" in byte order: the range holds exactly what lies below the folder.
        inside = (files.c.path >= below + b"/") & (files.c.path < below + b"0")
        query = query.where((files.c.path == below) | inside)
    return [
        KnownFile(**{**row, "state": FileState(row["state"])})
        for row in connection.execute(query.order_by(files.c.path)).mappings()
    ]


def count_known(connection: Connection, volume_id: int) -> int:
    return int(
        connection.execute(select(func.count(files.c.id)).where(files.c.volume_id == volume_id)).scalar_one()
    )


def apply_changes(
    connection: Connection,
    volume_id: int,
    *,
    new: Sequence[Seen],
    changed: Sequence[tuple[int, Seen]],
    gone: Sequence[int],
    moved: Sequence[tuple[int, bytes]] = (),
    priority: int,
    now: datetime,
) -> Applied:
    """Makes the catalogue agree with what was seen, in one transaction, and enqueues what is to be read.

    `moved` are known files under another path: by inode, size and time they are the same, as an unchanged
    file is, so what was learned of them stays.
    A path that is there already when it should be new is taken as changed: two looks may cross.
    """
    held: list[int] = []
    to_read: list[int] = []
    if gone:
        held += _forget(connection, gone)
    for file_id, path in moved:
        in_the_way = select(files.c.id).where(
            files.c.volume_id == volume_id, files.c.path == path, files.c.id != file_id
        )
        held += _forget(connection, list(connection.execute(in_the_way).scalars()))
        connection.execute(
            update(files).where(files.c.id == file_id).values(path=path, path_text=display_path(path))
        )
    for seen in new:
        path = seen.stat.path
        there = connection.execute(
            select(files.c.id).where(files.c.volume_id == volume_id, files.c.path == path)
        ).scalar()
        if there is not None:
            changed = [*changed, (there, seen)]
            continue
        inserted = connection.execute(
            insert(files).values(
                volume_id=volume_id,
                path=path,
                path_text=display_path(path),
                first_seen=now,
                **_seen_values(seen, now),
            )
        )
        if seen.skip_reason is None:
            to_read.append(inserted_id(inserted))
    for file_id, seen in changed:
        values = _seen_values(seen, now)
        if seen.skip_reason is not None:
            before = connection.execute(select(files.c.content_id).where(files.c.id == file_id)).scalar()
            held += [before] if before is not None else []
            values["content_id"] = None
            queue_key = f"{JobKind.READ}:{file_id}"
            connection.execute(delete(jobs).where(jobs.c.key == queue_key))
        else:
            to_read.append(file_id)
        connection.execute(update(files).where(files.c.id == file_id).values(**values))
    queue.enqueue(connection, JobKind.READ, to_read, priority=priority, now=now)
    return Applied(to_read=len(to_read), orphaned=orphan_unheld(connection, held, now))


def _seen_values(seen: Seen, now: datetime) -> dict[str, Any]:
    state = FileState.PENDING if seen.skip_reason is None else FileState.SKIPPED
    return {
        "size": seen.stat.size,
        "mtime_ns": seen.stat.mtime_ns,
        "inode": seen.stat.inode,
        "kind": seen.kind,
        "media_type": seen.media_type,
        "state": state.value,
        "reason": seen.skip_reason,
        "detail": seen.skip_detail,
        "changed": now,
    }


def _forget(connection: Connection, ids: Sequence[int]) -> list[int]:
    """Deletes file rows; the contents they held."""
    held: list[int] = []
    for start in range(0, len(ids), IN_LIMIT):
        part = ids[start : start + IN_LIMIT]
        rows = connection.execute(
            select(files.c.content_id).where(files.c.id.in_(part), files.c.content_id.is_not(None)).distinct()
        )
        held += [row[0] for row in rows]
        connection.execute(delete(jobs).where(jobs.c.kind == JobKind.READ.value, jobs.c.subject_id.in_(part)))
        connection.execute(delete(files).where(files.c.id.in_(part)))
    return held


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadOutcome:
    """What committing a read came to. `stale`: the file changed meanwhile and is read again."""

    stale: bool = False
    content_id: int | None = None
    revived: bool = False  # an orphaned content is held again: its vectors are to be found again
    semantic: bool = False  # its vectors are there already
    orphaned: tuple[int, ...] = ()


def commit_read(
    connection: Connection,
    *,
    job_id: int,
    file: FileRecord,
    read: FileStat,
    kind: str,
    media_type: str,
    digest: str,
    reader: str,
    new: NewContent | None,
    fingerprint: str | None,
    priority: int,
    now: datetime,
) -> ReadOutcome:
    """Makes one file's bytes searchable by words: content, passages, words, file and jobs at once.

    `file` is the row that the job began with, `read` what the opened file said of itself while it was read.
    `new` is None when the content is known; should it have been swept meanwhile, the file is read again.
    """
    row = connection.execute(select(files).where(files.c.id == file.id)).mappings().first()
    if row is None:
        queue.finish(connection, job_id)
        return ReadOutcome()
    now_there = (row["size"], row["mtime_ns"], row["inode"])
    content = find_content(connection, digest, reader)
    if now_there not in {(file.size, file.mtime_ns, file.inode), (read.size, read.mtime_ns, read.inode)} or (
        content is None and new is None
    ):
        queue.put_back(connection, [job_id], now)
        return ReadOutcome(stale=True)
    if content is None:
        assert new is not None
        content_id = insert_content(connection, digest, reader, new, now)
        embedded_by = None if new.passages else fingerprint
    else:
        content_id, embedded_by = content.id, content.embedded_by
    was_orphan = connection.execute(
        update(contents)
        .where(contents.c.id == content_id, contents.c.orphaned.is_not(None))
        .values(orphaned=None)
    ).rowcount
    connection.execute(
        update(files)
        .where(files.c.id == file.id)
        .values(
            content_id=content_id,
            state=FileState.INDEXED.value,
            reason=None,
            detail=None,
            kind=kind,
            media_type=media_type,
            size=read.size,
            mtime_ns=read.mtime_ns,
            inode=read.inode,
            changed=now,
        )
    )
    queue.finish(connection, job_id)
    semantic = embedded_by is not None and embedded_by == fingerprint
    if not semantic:
        queue.enqueue(connection, JobKind.EMBED, [content_id], priority=priority, now=now)
    before = row["content_id"]
    orphaned = orphan_unheld(connection, [before], now) if before not in (None, content_id) else ()
    return ReadOutcome(content_id=content_id, revived=bool(was_orphan), semantic=semantic, orphaned=orphaned)


def commit_failure(
    connection: Connection,
    *,
    job_id: int,
    file: FileRecord,
    reason: str,
    detail: str,
    skipped: bool,
    retry_at: datetime | None,
    now: datetime,
) -> ReadOutcome:
    """Records why a file could not be read. What was known of its former bytes is no longer shown, unless
    it is tried again: then the former content stays until the matter is decided."""
    row = connection.execute(select(files).where(files.c.id == file.id)).mappings().first()
    if row is None:
        queue.finish(connection, job_id)
        return ReadOutcome()
    if (row["size"], row["mtime_ns"], row["inode"]) != (file.size, file.mtime_ns, file.inode):
        queue.put_back(connection, [job_id], now)
        return ReadOutcome(stale=True)
    state = FileState.SKIPPED if skipped else FileState.FAILED
    values: dict[str, Any] = {"state": state.value, "reason": reason, "detail": detail, "changed": now}
    if retry_at is None:
        values["content_id"] = None
    connection.execute(update(files).where(files.c.id == file.id).values(**values))
    if skipped:
        queue.finish(connection, job_id)
    else:
        queue.retry(connection, job_id, detail, retry_at)
    before = row["content_id"]
    orphaned = orphan_unheld(connection, [before], now) if before is not None and retry_at is None else ()
    return ReadOutcome(orphaned=orphaned)


def failed_ids(connection: Connection, volume_id: int) -> list[int]:
    rows = connection.execute(
        select(files.c.id).where(files.c.volume_id == volume_id, files.c.state == FileState.FAILED.value)
    )
    return [row[0] for row in rows]


def paths_of(connection: Connection, ids: Iterable[int]) -> dict[int, str]:
    """What jobs are about, for people: "volume:path" by file id."""
    rows = connection.execute(select_records().where(files.c.id.in_(list(ids)))).mappings()
    return {row["id"]: f"{row['volume']}:{row['path_text']}" for row in rows}


def paths_of_contents(connection: Connection, ids: Iterable[int]) -> dict[int, str]:
    """The same for contents: one of the files that hold each."""
    rows = connection.execute(select_records().where(files.c.content_id.in_(list(ids)))).mappings()
    return {row["content_id"]: f"{row['volume']}:{row['path_text']}" for row in rows}
