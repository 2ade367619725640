"""Hits made of a few words."""

from __future__ import annotations

from datetime import UTC, datetime

from nasd.domain.files import FileRecord, FileState
from nasd.domain.passages import Passage, Place, StoredPassage
from nasd.domain.search import Hit


def hit(
    text: str,
    *,
    rank: int = 1,
    path: str = "notes.txt",
    title: str | None = None,
    heading: str | None = None,
    page: int | None = None,
) -> Hit:
    """The only passage of a file of its own; `rank` numbers file, content and passage as well."""
    now = datetime(2025, 1, 1, tzinfo=UTC)
    file = FileRecord(
        id=rank,
        volume_id=1,
        volume="home",
        path=path.encode(),
        size=len(text),
        mtime_ns=0,
        inode=rank,
        kind="text",
        media_type="text/plain",
        state=FileState.INDEXED,
        content_id=rank,
        title=title,
        first_seen=now,
        changed=now,
    )
    passage = Passage(
        ordinal=0,
        text=text,
        gap="",
        char_start=0,
        char_end=len(text),
        place=Place(heading=heading, page=page),
        tokens=len(text.split()),
    )
    return Hit(
        rank=rank,
        score=1 / (60 + rank),
        file=file,
        passage=StoredPassage(id=rank, content_id=rank, title=title, passage=passage),
    )
