"""Filling a real catalogue in a few words."""

from __future__ import annotations

from datetime import UTC, datetime

from nasd.domain.files import FileRecord, FileStat, Volume, WatchMode
from nasd.domain.jobs import JobKind
from nasd.domain.passages import Passage, Place
from nasd.store import changes, files, queue, reads, volumes
from nasd.store.changes import Seen
from nasd.store.contents import NewContent
from nasd.store.lane import Lane
from nasd.store.reads import ReadOutcome

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def seen(path: str | bytes, *, size: int = 10, inode: int = 1, mtime_ns: int = 5, kind: str = "text") -> Seen:
    raw = path.encode() if isinstance(path, str) else path
    stat = FileStat(path=raw, size=size, mtime_ns=mtime_ns, inode=inode)
    return Seen(stat=stat, kind=kind, media_type="text/plain")


def new_content(*texts: str, title: str | None = None, heading: str | None = None) -> NewContent:
    """A content with a passage for each text."""
    passages, at = [], 0
    for ordinal, text in enumerate(texts):
        passages.append(
            Passage(
                ordinal=ordinal,
                text=text,
                gap="\n\n",
                char_start=at,
                char_end=at + len(text),
                place=Place(page=ordinal + 1, heading=heading),
                tokens=len(text.split()),
            )
        )
        at += len(text) + 2
    return NewContent(title=title, name="letter", chars=at, notes=(), metadata={}, passages=tuple(passages))


async def add_volume(lane: Lane, name: str = "home") -> Volume:
    return await lane.write(
        volumes.add_volume,
        name=name,
        path=f"/srv/{name}",
        watch=WatchMode.AUTO,
        poll_seconds=300,
        ignore=(),
        source="api",
        identity=None,
        now=NOW,
    )


async def see(lane: Lane, volume: Volume, *found: Seen) -> changes.Applied:
    return await lane.write(
        changes.apply_changes, volume.id, new=found, changed=(), gone=(), priority=queue.FRESH, now=NOW
    )


async def read_next(
    lane: Lane, new: NewContent | None, *, digest: str, fingerprint: str | None = None
) -> tuple[FileRecord, ReadOutcome]:
    """Takes the next job and commits it as read."""
    (job,) = await lane.write(queue.claim, JobKind.READ, 1, NOW)
    file = await lane.read(files.file_by_id, job.subject_id)
    outcome = await lane.write(
        reads.commit_read,
        job_id=job.id,
        file=file,
        read=FileStat(path=file.path, size=file.size, mtime_ns=file.mtime_ns, inode=file.inode),
        kind=file.kind,
        media_type=file.media_type,
        digest=digest,
        reader="text/1",
        new=new,
        fingerprint=fingerprint,
        priority=queue.FRESH,
        now=NOW,
    )
    return await lane.read(files.file_by_id, file.id), outcome
