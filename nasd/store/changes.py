"""What scans saw, made rows: new, changed, moved and gone files, and the jobs that follow from them.

A scan brings them by the hundred thousand, so each step is one statement over all rows of a batch: what is
done row by row through SQLAlchemy costs ten times as much as the database itself takes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import Connection, bindparam, delete, func, select, update
from sqlalchemy.dialects.sqlite import insert

from nasd.domain.files import RULE, FileStat, FileState, display_path
from nasd.domain.jobs import JobKind
from nasd.store import members, queue
from nasd.store.contents import IN_LIMIT, orphan_unheld
from nasd.store.tables import files, jobs


class KnownFile(NamedTuple):
    """What a comparison with the disk needs of a file. A tuple, as there is one for each file of a volume."""

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
    """Contents that search no longer sees after a change; what it sees anew comes from reading. `known`: by
    how much the number that `count_known` gives has grown."""

    to_read: int = 0
    known: int = 0
    orphaned: tuple[int, ...] = ()


T = TypeVar("T")

_STATES = {state.value: state for state in FileState}
_KNOWN = select(
    files.c.id,
    files.c.path,
    files.c.size,
    files.c.mtime_ns,
    files.c.inode,
    files.c.ctime_ns,
    files.c.state,
    files.c.reason,
).where(files.c.volume_id == bindparam("volume"), files.c.parent_id.is_(None))
_AT = _KNOWN.where(files.c.path == bindparam("path"))
_BETWEEN = _KNOWN.where(files.c.path > bindparam("after")).order_by(files.c.path).limit(bindparam("most"))
_BELOW = _BETWEEN.where(files.c.path < bindparam("end"))


def known_below(
    connection: Connection, volume_id: int, below: bytes, *, after: bytes = b"", limit: int = -1
) -> list[KnownFile]:
    """The known files of a volume (`below` is b""), or those at or below a path, in the order of their paths'
    bytes: the first `limit` (-1: all) after the path `after`, so that a million need not be held at once."""
    values: dict[str, Any] = {"volume": volume_id, "after": after, "most": limit}
    if not below:
        return [_known(row) for row in connection.execute(_BETWEEN, values)]
    at = [] if after else connection.execute(_AT, {"volume": volume_id, "path": below}).all()
    # "/" is followed by "0" in byte order: the range holds exactly what lies below the folder.
    values |= {"after": max(after, below + b"/"), "end": below + b"0"}
    return [_known(row) for row in (*at, *connection.execute(_BELOW, values))]


def _known(row: Any) -> KnownFile:
    file_id, path, size, mtime_ns, inode, ctime_ns, state, reason = row
    return KnownFile(file_id, path, size, mtime_ns, inode, ctime_ns, _STATES[state], reason)


_ON_DISK = (files.c.parent_id.is_(None), files.c.reason.is_distinct_from(RULE))


def count_known(connection: Connection, volume_id: int) -> int:
    """How many files on the disk that no ignore rule leaves out; members of containers are not counted."""
    query = select(func.count()).where(files.c.volume_id == volume_id, *_ON_DISK)
    return int(connection.execute(query).scalar_one())


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
    goes = list(gone)
    if moved:
        goes += _put_aside(connection, volume_id, moved)
    known = -_count(connection, goes)
    held += _forget(connection, goes)
    if moved:
        _rename(connection, moved)
    added, there = _add(connection, volume_id, new, now) if new else ([], [])
    known += sum(seen.skip_reason != RULE for _, seen in added)
    changed = [*changed, *there]
    if changed:
        known -= _count(connection, [file_id for file_id, _ in changed])
        held += _change(connection, changed, now)
        known += _count(connection, [file_id for file_id, _ in changed])
    to_read = [file_id for file_id, seen in (*added, *changed) if seen.skip_reason is None]
    queue.enqueue(connection, JobKind.READ, to_read, priority=priority, now=now)
    return Applied(to_read=len(to_read), known=known, orphaned=orphan_unheld(connection, held, now))


_SEEN = (
    *("size", "mtime_ns", "inode", "ctime_ns", "kind", "media_type"),
    *("state", "reason", "detail", "changed"),
)
_INSERT = insert(files).on_conflict_do_nothing(
    index_elements=[files.c.volume_id, files.c.path], index_where=files.c.parent_id.is_(None)
)
_UPDATE = (
    update(files)
    .where(files.c.id == bindparam("file_id"))
    .values({name: bindparam(f"seen_{name}") for name in _SEEN})
)
_RENAME = (
    update(files)
    .where(files.c.id == bindparam("file_id"))
    .values(path=bindparam("new_path"), path_text=bindparam("new_text"))
)


def _add(
    connection: Connection, volume_id: int, new: Sequence[Seen], now: datetime
) -> tuple[list[tuple[int, Seen]], list[tuple[int, Seen]]]:
    """Adds rows; those that are new now, and those that were there before, with their ids."""
    last = connection.execute(select(func.coalesce(func.max(files.c.id), 0))).scalar_one()
    rows = [
        {
            "volume_id": volume_id,
            "path": seen.stat.path,
            "path_text": display_path(seen.stat.path),
            "first_seen": now,
            **_seen_values(seen, now),
        }
        for seen in new
    ]
    connection.execute(_INSERT, rows)
    by_path = {seen.stat.path: seen for seen in new}
    found = [(file_id, by_path[path]) for file_id, path in _at_paths(connection, volume_id, list(by_path))]
    # Ids only ever rise.
    return [pair for pair in found if pair[0] > last], [pair for pair in found if pair[0] <= last]


def _change(connection: Connection, changed: Sequence[tuple[int, Seen]], now: datetime) -> list[int]:
    """Takes over what was seen of known files; the contents that those held that are now skipped."""
    held: list[int] = []
    skipped = [file_id for file_id, seen in changed if seen.skip_reason is not None]
    if skipped:
        held += members.forget_members(connection, skipped)
        held += _contents_of(connection, skipped)
        for part in _parts(skipped):
            connection.execute(update(files).where(files.c.id.in_(part)).values(content_id=None))
        _drop_jobs(connection, skipped)
    connection.execute(
        _UPDATE,
        [
            {"file_id": file_id, **{f"seen_{name}": value for name, value in _seen_values(seen, now).items()}}
            for file_id, seen in changed
        ],
    )
    return held


def _put_aside(connection: Connection, volume_id: int, moved: Sequence[tuple[int, bytes]]) -> list[int]:
    """Clears the paths that files are to have: what another look has put there meanwhile gets another if it
    is to move itself; the ids of the rest, which has to go."""
    goes_to = {path: file_id for file_id, path in moved}
    moving = {file_id for file_id, _ in moved}
    there = _at_paths(connection, volume_id, list(goes_to))
    in_the_way = [file_id for file_id, path in there if file_id != goes_to[path]]
    # No path holds a zero byte, so none of these is in the way of another.
    aside = [(file_id, b"\0%d" % file_id) for file_id in in_the_way if file_id in moving]
    if aside:
        _rename(connection, aside)
    return [file_id for file_id in in_the_way if file_id not in moving]


def _rename(connection: Connection, moved: Sequence[tuple[int, bytes]]) -> None:
    members.move_members(connection, moved)
    values = [
        {"file_id": file_id, "new_path": path, "new_text": display_path(path)} for file_id, path in moved
    ]
    connection.execute(_RENAME, values)


def _at_paths(connection: Connection, volume_id: int, paths: Sequence[bytes]) -> list[tuple[int, bytes]]:
    """Which of these paths of a volume have rows, with their ids."""
    found: list[tuple[int, bytes]] = []
    for part in _parts(paths):
        rows = connection.execute(
            select(files.c.id, files.c.path).where(
                files.c.volume_id == volume_id, files.c.path.in_(part), files.c.parent_id.is_(None)
            )
        )
        found += [(row[0], row[1]) for row in rows]
    return found


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
    held = [*members.forget_members(connection, ids), *_contents_of(connection, ids)]
    _drop_jobs(connection, ids)
    for part in _parts(ids):
        connection.execute(delete(files).where(files.c.id.in_(part)))
    return held


def _count(connection: Connection, ids: Sequence[int]) -> int:
    """How many of these rows `count_known` counts."""
    return sum(
        connection.execute(select(func.count()).where(files.c.id.in_(part), *_ON_DISK)).scalar_one()
        for part in _parts(ids)
    )


def _contents_of(connection: Connection, ids: Sequence[int]) -> list[int]:
    held: list[int] = []
    for part in _parts(ids):
        wanted = (files.c.id.in_(part), files.c.content_id.is_not(None))
        held += connection.execute(select(files.c.content_id).where(*wanted).distinct()).scalars()
    return held


def _drop_jobs(connection: Connection, ids: Sequence[int]) -> None:
    # By key: an index finds it, however long the queue is.
    for part in _parts([f"{JobKind.READ}:{file_id}" for file_id in ids]):
        connection.execute(delete(jobs).where(jobs.c.key.in_(part)))


def _parts(items: Sequence[T]) -> Iterator[Sequence[T]]:
    return (items[start : start + IN_LIMIT] for start in range(0, len(items), IN_LIMIT))
