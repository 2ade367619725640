"""What became of reading a file, in one transaction: searchable by words, or failed with the reason."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select, update

from nasd.domain.files import FileRecord, FileStat, FileState
from nasd.domain.jobs import JobKind
from nasd.store import queue
from nasd.store.contents import NewContent, find_content, insert_content, orphan_unheld
from nasd.store.tables import contents, files


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
    if row is None or not queue.held(connection, job_id):
        # Gone, or left out since the job began: what was read of it must not bring it back.
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
    if row is None or not queue.held(connection, job_id):
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
