"""What search needs of the catalogue beside its indexes: what filters permit, and what a hit is shown as."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection, select

from nasd.domain.files import FileRecord, FileState, VolumeState
from nasd.domain.search import Filters
from nasd.store.contents import IN_LIMIT
from nasd.store.files import conditions, record, select_records
from nasd.store.numbers import numbers
from nasd.store.tables import files, passages, volumes


@dataclass(frozen=True, slots=True, kw_only=True)
class Permitted:
    """What filters let through, each sorted int64."""

    contents: npt.NDArray[np.int64]
    passages: npt.NDArray[np.int64]


def permitted(connection: Connection, filters: Filters) -> Permitted:
    """Contents that some file holds which the filters let through, and their passages."""
    held = select(files.c.content_id).where(files.c.content_id.is_not(None), *conditions(filters)).distinct()
    theirs = select(passages.c.id).where(passages.c.content_id.in_(held))
    return Permitted(contents=numbers(connection, held), passages=numbers(connection, theirs))


def contents_of(connection: Connection, passage_ids: Sequence[int]) -> dict[int, int]:
    """The content that each of these passages is of."""
    found: dict[int, int] = {}
    for start in range(0, len(passage_ids), IN_LIMIT):
        part = passage_ids[start : start + IN_LIMIT]
        query = select(passages.c.id, passages.c.content_id).where(passages.c.id.in_(part))
        found.update((row[0], row[1]) for row in connection.execute(query))
    return found


def holders(
    connection: Connection, content_ids: Sequence[int], filters: Filters
) -> dict[int, list[FileRecord]]:
    """The permitted files that hold each content: those that a hit may be shown as, the best first."""
    found: dict[int, list[FileRecord]] = {}
    rows = connection.execute(
        select_records()
        .where(files.c.content_id.in_(content_ids), *conditions(filters))
        .order_by(
            (files.c.state != FileState.INDEXED.value),
            (volumes.c.state != VolumeState.ACTIVE.value),  # one that can be opened now
            files.c.path_text,
            files.c.id,
        )
    ).mappings()
    for row in rows:
        found.setdefault(row["content_id"], []).append(record(row))
    return found
