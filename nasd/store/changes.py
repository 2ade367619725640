"""What scans saw, made rows: new, changed, moved and gone files, and the jobs that follow from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, update

from nasd.domain.files import FileStat, FileState, display_path
from nasd.domain.jobs import JobKind
from nasd.store import members, queue
from nasd.store.contents import IN_LIMIT, inserted_id, orphan_unheld
from nasd.store.tables import files, jobs

RULE = "rule"
"""The `reason` of a file that is skipped because of an ignore rule."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownFile:
    """What a comparison with the disk needs of a file."""

    id: int
    path: bytes
    size: int
    mtime_ns: int
    inode: int
    ctime_ns: int
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


def known_below(connection: Connection, volume_id: int, below: bytes) -> list[KnownFile]:
    """All known files of a volume, or those at or below a path, in the order of their paths' bytes."""
    query = select(
        files.c.id,
        files.c.path,
        files.c.size,
        files.c.mtime_ns,
        files.c.inode,
        files.c.ctime_ns,
        files.c.state,
        files.c.reason,
    ).where(files.c.volume_id == volume_id, files.c.parent_id.is_(None))
    if below:
        # "/" is followed by "0" in byte order: the range holds exactly what lies below the folder.
        inside = (files.c.path >= below + b"/") & (files.c.path < below + b"0")
        query = query.where((files.c.path == below) | inside)
    return [
        KnownFile(**{**row, "state": FileState(row["state"])})
        for row in connection.execute(query.order_by(files.c.path)).mappings()
    ]


def count_known(connection: Connection, volume_id: int) -> int:
    """How many files on the disk that no ignore rule leaves out; members of containers are not counted."""
    on_disk = select(func.count(files.c.id)).where(
        files.c.volume_id == volume_id, files.c.parent_id.is_(None), files.c.reason.is_distinct_from(RULE)
    )
    return int(connection.execute(on_disk).scalar_one())


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
            files.c.volume_id == volume_id,
            files.c.path == path,
            files.c.id != file_id,
            files.c.parent_id.is_(None),
        )
        held += _forget(connection, list(connection.execute(in_the_way).scalars()))
        members.move_members(connection, [(file_id, path)])
        connection.execute(
            update(files).where(files.c.id == file_id).values(path=path, path_text=display_path(path))
        )
    for seen in new:
        path = seen.stat.path
        there = connection.execute(
            select(files.c.id).where(
                files.c.volume_id == volume_id, files.c.path == path, files.c.parent_id.is_(None)
            )
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
            held += members.forget_members(connection, [file_id])
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
        "ctime_ns": seen.stat.ctime_ns,
        "kind": seen.kind,
        "media_type": seen.media_type,
        "state": state.value,
        "reason": seen.skip_reason,
        "detail": seen.skip_detail,
        "changed": now,
    }


def _forget(connection: Connection, ids: Sequence[int]) -> list[int]:
    """Deletes file rows and those of their members; the contents they held."""
    held = members.forget_members(connection, ids)
    for start in range(0, len(ids), IN_LIMIT):
        part = ids[start : start + IN_LIMIT]
        rows = connection.execute(
            select(files.c.content_id).where(files.c.id.in_(part), files.c.content_id.is_not(None)).distinct()
        )
        held += [row[0] for row in rows]
        connection.execute(delete(jobs).where(jobs.c.kind == JobKind.READ.value, jobs.c.subject_id.in_(part)))
        connection.execute(delete(files).where(files.c.id.in_(part)))
    return held
