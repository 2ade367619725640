"""Files in the catalogue: what scans saw of them, and what became of reading them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, func, select

from nasd.domain.files import FileRecord, FileState, VolumeState
from nasd.domain.globs import literal_start
from nasd.domain.search import Filters
from nasd.errors import NotFound
from nasd.store.tables import contents, files, volumes

EVERYTHING = Filters()


def select_records() -> Select[Any]:
    """Rows from which `record` makes a `FileRecord`; `semantic` holds for any model."""
    return select(
        files,
        volumes.c.name.label("volume"),
        volumes.c.state.label("volume_state"),
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
        volume_state=VolumeState(row["volume_state"]),
        parent_id=row["parent_id"],
        path=row["path"],
        size=row["size"],
        mtime_ns=row["mtime_ns"],
        inode=row["inode"],
        ctime_ns=row["ctime_ns"],
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
        connection.execute(
            select_records()
            .where(files.c.volume_id == volume_id, files.c.path == path)
            .order_by(files.c.parent_id.is_not(None))  # what lies on the disk first
        )
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


def page_with_readers(
    connection: Connection, after_id: int, limit: int
) -> tuple[tuple[FileRecord, str | None], ...]:
    """Files in the order of their ids, each with the reader that made what it is searchable by."""
    query = select_records().add_columns(contents.c.reader.label("reader"))
    rows = connection.execute(query.where(files.c.id > after_id).order_by(files.c.id).limit(limit)).mappings()
    return tuple((record(row), row["reader"]) for row in rows)


def recent_failures(connection: Connection, limit: int) -> tuple[FileRecord, ...]:
    query = select_records().where(files.c.state == FileState.FAILED.value)
    newest = query.order_by(files.c.changed.desc(), files.c.id.desc()).limit(limit)
    return tuple(record(row) for row in connection.execute(newest).mappings())


def conditions(filters: Filters) -> list[ColumnElement[bool]]:
    """Filters as conditions over `files` (with `volumes` joined when volumes are named)."""
    wanted: list[ColumnElement[bool]] = []
    if filters.volumes:
        named = select(volumes.c.id).where(volumes.c.name.in_(filters.volumes))
        # Plus nothing, so that no index of volumes is used: it would lead through all their files even where
        # sixty are asked for by their content.
        wanted.append((files.c.volume_id + 0).in_(named))
    if filters.path is not None:
        # Asked first, and of the database itself: the glob costs ten times as much for each file.
        if start := literal_start(filters.path):
            wanted.append(func.substr(files.c.path_text, 1, len(start)) == start)
        wanted.append(func.path_matches(filters.path, files.c.path_text) == 1)
    if filters.kinds:
        wanted.append(files.c.kind.in_(filters.kinds))
    if filters.modified_after is not None:
        wanted.append(files.c.mtime_ns >= _nanoseconds(filters.modified_after))
    if filters.modified_before is not None:
        wanted.append(files.c.mtime_ns < _nanoseconds(filters.modified_before))
    return wanted


def _nanoseconds(at: datetime) -> int:
    """Since 1970, held within what the catalogue's times can be (1677 to 2262)."""
    since = int(at.timestamp()) * 1_000_000_000 + at.microsecond * 1_000
    return min(max(since, -(1 << 63)), (1 << 63) - 1)


def failed_ids(connection: Connection, volume_id: int) -> list[int]:
    """Files on the volume that could not be read, and those with members that could not."""
    rows = connection.execute(
        select(func.coalesce(files.c.parent_id, files.c.id))
        .where(files.c.volume_id == volume_id, files.c.state == FileState.FAILED.value)
        .distinct()
    )
    return [row[0] for row in rows]


def paths_of(connection: Connection, ids: Iterable[int]) -> dict[int, str]:
    """What jobs are about, for people: "volume:path" by file id."""
    rows = connection.execute(select_records().where(files.c.id.in_(list(ids)))).mappings()
    return {row["id"]: f"{row['volume']}:{row['path_text']}" for row in rows}


def holders_of(connection: Connection, content_ids: Iterable[int]) -> dict[int, FileRecord]:
    """One of the files that hold each content: one that lies on the volume itself, if there is one."""
    rows = connection.execute(
        select_records()
        .where(files.c.content_id.in_(list(content_ids)))
        .order_by(files.c.parent_id.is_(None))  # the last of each is taken
    ).mappings()
    return {row["content_id"]: record(row) for row in rows}
