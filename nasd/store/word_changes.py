"""What the index of words has yet to be told: triggers write it down in the transaction that changes it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, delete, func, insert, literal, select, text

from nasd.store import facts
from nasd.store.contents import IN_LIMIT
from nasd.store.tables import contents, files, passages, word_changes

_FOLLOWED = "words.followed"
"""The fact that names the index which follows, and the last change that was forgotten."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """Contents and files to be looked at again; `upto` is the last change that was seen."""

    contents: tuple[int, ...]
    files: tuple[int, ...]
    upto: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PassageText:
    id: int
    content_id: int
    title: str
    heading: str
    text: str


def changed(connection: Connection, limit: int, after: int = 0) -> Changed | None:
    """The oldest changes after that one, or None."""
    rows = connection.execute(
        select(word_changes.c.id, word_changes.c.kind, word_changes.c.subject)
        .where(word_changes.c.id > after)
        .order_by(word_changes.c.id)
        .limit(limit)
    ).all()
    if not rows:
        return None
    return Changed(
        contents=tuple(row.subject for row in rows if row.kind == "content"),
        files=tuple(row.subject for row in rows if row.kind == "file"),
        upto=rows[-1].id,
    )


def count_changed(connection: Connection) -> int:
    return int(connection.scalar(select(func.count()).select_from(word_changes)) or 0)


def forget_changed(connection: Connection, upto: int, mark: str) -> None:
    """What changed again meanwhile has a higher number and stays. `mark` names the index that took over."""
    connection.execute(delete(word_changes).where(word_changes.c.id <= upto))
    facts.set_fact(connection, _FOLLOWED, f"{mark} {upto}")


def is_followed(connection: Connection, mark: str, upto: int) -> bool:
    """Whether the index of this mark, which took over all changes up to `upto`, misses none that is forgotten
    here and knows none that is not known here, as when a backup was put back."""
    known, _, forgotten = (facts.fact(connection, _FOLLOWED) or "").partition(" ")
    noted = connection.scalar(text("SELECT seq FROM sqlite_sequence WHERE name = 'word_changes'"))
    return known == mark and int(forgotten) <= upto <= int(noted or 0)


def change_all(connection: Connection, mark: str) -> None:
    """As if all had changed: an index of this mark begins empty. What was noted before stays noted: an index
    that is not empty yet may hold what the catalogue does no more."""
    facts.set_fact(connection, _FOLLOWED, f"{mark} 0")
    for query in (
        select(literal("content"), contents.c.id).where(contents.c.orphaned.is_(None)),
        select(literal("file"), files.c.id).where(files.c.content_id.is_not(None)),
    ):
        connection.execute(
            insert(word_changes).prefix_with("OR IGNORE").from_select(["kind", "subject"], query)
        )


def texts_of(connection: Connection, content_ids: Sequence[int]) -> list[PassageText]:
    """The passages of those of these contents (at most `IN_LIMIT`) that are in use, in their order."""
    rows = connection.execute(
        select(
            passages.c.id,
            passages.c.content_id,
            func.coalesce(contents.c.title, contents.c.name, ""),
            func.coalesce(passages.c.heading, ""),
            passages.c.text,
        )
        .join(contents, contents.c.id == passages.c.content_id)
        .where(passages.c.content_id.in_(content_ids), contents.c.orphaned.is_(None))
        .order_by(passages.c.content_id, passages.c.ordinal)
    )
    return [
        PassageText(id=row[0], content_id=row[1], title=row[2], heading=row[3], text=row[4]) for row in rows
    ]


def paths_of(connection: Connection, file_ids: Sequence[int]) -> list[tuple[int, int, str]]:
    """Of those files (at most `IN_LIMIT`) that have something to show: id, content id, path."""
    rows = connection.execute(
        select(files.c.id, files.c.content_id, files.c.path_text).where(
            files.c.id.in_(file_ids), files.c.content_id.is_not(None)
        )
    )
    return [(row[0], row[1], row[2]) for row in rows]


def sample(connection: Connection, count: int) -> list[str]:
    """The texts of at most so many passages from all over the catalogue."""
    step = max(1, int(connection.scalar(select(func.max(passages.c.id))) or 0) // count)
    rows = connection.execute(select(passages.c.text).where(passages.c.id % step == 0).limit(count))
    return [row[0] for row in rows]


def slices(ids: Sequence[int], size: int = IN_LIMIT) -> Iterator[Sequence[int]]:
    for start in range(0, len(ids), size):
        yield ids[start : start + size]
