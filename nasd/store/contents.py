"""Contents by digest, their passages, and the one transaction that makes a content searchable by words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, CursorResult, RowMapping, delete, exists, insert, select, update

from nasd.domain.passages import Passage, Place, StoredPassage
from nasd.store.tables import contents, files, jobs, passages

IN_LIMIT = 30_000  # SQLite allows 32,766 parameters in a statement


@dataclass(frozen=True, slots=True, kw_only=True)
class NewContent:
    """What reading yielded, ready to be kept."""

    title: str | None
    name: str  # of the file, without folders and suffix
    chars: int
    notes: tuple[str, ...]
    metadata: Mapping[str, str]
    passages: tuple[Passage, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    id: int
    digest: str
    reader: str
    title: str | None
    chars: int
    passages: int
    notes: tuple[str, ...]
    metadata: dict[str, str]
    embedded_by: str | None
    created: datetime


def _content(row: RowMapping) -> Content:
    values = {name: row[name] for name in Content.__slots__}
    return Content(**{**values, "notes": tuple(row["notes"])})


def find_content(connection: Connection, digest: str, reader: str) -> Content | None:
    found = connection.execute(
        select(contents).where(contents.c.digest == digest, contents.c.reader == reader)
    )
    row = found.mappings().first()
    return None if row is None else _content(row)


def content_by_id(connection: Connection, content_id: int) -> Content | None:
    row = connection.execute(select(contents).where(contents.c.id == content_id)).mappings().first()
    return None if row is None else _content(row)


def inserted_id(result: CursorResult[Any]) -> int:
    """The id that an insert was given."""
    key = result.inserted_primary_key
    assert key is not None
    return int(key[0])


def insert_content(connection: Connection, digest: str, reader: str, new: NewContent, now: datetime) -> int:
    """Adds a content with its passages and, by trigger, their words; its id."""
    result = connection.execute(
        insert(contents).values(
            digest=digest,
            reader=reader,
            title=new.title,
            name=new.name,
            chars=new.chars,
            passages=len(new.passages),
            notes=list(new.notes),
            metadata=dict(new.metadata),
            created=now,
        )
    )
    content_id = inserted_id(result)
    insert_passages(connection, [(content_id, passage) for passage in new.passages])
    return content_id


_INSERT_PASSAGE = (
    "INSERT INTO passages (content_id, ordinal, text, gap, char_start, char_end, tokens, hidden,"
    " page, line_start, line_end, heading, sheet, slide, time_s)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)


def insert_passages(connection: Connection, found: Sequence[tuple[int, Passage]]) -> None:
    """Adds passages, each to the content of this id. They are most of all rows: the database takes them as
    they are."""
    rows = [
        (
            content_id,
            passage.ordinal,
            passage.text,
            passage.gap,
            passage.char_start,
            passage.char_end,
            passage.tokens,
            passage.hidden,
            passage.place.page,
            passage.place.line_start,
            passage.place.line_end,
            passage.place.heading,
            passage.place.sheet,
            passage.place.slide,
            passage.place.time_s,
        )
        for content_id, passage in found
    ]
    if rows:
        connection.exec_driver_sql(_INSERT_PASSAGE, rows)


def stored_passage(row: Mapping[Any, Any]) -> StoredPassage:
    """From a row of `passages` with the content's `title`."""
    return StoredPassage(
        id=row["id"],
        content_id=row["content_id"],
        title=row["title"],
        passage=Passage(
            ordinal=row["ordinal"],
            text=row["text"],
            gap=row["gap"],
            char_start=row["char_start"],
            char_end=row["char_end"],
            tokens=row["tokens"],
            hidden=row["hidden"],
            place=Place(
                page=row["page"],
                line_start=row["line_start"],
                line_end=row["line_end"],
                heading=row["heading"],
                sheet=row["sheet"],
                slide=row["slide"],
                time_s=row["time_s"],
            ),
        ),
    )


def passages_by_id(connection: Connection, ids: Sequence[int]) -> dict[int, StoredPassage]:
    """Those of `ids` that are there, at most `IN_LIMIT`."""
    rows = connection.execute(
        select(passages, contents.c.title)
        .join(contents, contents.c.id == passages.c.content_id)
        .where(passages.c.id.in_(ids))
    ).mappings()
    return {row["id"]: stored_passage(row) for row in rows}


def text_of(connection: Connection, content_id: int) -> str:
    """The whole text of a content, rebuilt from its passages."""
    rows = connection.execute(
        select(passages.c.text, passages.c.gap, passages.c.char_start)
        .where(passages.c.content_id == content_id)
        .order_by(passages.c.ordinal)
    ).all()
    # Offsets count from the start of the document's text, which may begin with white space of no passage.
    lead = " " * rows[0].char_start if rows else ""
    return lead + "".join(part for row in rows for part in (row.text, row.gap))


def orphan_unheld(connection: Connection, content_ids: Sequence[int], now: datetime) -> tuple[int, ...]:
    """Marks those contents that no file holds any more; their ids. Search no longer sees them.

    Work that waits for them is dropped: it comes back when a file holds them again.
    """
    gone: list[int] = []
    for start in range(0, len(content_ids), IN_LIMIT):
        part = content_ids[start : start + IN_LIMIT]
        unheld = (
            contents.c.id.in_(part),
            contents.c.orphaned.is_(None),
            ~exists().where(files.c.content_id == contents.c.id),
        )
        ids = [row[0] for row in connection.execute(select(contents.c.id).where(*unheld))]
        if ids:
            connection.execute(update(contents).where(contents.c.id.in_(ids)).values(orphaned=now))
            connection.execute(delete(jobs).where(jobs.c.kind == "embed", jobs.c.subject_id.in_(ids)))
        gone += ids
    return tuple(gone)


def sweep_orphans(connection: Connection, before: datetime, limit: int) -> int:
    """Deletes at most `limit` contents that no file has held since `before`; how many."""
    old = select(contents.c.id).where(contents.c.orphaned < before).order_by(contents.c.orphaned).limit(limit)
    ids = [row[0] for row in connection.execute(old)]
    if ids:
        # Passages first: the trigger that takes their words back needs the content's title.
        connection.execute(delete(passages).where(passages.c.content_id.in_(ids)))
        connection.execute(delete(contents).where(contents.c.id.in_(ids)))
    return len(ids)
