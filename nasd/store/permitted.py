"""What search needs of the catalogue beside its indexes: what filters permit, and what a hit is shown as."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection, select

from nasd.domain.files import FileRecord, FileState, VolumeState
from nasd.domain.passages import StoredPassage
from nasd.domain.search import Filters
from nasd.store.contents import passages_by_id
from nasd.store.faces import faces
from nasd.store.files import conditions, record, select_records
from nasd.store.numbers import numbers
from nasd.store.passage_runs import PassageRuns
from nasd.store.tables import files, volumes


@dataclass(frozen=True, slots=True, kw_only=True)
class Permitted:
    """What filters let through, each sorted int64. `passages` may name some that were deleted meanwhile."""

    contents: npt.NDArray[np.int64]
    passages: npt.NDArray[np.int64]


def permitted(connection: Connection, filters: Filters, runs: PassageRuns) -> Permitted:
    """Contents that some file holds which the filters let through, and their passages."""
    found = held(connection, filters)
    return Permitted(contents=found, passages=runs.of(connection, found))


def held(connection: Connection, filters: Filters) -> npt.NDArray[np.int64]:
    """Contents that some file holds which the filters let through, sorted."""
    found = select(files.c.content_id).where(files.c.content_id.is_not(None), *conditions(filters))
    return np.unique(numbers(connection, found))


def candidates(
    connection: Connection, passage_ids: Sequence[int], filters: Filters
) -> tuple[dict[int, StoredPassage], dict[int, list[FileRecord]]]:
    """Passages by id, what stands for contents without text (`nasd.store.faces`) among them, and the
    permitted files that hold each content."""
    by_id = passages_by_id(connection, passage_ids)
    if silent := [-one for one in passage_ids if one < 0]:
        by_id |= faces(connection, silent)
    return by_id, holders(connection, list({stored.content_id for stored in by_id.values()}), filters)


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
