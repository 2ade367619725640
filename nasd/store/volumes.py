"""Volumes in the catalogue. Plain functions over one connection, run by `Lane`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Integer, delete, func, insert, select, type_coerce, update

from nasd.domain.files import FileState, Volume, VolumeState, WatchMode
from nasd.domain.search import Coverage
from nasd.errors import Conflict, NotFound
from nasd.store.contents import orphan_unheld
from nasd.store.tables import contents, files, jobs, volumes


def _volume(row: Mapping[Any, Any]) -> Volume:
    return Volume(
        **{
            **row,
            "watch": WatchMode(row["watch"]),
            "state": VolumeState(row["state"]),
            "ignore": tuple(row["ignore"]),
        }
    )


def all_volumes(connection: Connection) -> tuple[Volume, ...]:
    """Every volume, by name."""
    return tuple(
        _volume(row) for row in connection.execute(select(volumes).order_by(volumes.c.name)).mappings()
    )


def volume_named(connection: Connection, name: str) -> Volume:
    """Raises `NotFound`."""
    row = connection.execute(select(volumes).where(volumes.c.name == name)).mappings().first()
    if row is None:
        raise NotFound(
            f"There is no volume named “{name}”.", cure="`nasd volume list` shows those there are."
        )
    return _volume(row)


def add_volume(
    connection: Connection,
    *,
    name: str,
    path: str,
    watch: WatchMode,
    poll_seconds: int,
    ignore: Sequence[str],
    source: str,
    identity: str | None,
    now: datetime,
) -> Volume:
    """Raises `Conflict` when the name is taken."""
    if connection.execute(select(volumes.c.id).where(volumes.c.name == name)).first():
        raise Conflict(f"There is a volume named “{name}” already.", cure="Give the new one another name.")
    connection.execute(
        insert(volumes).values(
            name=name,
            path=path,
            watch=watch.value,
            poll_seconds=poll_seconds,
            ignore=list(ignore),
            source=source,
            state=VolumeState.ACTIVE.value,
            identity=identity,
            added=now,
        )
    )
    return volume_named(connection, name)


def change_volume(connection: Connection, volume_id: int, values: Mapping[str, Any]) -> None:
    """Sets columns: state, detail, held, identity, last_scan, path, watch, poll_seconds, ignore, source."""
    connection.execute(update(volumes).where(volumes.c.id == volume_id).values(**values))


@dataclass(frozen=True, slots=True, kw_only=True)
class Removed:
    orphaned: tuple[int, ...]  # contents that no file holds any more


def remove_volume(connection: Connection, volume_id: int, now: datetime) -> Removed:
    """Forgets a volume and its files; nothing on the disk is touched."""
    held = select(files.c.content_id).where(files.c.volume_id == volume_id, files.c.content_id.is_not(None))
    content_ids = [row[0] for row in connection.execute(held.distinct())]
    of_volume = select(files.c.id).where(files.c.volume_id == volume_id)
    connection.execute(delete(jobs).where(jobs.c.kind == "read", jobs.c.subject_id.in_(of_volume)))
    connection.execute(delete(files).where(files.c.volume_id == volume_id))
    connection.execute(delete(volumes).where(volumes.c.id == volume_id))
    return Removed(orphaned=orphan_unheld(connection, content_ids, now))


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeCounts:
    coverage: Coverage
    size: int


def count_files(connection: Connection, fingerprint: str | None) -> dict[int, VolumeCounts]:
    """For each volume id its coverage and bytes. `fingerprint` is the serving embedding model's."""

    def count(condition: ColumnElement[bool]) -> ColumnElement[int]:
        return func.coalesce(func.sum(type_coerce(condition, Integer)), 0)

    def is_state(*states: FileState) -> ColumnElement[bool]:
        return files.c.state.in_([state.value for state in states])

    meant = is_state(FileState.INDEXED, FileState.PENDING)
    embedded = contents.c.embedded_by == (fingerprint or "")
    rows = connection.execute(
        select(
            files.c.volume_id,
            count(meant).label("files"),
            count(meant & files.c.content_id.is_not(None)).label("searchable"),
            count(meant & embedded).label("semantic"),
            count(is_state(FileState.INDEXED) & embedded).label("done"),
            count(is_state(FileState.FAILED)).label("failed"),
            count(is_state(FileState.SKIPPED)).label("skipped"),
            func.coalesce(func.sum(files.c.size).filter(files.c.parent_id.is_(None)), 0).label("size"),
        )
        .select_from(files.outerjoin(contents, contents.c.id == files.c.content_id))
        .group_by(files.c.volume_id)
    ).mappings()
    return {
        row["volume_id"]: VolumeCounts(
            coverage=Coverage(
                files=row["files"],
                searchable=row["searchable"],
                semantic=row["semantic"],
                pending=row["files"] - row["done"],
                failed=row["failed"],
                skipped=row["skipped"],
            ),
            size=row["size"],
        )
        for row in rows
    }
