"""The words lane: FTS5 over passages and over paths, and what search needs to show a hit."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    ScalarResult,
    bindparam,
    exists,
    func,
    literal_column,
    select,
    text,
)

from nasd.domain.files import FileRecord, FileState
from nasd.domain.search import Filters
from nasd.store.files import conditions, record, select_records
from nasd.store.tables import contents, files, passages

WEIGHTS = {"title": 1.0, "heading": 1.0, "text": 1.0}
"""BM25 column weights."""

# Highlight markers: FTS5 puts them around matches; they are noncharacters, which no reader lets through.
_OPEN, _CLOSE = "\ufdd0", "\ufdd1"


def _permitted(filters: Filters) -> list[ColumnElement[bool]]:
    """Conditions under which a content (`contents` joined) may be shown."""
    if filters.empty:
        return [contents.c.orphaned.is_(None)]
    return [exists().where(files.c.content_id == contents.c.id, *conditions(filters))]


def match_passages(connection: Connection, match: str, filters: Filters, limit: int) -> list[int]:
    """Passage ids that match an FTS5 expression, best BM25 first; filters hold before ranking."""
    rank: ColumnElement[float] = literal_column(
        f"bm25(words, {WEIGHTS['title']}, {WEIGHTS['heading']}, {WEIGHTS['text']})"
    )
    words = text("words")
    query = (
        select(passages.c.id)
        .select_from(words)
        .join(passages, passages.c.id == literal_column("words.rowid"))
        .join(contents, contents.c.id == passages.c.content_id)
        .where(literal_column("words").op("MATCH")(bindparam("match", match)), *_permitted(filters))
        .order_by(rank, passages.c.id)
        .limit(limit)
    )
    return list(connection.execute(query).scalars())


def match_names(connection: Connection, match: str, filters: Filters, limit: int) -> list[int]:
    """The first passages of files whose path matches an FTS5 expression, best BM25 first."""
    query = (
        select(passages.c.id)
        .select_from(text("names"))
        .join(files, files.c.id == literal_column("names.rowid"))
        .join(passages, (passages.c.content_id == files.c.content_id) & (passages.c.ordinal == 0))
        .where(literal_column("names").op("MATCH")(bindparam("match", match)), *conditions(filters))
        .order_by(literal_column("bm25(names)"), passages.c.id)
        .limit(limit)
    )
    return list(dict.fromkeys(connection.execute(query).scalars()))


def permitted_passages(connection: Connection, filters: Filters) -> npt.NDArray[np.int64]:
    """All passages that filters let through, sorted int64."""
    query = (
        select(passages.c.id)
        .join(contents, contents.c.id == passages.c.content_id)
        .where(*_permitted(filters))
        .order_by(passages.c.id)
    )
    return np.fromiter(connection.execute(query).scalars(), dtype=np.int64)


def matching(connection: Connection, match: str, ids: Sequence[int]) -> set[int]:
    """Those of `ids` that match an FTS5 expression."""
    rows: ScalarResult[int] = connection.scalars(
        select(literal_column("words.rowid", Integer))
        .select_from(text("words"))
        .where(literal_column("words").op("MATCH")(bindparam("match", match)))
        .where(literal_column("words.rowid").in_(list(ids)))
    )
    return set(rows)


def highlights(
    connection: Connection, match: str, ids: Sequence[int]
) -> dict[int, tuple[tuple[int, int], ...]]:
    """Code point ranges of matches within each passage's text, by the very tokenizer that found them."""
    if not ids:
        return {}
    marked = func.highlight(literal_column("words"), 2, _OPEN, _CLOSE)
    rows = connection.execute(
        select(literal_column("words.rowid"), marked, passages.c.text)
        .select_from(text("words"))
        .join(passages, passages.c.id == literal_column("words.rowid"))
        .where(literal_column("words").op("MATCH")(bindparam("match", match)))
        .where(literal_column("words.rowid").in_(list(ids)))
    )
    return {row[0]: _ranges(row[1] or "", row[2]) for row in rows}


def _ranges(marked: str, original: str) -> tuple[tuple[int, int], ...]:
    """Where the marks stand in the original, from which the marked text differs by spaces put in between."""
    found: list[tuple[int, int]] = []
    at = start = 0
    for char in marked:
        if char == _OPEN:
            start = at
        elif char == _CLOSE:
            found.append((start, at))
        elif original[at : at + 1] == char:
            at += 1
    return tuple(found)


def holders(
    connection: Connection, content_ids: Sequence[int], filters: Filters
) -> dict[int, list[FileRecord]]:
    """The permitted files that hold each content, by path: those that a hit may be shown as."""
    found: dict[int, list[FileRecord]] = {}
    rows = connection.execute(
        select_records()
        .where(files.c.content_id.in_(content_ids), *conditions(filters))
        .order_by((files.c.state != FileState.INDEXED.value), files.c.path_text, files.c.id)
    ).mappings()
    for row in rows:
        found.setdefault(row["content_id"], []).append(record(row))
    return found
