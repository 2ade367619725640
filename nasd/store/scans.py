"""Pages whose text is recognised: one transaction a page, so that an interruption costs one page.

A content keeps its id. Recognised text follows what was read before it, in the order in which pages come, so
offsets that are known stay true.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select, update

from nasd.domain.files import FileRecord
from nasd.domain.jobs import JobKind, JobState
from nasd.domain.passages import Passage
from nasd.domain.scans import OCR_ENGINE, OCR_FROM, OCR_PAGES, UNREAD_PAGES, format_pages, parse_pages
from nasd.domain.speech import UNHEARD_FROM
from nasd.store import files, queue
from nasd.store.contents import content_by_id
from nasd.store.gradual import add_text, go_on_later
from nasd.store.tables import contents, jobs
from nasd.store.tables import files as files_table

PDF, PICTURE, PHOTO = 50, 60, 70
"""Priorities: a scanned document surely holds text, a photo seldom."""

SAVED = 30
"""What was just saved comes so much earlier: before the backlog, after what was asked for."""

TURN = 20
"""Pages after which a long document lets the others go first."""

WITHIN_BYTES = 256 << 20

_NOTE = "recognised by"


@dataclass(frozen=True, slots=True, kw_only=True)
class PageText:
    """A recognised page, cut as if it were a document of its own."""

    chars: int
    passages: tuple[Passage, ...]


def enqueue(
    connection: Connection,
    content_id: int,
    metadata: Mapping[str, str],
    now: datetime,
    *,
    saved: bool = False,
) -> None:
    """A job for a content with pages to recognise; nothing for any other. `saved`: just now, so it comes
    before all that was not."""
    pages = parse_pages(metadata.get(UNREAD_PAGES, ""))
    if not pages:
        return
    priority = PDF if "format" not in metadata else PHOTO if "camera" in metadata else PICTURE
    if saved:
        priority -= SAVED
    queue.enqueue(connection, JobKind.OCR, [content_id], priority=priority, amount=len(pages), now=now)


def commit_page(
    connection: Connection,
    *,
    job_id: int,
    content_id: int,
    page: int,
    text: PageText | None,
    problem: str | None,
    engine: str,
    now: datetime,
) -> int:
    """Makes one page searchable by words (`text` None: it could not be recognised, for `problem`). Ends the
    job with the last page. How many pages are left; 0 as well when the content is gone."""
    content = content_by_id(connection, content_id)
    if content is None:
        queue.finish(connection, job_id)
        return 0
    metadata = dict(content.metadata)
    left = [number for number in parse_pages(metadata.get(UNREAD_PAGES, "")) if number != page]
    done = parse_pages(metadata.get(OCR_PAGES, ""))
    notes = [note for note in content.notes if _NOTE not in note]
    if text is not None and text.passages:
        metadata.setdefault(OCR_FROM, str(content.chars))
        metadata[OCR_ENGINE] = engine
        done = (*done, page)
        metadata[OCR_PAGES] = format_pages(done)
        add_text(connection, content, text.passages, chars=text.chars, now=now)
    if problem is not None:
        notes.append(f"Page {page} was not recognised: {problem}"[:500])
    if done:
        pages = "1 page was" if len(done) == 1 else f"{len(done)} pages were"
        notes.append(f"{pages} {_NOTE} {engine}: the text may hold errors.")
    metadata[UNREAD_PAGES] = format_pages(left)
    if not left:
        del metadata[UNREAD_PAGES]
        queue.finish(connection, job_id)
    else:
        go_on_later(connection, job_id, left=len(left), gives_way=len(left) % TURN == 0, now=now)
    connection.execute(
        update(contents).where(contents.c.id == content_id).values(metadata=metadata, notes=notes)
    )
    return len(left)


def holder_of(connection: Connection, content_id: int) -> FileRecord | None:
    """A file that holds a content: rather one that can be opened than a member of a container."""
    query = (
        files.select_records()
        .where(files_table.c.content_id == content_id)
        .order_by(files_table.c.parent_id.is_not(None), files_table.c.id)
        .limit(1)
    )
    row = connection.execute(query).mappings().first()
    return None if row is None else files.record(row)


def waiting_within(
    connection: Connection, container: int, kind: JobKind, *, limit: int
) -> Sequence[FileRecord]:
    """Members of a file whose contents wait for jobs of a kind, `WITHIN_BYTES` of them at most."""
    waiting = select(jobs.c.subject_id).where(
        jobs.c.kind == kind.value, jobs.c.state != JobState.PARKED.value
    )
    query = (
        files.select_records()
        .where(files_table.c.parent_id == container, files_table.c.content_id.in_(waiting))
        .order_by(files_table.c.id)
        .limit(limit)
    )
    found: list[FileRecord] = []
    left = WITHIN_BYTES
    for row in connection.execute(query).mappings():
        one = files.record(row)
        left -= one.size
        if left >= 0:
            found.append(one)
    return found


def abandon(connection: Connection, *, job_id: int, content_id: int, note: str) -> None:
    """What is left of a content, pages or sound, can never be recognised, and `note` says why."""
    content = content_by_id(connection, content_id)
    if content is not None:
        left = (UNREAD_PAGES, UNHEARD_FROM)
        metadata = {name: value for name, value in content.metadata.items() if name not in left}
        connection.execute(
            update(contents)
            .where(contents.c.id == content_id)
            .values(metadata=metadata, notes=[*content.notes, note])
        )
    queue.finish(connection, job_id)


def count_waiting(connection: Connection, kind: JobKind = JobKind.OCR) -> int:
    """Contents with pages or sound to recognise, in work included, given up excluded."""
    query = select(func.count()).where(jobs.c.kind == kind.value, jobs.c.state != JobState.PARKED.value)
    return int(connection.execute(query).scalar_one())
