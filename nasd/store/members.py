"""Members of containers: rows of their own, which live and die with the file on the volume that holds them.

`parent_id` names that file, however deep within containers a member lies; its path goes on after theirs.
What members hold is kept ahead (`keep_content`, seen by nobody) while a container is read, so that all of
them can appear at once, and reading that was interrupted need not begin anew.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, delete, func, insert, select, update

from nasd.domain.files import FileState, display_path
from nasd.domain.jobs import JobKind
from nasd.store import queue
from nasd.store.contents import IN_LIMIT, NewContent, insert_content
from nasd.store.tables import contents, files, jobs


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberRead:
    """A member as it is to be recorded: `path` within the volume. With a digest it is indexed by the content
    of that digest and reader, which must be there; without, it is failed or skipped for `reason`."""

    path: bytes
    size: int
    mtime_ns: int
    kind: str
    media_type: str
    digest: str | None = None
    reader: str | None = None
    skipped: bool = False
    reason: str | None = None
    detail: str | None = None
    temporary: bool = False  # reading it again may help

    @property
    def state(self) -> FileState:
        if self.digest is not None:
            return FileState.INDEXED
        return FileState.SKIPPED if self.skipped else FileState.FAILED


@dataclass(frozen=True, slots=True, kw_only=True)
class Replaced:
    """`held` are contents that former members held; `now_held` those of the present ones; `revived` those
    that nobody held just before, and whose vectors may be there; `to_embed` those that lack them."""

    held: frozenset[int]
    now_held: frozenset[int]
    revived: tuple[int, ...]
    to_embed: tuple[int, ...]


def keep_content(connection: Connection, digest: str, reader: str, new: NewContent, now: datetime) -> None:
    """Adds a content that no file holds yet, with its passages; one that is there already is kept from being
    swept."""
    there = (contents.c.digest == digest) & (contents.c.reader == reader)
    content_id = connection.execute(select(contents.c.id).where(there)).scalar()
    if content_id is None:
        content_id = insert_content(connection, digest, reader, new, now)
        orphaned = contents.c.id == content_id
    else:
        orphaned = (contents.c.id == content_id) & contents.c.orphaned.is_not(None)
    connection.execute(update(contents).where(orphaned).values(orphaned=now))


def contents_for(connection: Connection, members: Sequence[MemberRead]) -> dict[tuple[str, str], Any] | None:
    """Rows of `contents` by digest and reader; None when one is missing that a member needs."""
    wanted = {
        (one.digest, one.reader) for one in members if one.digest is not None and one.reader is not None
    }
    digests = sorted({digest for digest, _ in wanted})
    found: dict[tuple[str, str], Any] = {}
    for start in range(0, len(digests), IN_LIMIT):
        part = digests[start : start + IN_LIMIT]
        rows = connection.execute(
            select(
                contents.c.id,
                contents.c.digest,
                contents.c.reader,
                contents.c.embedded_by,
                contents.c.orphaned,
                contents.c.metadata,
            ).where(contents.c.digest.in_(part))
        )
        found |= {(row.digest, row.reader): row for row in rows}
    return found if wanted <= found.keys() else None


def replace_members(
    connection: Connection,
    container: Mapping[Any, Any],
    members: Sequence[MemberRead],
    held_by: Mapping[tuple[str, str], Any],
    *,
    fingerprint: str | None,
    now: datetime,
) -> Replaced:
    """Makes `members` all that the container (a row of `files`) holds. Rows of members that stay keep their
    ids; what is the same is not touched."""
    rows = connection.execute(select(files).where(files.c.parent_id == container["id"])).mappings().all()
    held = frozenset(row["content_id"] for row in rows if row["content_id"] is not None)
    there = {row["path"]: row for row in rows}
    added, changed = [], []
    for one in members:
        content = held_by[one.digest, one.reader].id if one.digest and one.reader else None
        values = _values(one, content)
        before = there.pop(one.path, None)
        if before is None:
            added.append(
                {
                    "volume_id": container["volume_id"],
                    "parent_id": container["id"],
                    "path": one.path,
                    "path_text": display_path(one.path),
                    "inode": 0,
                    "ctime_ns": 0,
                    "first_seen": now,
                    "changed": now,
                    **values,
                }
            )
        elif any(before[name] != value for name, value in values.items()):
            changed.append({"member_id": before["id"], "changed": now, **values})
    _delete(connection, [row["id"] for row in there.values()])
    if added:
        connection.execute(insert(files), added)
    if changed:
        names = changed[0].keys() - {"member_id"}
        connection.execute(
            update(files)
            .where(files.c.id == bindparam("member_id"))
            .values({name: bindparam(name) for name in names}),
            changed,
        )
    now_held = [held_by[one.digest, one.reader] for one in members if one.digest and one.reader]
    return _hold(connection, held, {row.id: row for row in now_held}, fingerprint, now)


def _values(one: MemberRead, content_id: int | None) -> dict[str, Any]:
    return {
        "size": one.size,
        "mtime_ns": one.mtime_ns,
        "kind": one.kind,
        "media_type": one.media_type,
        "state": one.state.value,
        "reason": one.reason,
        "detail": one.detail,
        "content_id": content_id,
    }


def _hold(
    connection: Connection,
    held: frozenset[int],
    rows: Mapping[int, Any],
    fingerprint: str | None,
    now: datetime,
) -> Replaced:
    ids = list(rows)
    for start in range(0, len(ids), IN_LIMIT):
        part = contents.c.id.in_(ids[start : start + IN_LIMIT])
        connection.execute(
            update(contents).where(part, contents.c.orphaned.is_not(None)).values(orphaned=None)
        )
    orphaned = [row for row in rows.values() if row.orphaned is not None]
    to_embed = tuple(
        row.id for row in rows.values() if row.embedded_by is None or row.embedded_by != fingerprint
    )
    queue.enqueue(connection, JobKind.EMBED, to_embed, priority=queue.BACKLOG, now=now)
    return Replaced(
        held=held,
        now_held=frozenset(rows),
        revived=tuple(row.id for row in orphaned if row.embedded_by is not None),
        to_embed=to_embed,
    )


def forget_members(connection: Connection, containers: Sequence[int]) -> list[int]:
    """Deletes the members of these files; the contents that they held."""
    held: list[int] = []
    for start in range(0, len(containers), IN_LIMIT):
        part = files.c.parent_id.in_(containers[start : start + IN_LIMIT])
        rows = connection.execute(select(files.c.id, files.c.content_id).where(part)).all()
        held += {row.content_id for row in rows if row.content_id is not None}
        _delete(connection, [row.id for row in rows])
    return held


def _delete(connection: Connection, ids: Sequence[int]) -> None:
    for start in range(0, len(ids), IN_LIMIT):
        part = ids[start : start + IN_LIMIT]
        connection.execute(delete(jobs).where(jobs.c.kind == JobKind.READ.value, jobs.c.subject_id.in_(part)))
        connection.execute(delete(files).where(files.c.id.in_(part)))


def move_members(connection: Connection, moves: Sequence[tuple[int, bytes]]) -> None:
    """Files have moved, by id, to these paths, which their rows do not yet have: their members go along."""
    containers: set[int] = set()
    for start in range(0, len(moves), IN_LIMIT):
        part = [file_id for file_id, _ in moves[start : start + IN_LIMIT]]
        holding = select(files.c.parent_id).where(files.c.parent_id.in_(part)).distinct()
        containers.update(connection.execute(holding).scalars())
    for container, path in moves:
        if container not in containers:
            continue
        rows = connection.execute(
            select(files.c.id, files.c.path).where(files.c.parent_id == container)
        ).all()
        old = connection.execute(select(files.c.path).where(files.c.id == container)).scalar_one()
        renamed = [(row.id, path + row.path[len(old) :]) for row in rows]
        connection.execute(
            update(files)
            .where(files.c.id == bindparam("member_id"))
            .values(path=bindparam("new_path"), path_text=bindparam("new_text")),
            [{"member_id": one, "new_path": new, "new_text": display_path(new)} for one, new in renamed],
        )


def count_members(connection: Connection, container: int) -> int:
    return int(
        connection.execute(select(func.count(files.c.id)).where(files.c.parent_id == container)).scalar_one()
    )
