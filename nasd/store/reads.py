"""What became of reading a file, in one transaction: searchable by words, or failed with the reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select, update

from nasd.domain.files import FileRecord, FileStat, FileState, display_path
from nasd.domain.jobs import JobKind
from nasd.domain.scans import UNREAD_PAGES
from nasd.domain.speech import UNHEARD_FROM
from nasd.store import members, pictures, queue, scans, speech
from nasd.store.contents import NewContent, find_content, insert_content, orphan_unheld
from nasd.store.members import MemberRead
from nasd.store.tables import contents, files


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadOutcome:
    """What committing a read came to. `stale`: the file changed meanwhile and is read again."""

    stale: bool = False
    content_id: int | None = None
    members_revived: tuple[int, ...] = ()  # contents of members of which the same is so
    to_embed: bool = False  # its own vectors or those of a member are to be made
    revived: bool = False  # an orphaned content is held again: its vectors are to be found again
    semantic: bool = False  # its vectors are there already
    scanned: bool = False  # it, or a member, has pages whose text is to be recognised
    sounding: bool = False  # it, or a member, has sound that is to be transcribed
    pictured: bool = False  # it, or a member, is a picture that no model has looked at
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
    holds: Sequence[MemberRead] = (),
    fingerprint: str | None,
    priority: int,
    retry_at: datetime | None = None,
    now: datetime,
) -> ReadOutcome:
    """Makes one file's bytes searchable by words: content, passages, words, file and jobs at once.

    `file` is the row that the job began with, `read` what the opened file said of itself while it was read.
    `new` is None when the content is known; should it have been swept meanwhile, the file is read again.
    `holds` are all members of a container, whose contents were kept ahead; they take the place of the former.
    Where one of them failed and may be read later, the whole is opened again at `retry_at`, if that is given.
    """
    row = connection.execute(select(files).where(files.c.id == file.id)).mappings().first()
    if row is None or not queue.held(connection, job_id):
        # Gone, or left out since the job began: what was read of it must not bring it back.
        queue.finish(connection, job_id)
        return ReadOutcome()
    content = find_content(connection, digest, reader)
    held_by = members.contents_for(connection, holds)
    missing = (content is None and new is None) or held_by is None
    if row_version(row) not in {version(file.stat), version(read)} or missing:
        queue.put_back(connection, [job_id], now)
        return ReadOutcome(stale=True)
    assert held_by is not None
    replaced = members.replace_members(connection, row, holds, held_by, fingerprint=fingerprint, now=now)
    if content is None:
        assert new is not None
        content_id = insert_content(connection, digest, reader, new, now)
        embedded_by = None  # an empty one is marked by the job, as all are
    else:
        content_id, embedded_by = content.id, content.embedded_by
    metadata = content.metadata if content is not None else new.metadata if new is not None else {}
    scans.enqueue(connection, content_id, metadata, now, saved=priority <= queue.FRESH_LAST)
    speech.enqueue(connection, content_id, metadata, now)
    pictured = pictures.enqueue(connection, content_id, metadata, now, saved=priority <= queue.FRESH_LAST)
    inside = [row for row in held_by.values() if row.id in replaced.now_held]
    for one in inside:
        scans.enqueue(connection, one.id, one.metadata, now)
        speech.enqueue(connection, one.id, one.metadata, now)
        pictured |= pictures.enqueue(connection, one.id, one.metadata, now)
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
            ctime_ns=read.ctime_ns,
            changed=now,
        )
    )
    again = next((one for one in holds if one.temporary), None)
    if again is not None and retry_at is not None:
        queue.retry(connection, job_id, f"{display_path(again.path)}: {again.detail}", retry_at)
    else:
        queue.finish(connection, job_id)
    semantic = embedded_by is not None and embedded_by == fingerprint
    if not semantic:
        queue.enqueue(connection, JobKind.EMBED, [content_id], priority=priority, now=now)
    left = (replaced.held | {row["content_id"]}) - replaced.now_held - {None, content_id}
    orphaned = orphan_unheld(connection, sorted(left), now)
    return ReadOutcome(
        content_id=content_id,
        members_revived=replaced.revived,
        to_embed=not semantic or bool(replaced.to_embed),
        revived=bool(was_orphan),
        semantic=semantic,
        scanned=any(told.get(UNREAD_PAGES) for told in (metadata, *(one.metadata for one in inside))),
        sounding=any(told.get(UNHEARD_FROM) for told in (metadata, *(one.metadata for one in inside))),
        pictured=pictured,
        orphaned=orphaned,
    )


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
    if row is None or not queue.held(connection, job_id):
        queue.finish(connection, job_id)
        return ReadOutcome()
    if row_version(row) != version(file.stat):
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
    if retry_at is not None:
        return ReadOutcome()
    left = {row["content_id"], *members.forget_members(connection, [file.id])} - {None}
    return ReadOutcome(orphaned=orphan_unheld(connection, sorted(left), now))


def version(stat: FileStat) -> tuple[int, int, int, int]:
    """What differs when a file was touched, wherever it lies by now."""
    return stat.size, stat.mtime_ns, stat.inode, stat.ctime_ns


def row_version(row: Mapping[Any, Any]) -> tuple[int, int, int, int]:
    return row["size"], row["mtime_ns"], row["inode"], row["ctime_ns"]
