"""Vectors in the catalogue: float16, little endian, one row per passage and model."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection, func, or_, select, update
from sqlalchemy.dialects.sqlite import insert

from nasd.domain.jobs import JobKind
from nasd.domain.passages import StoredPassage
from nasd.store import queue
from nasd.store.contents import IN_LIMIT, stored_passage
from nasd.store.numbers import numbers
from nasd.store.tables import contents, models, passages, vectors

Ids = npt.NDArray[np.int64]
Vectors = npt.NDArray[np.float32]

STORED = np.dtype("<f2")

PASSAGES, PICTURES = "passages", "pictures"
"""What a model's vectors are of."""


def model_id(
    connection: Connection,
    *,
    name: str,
    fingerprint: str,
    dimension: int,
    now: datetime,
    of: str = PASSAGES,
) -> int:
    """The id of a model, which is added when it is new."""
    connection.execute(
        insert(models)
        .values(name=name, fingerprint=fingerprint, of=of, dimension=dimension, created=now)
        .on_conflict_do_nothing()
    )
    return int(
        connection.execute(select(models.c.id).where(models.c.fingerprint == fingerprint)).scalar_one()
    )


def enqueue_missing(connection: Connection, fingerprint: str, now: datetime) -> None:
    """A waiting job for every content in use that lacks this model's vectors."""
    lacking = select(contents.c.id).where(
        contents.c.orphaned.is_(None),
        or_(contents.c.embedded_by.is_(None), contents.c.embedded_by != fingerprint),
    )
    ids = [row[0] for row in connection.execute(lacking)]
    queue.enqueue(connection, JobKind.EMBED, ids, priority=queue.BACKLOG, now=now)


def passages_to_embed(
    connection: Connection, content_id: int, model: int, limit: int
) -> tuple[StoredPassage, ...]:
    """The next passages of a content, in their order, that have no vector of this model. Their title, if the
    content has none, is the name of its file."""
    there = select(vectors.c.passage_id).where(
        vectors.c.model_id == model, vectors.c.passage_id == passages.c.id
    )
    rows = connection.execute(
        select(passages, func.coalesce(contents.c.title, contents.c.name).label("title"))
        .join(contents, contents.c.id == passages.c.content_id)
        .where(passages.c.content_id == content_id, ~there.exists())
        .order_by(passages.c.ordinal)
        .limit(limit)
    ).mappings()
    return tuple(stored_passage(row) for row in rows)


def commit_vectors(
    connection: Connection, *, model: int, ids: Sequence[int], data: Vectors
) -> tuple[bool, ...]:
    """Adds vectors, float32 (n, dimension); for each, whether its passage is in use and was kept."""
    live = {
        row[0]
        for row in connection.execute(
            select(passages.c.id)
            .join(contents, contents.c.id == passages.c.content_id)
            .where(passages.c.id.in_(ids), contents.c.orphaned.is_(None))
        )
    }
    stored = data.astype(STORED)
    rows = [
        {"model_id": model, "passage_id": passage, "data": vector.tobytes()}
        for passage, vector in zip(ids, stored, strict=True)
        if passage in live
    ]
    if rows:
        connection.execute(insert(vectors).on_conflict_do_nothing(), rows)
    return tuple(passage in live for passage in ids)


def commit_embedded(
    connection: Connection, *, job_id: int, content_id: int, model: int, fingerprint: str, now: datetime
) -> bool:
    """Declares a content found by meaning once none of its vectors is missing, and ends its job."""
    there = select(vectors.c.passage_id).where(
        vectors.c.model_id == model, vectors.c.passage_id == passages.c.id
    )
    missing = connection.execute(
        select(func.count(passages.c.id)).where(passages.c.content_id == content_id, ~there.exists())
    ).scalar_one()
    if missing:
        queue.set_amount(connection, job_id, missing)
        queue.put_back(connection, [job_id], now)
        return False
    connection.execute(update(contents).where(contents.c.id == content_id).values(embedded_by=fingerprint))
    queue.finish(connection, job_id)
    return True


def live_ids(connection: Connection, model: int) -> Ids:
    """The passages that the index of a model should hold: sorted int64."""
    with_vector = numbers(connection, select(vectors.c.passage_id).where(vectors.c.model_id == model))
    unused = select(contents.c.id).where(contents.c.orphaned.is_not(None))
    orphaned = numbers(connection, select(passages.c.id).where(passages.c.content_id.in_(unused)))
    return np.setdiff1d(with_vector, orphaned, assume_unique=True)


def kept(connection: Connection, model: int, dimension: int, ids: Ids) -> tuple[Ids, Vectors]:
    """Those of `ids` that are there: sorted int64 (n,), float32 (n, dimension). Meant for hundreds of ids
    within a search: half of what the same costs by way of a statement that is built each time."""
    rows = connection.exec_driver_sql(
        "SELECT passage_id, data FROM vectors WHERE model_id = ? AND passage_id IN "
        "(SELECT value FROM json_each(?)) ORDER BY passage_id",
        (model, json.dumps(ids.tolist())),
    ).all()
    return matrix([(row[0], row[1]) for row in rows], dimension)


def live_vectors(connection: Connection, model: int, ids: Ids, dimension: int) -> tuple[Ids, Vectors]:
    """Like `kept`, of those whose content is in use."""
    rows = connection.exec_driver_sql(
        "SELECT vectors.passage_id, vectors.data FROM json_each(?) AS wanted "
        "CROSS JOIN vectors ON vectors.passage_id = wanted.value AND vectors.model_id = ? "
        "CROSS JOIN passages ON passages.id = vectors.passage_id "
        "CROSS JOIN contents ON contents.id = passages.content_id AND contents.orphaned IS NULL "
        "ORDER BY vectors.passage_id",
        (json.dumps(ids.tolist()), model),
    ).all()
    return matrix([(row[0], row[1]) for row in rows], dimension)


def vectors_of_contents(
    connection: Connection, model: int, content_ids: Sequence[int], dimension: int
) -> tuple[Ids, Vectors]:
    # A subquery, not a join: a join may be begun at the wrong end, with every vector of the model.
    its_passages = select(passages.c.id).where(passages.c.content_id.in_(content_ids))
    query = (
        select(vectors.c.passage_id, vectors.c.data)
        .where(vectors.c.model_id == model, vectors.c.passage_id.in_(its_passages))
        .order_by(vectors.c.passage_id)
    )
    return matrix([(row[0], row[1]) for row in connection.execute(query)], dimension)


def matrix(rows: Sequence[tuple[int, bytes]], dimension: int) -> tuple[Ids, Vectors]:
    """From rows as they are kept: int64 (n,), float32 (n, dimension); of another dimension there are none."""
    rows = [row for row in rows if len(row[1]) == dimension * STORED.itemsize]
    ids = np.fromiter((row[0] for row in rows), dtype=np.int64, count=len(rows))
    raw = np.frombuffer(b"".join(row[1] for row in rows), dtype=STORED)
    return ids, raw.reshape(len(rows), dimension).astype(np.float32)


def ids_of(connection: Connection, content_ids: Sequence[int]) -> Ids:
    """The passages of contents, sorted int64."""
    found: list[int] = []
    for start in range(0, len(content_ids), IN_LIMIT):
        part = content_ids[start : start + IN_LIMIT]
        found += connection.execute(select(passages.c.id).where(passages.c.content_id.in_(part))).scalars()
    return np.array(sorted(found), dtype=np.int64)
