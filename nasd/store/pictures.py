"""Pictures that a model looks at: one vector a content.

`live_ids` to `vectors_of_contents` are to an index of pictures what those of `nasd.store.vectors` are to one
of passages. A picture that no file holds stays in that index until it is forgotten: a search shows only what
some file holds, and a file that comes back needs no second look.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime

import numpy as np
from sqlalchemy import Connection, func, select, update
from sqlalchemy.dialects.sqlite import insert

from nasd.domain.jobs import JobKind
from nasd.domain.pictures import PICTURE_MODEL, is_picture
from nasd.store import queue
from nasd.store.contents import content_by_id
from nasd.store.numbers import numbers
from nasd.store.tables import contents, pictures
from nasd.store.vectors import STORED, Ids, Vectors, matrix

PRIORITY = 60
"""All pictures alike; what is asked for comes before them."""


def enqueue(
    connection: Connection,
    content_id: int,
    metadata: Mapping[str, str],
    now: datetime,
    *,
    saved: bool = False,
) -> bool:
    """A job for a picture that no model has looked at; nothing for any other content. Whether there is one.
    `saved`: just now, so it comes before all that was not."""
    if not is_picture(metadata) or PICTURE_MODEL in metadata:
        return False
    priority = PRIORITY // 2 if saved else PRIORITY
    queue.enqueue(connection, JobKind.PICTURE, [content_id], priority=priority, amount=1, now=now)
    return True


def enqueue_missing(connection: Connection, engine: str, now: datetime) -> None:
    """A waiting job for every picture in use that another model looked at, or none."""
    seen_by = func.json_extract(contents.c.metadata, f"$.{PICTURE_MODEL}")
    rows = connection.execute(
        select(contents.c.id, contents.c.metadata).where(
            contents.c.orphaned.is_(None),
            func.json_extract(contents.c.metadata, "$.format").is_not(None),
            func.coalesce(seen_by, "") != engine,
        )
    )
    ids = [row.id for row in rows if is_picture(row.metadata)]
    queue.enqueue(connection, JobKind.PICTURE, ids, priority=PRIORITY, amount=1, now=now)


def commit_picture(
    connection: Connection,
    *,
    job_id: int,
    content_id: int,
    model: int,
    vector: Vectors | None,
    problem: str | None,
    engine: str,
) -> bool:
    """Ends a job with the vector of a picture, float32 (dimension,), or without one, for `problem`. Whether
    the vector was kept; not when the content is gone."""
    queue.finish(connection, job_id)
    content = content_by_id(connection, content_id)
    if content is None:
        return False
    if vector is not None:
        row = {"model_id": model, "data": vector.astype(STORED).tobytes()}
        connection.execute(
            insert(pictures)
            .values(content_id=content_id, **row)
            .on_conflict_do_update(index_elements=[pictures.c.content_id], set_=row)
        )
    notes = list(content.notes)
    if problem is not None and problem not in notes:
        notes.append(problem[:500])
    connection.execute(
        update(contents)
        .where(contents.c.id == content_id)
        .values(metadata={**content.metadata, PICTURE_MODEL: engine}, notes=notes)
    )
    return vector is not None


def live_ids(connection: Connection, model: int) -> Ids:
    return numbers(connection, select(pictures.c.content_id).where(pictures.c.model_id == model))


def kept(connection: Connection, model: int, dimension: int, ids: Ids) -> tuple[Ids, Vectors]:
    rows = connection.exec_driver_sql(
        "SELECT content_id, data FROM pictures WHERE model_id = ? AND content_id IN "
        "(SELECT value FROM json_each(?)) ORDER BY content_id",
        (model, json.dumps(ids.tolist())),
    ).all()
    return matrix([(row[0], row[1]) for row in rows], dimension)


def live_vectors(connection: Connection, model: int, ids: Ids, dimension: int) -> tuple[Ids, Vectors]:
    return kept(connection, model, dimension, ids)


def ids_of(connection: Connection, content_ids: Sequence[int]) -> Ids:
    return np.array(sorted(content_ids), np.int64)


def vectors_of_contents(
    connection: Connection, model: int, content_ids: Sequence[int], dimension: int
) -> tuple[Ids, Vectors]:
    return kept(connection, model, dimension, ids_of(connection, content_ids))
