"""Which content each passage is of, at hand for filters: they let contents through, and the vectors that may
be compared are those of their passages.

Passages never change their content, and no id is given twice, so what was read stays true: only what is new
has to be read. Passages of a content follow each other, so a run of them is all that is kept: 0.6 MB for
1,000,000 passages by twenties, 12 MB where each content has but one.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection

Ids = npt.NDArray[np.int64]
Rows = npt.NDArray[np.uint32]

CONTENTS_AT_ONCE = 5_000
NEW_AT_ONCE = 10_000

_FIRST = """SELECT group_concat(id || ',' || content_id) FROM
    (SELECT id, content_id FROM passages WHERE content_id BETWEEN ? AND ? ORDER BY content_id, ordinal)"""
_NEW = """SELECT group_concat(id || ',' || content_id) FROM
    (SELECT id, content_id FROM passages WHERE id > ? ORDER BY id LIMIT ?)"""
"""One text for many numbers costs a tenth of what a row each does. The first reading goes by the index of
contents, which holds all that it needs and not the texts."""


@dataclass(frozen=True, slots=True)
class _Runs:
    """Row i: passages first[i] up to but not including end[i] are of content[i]. By first, ascending."""

    first: Rows
    end: Rows
    content: Rows

    @property
    def known(self) -> int:
        """The last passage that is in a run, or 0."""
        return int(self.end[-1]) - 1 if len(self.end) else 0


_NONE = _Runs(np.empty(0, np.uint32), np.empty(0, np.uint32), np.empty(0, np.uint32))


class PassageRuns:
    """Thread-safe. Empty at first; the first use reads them all: 0.3 s for 1,000,000 passages."""

    def __init__(self) -> None:
        self._runs = _NONE
        self._reading = threading.Lock()

    def extend(self, connection: Connection) -> None:
        """Takes in what this connection sees and nobody has read yet."""
        with self._reading:
            if self._runs is _NONE:
                self._runs = _joined([_NONE, _runs(np.concatenate(list(_all(connection))))])
                return
            while len(pairs := _pairs(connection, _NEW, (self._runs.known, NEW_AT_ONCE))):
                self._runs = _joined([self._runs, _runs(pairs)])

    def contents_of(self, connection: Connection, passages: Sequence[int]) -> dict[int, int]:
        """The content that each of these passages is of, as far as there are such passages."""
        self.extend(connection)
        runs, wanted = self._runs, np.array(passages, np.int64)
        at = np.searchsorted(runs.first, wanted, side="right") - 1
        known = (at >= 0) & (wanted < runs.end[at]) if len(runs.first) else np.zeros(len(wanted), np.bool_)
        return dict(zip(wanted[known].tolist(), runs.content[at[known]].tolist(), strict=True))

    def of(self, connection: Connection, contents: Ids) -> Ids:
        """The passages of contents, both sorted. Some that were deleted since may be among them."""
        self.extend(connection)
        runs = self._runs
        chosen = np.isin(runs.content, contents)
        first = runs.first[chosen].astype(np.int64)
        lengths = runs.end[chosen].astype(np.int64) - first
        before = np.cumsum(lengths) - lengths
        return np.repeat(first - before, lengths) + np.arange(int(lengths.sum()))


def _all(connection: Connection) -> Iterator[npt.NDArray[np.int64]]:
    yield np.empty((0, 2), np.int64)
    last = connection.exec_driver_sql("SELECT max(content_id) FROM passages").scalar() or 0
    for start in range(1, last + 1, CONTENTS_AT_ONCE):
        yield _pairs(connection, _FIRST, (start, start + CONTENTS_AT_ONCE - 1))


def _pairs(connection: Connection, query: str, given: tuple[int, int]) -> npt.NDArray[np.int64]:
    """Ids of passages and of their contents, (n, 2)."""
    listed = connection.exec_driver_sql(query, given).scalar()
    return np.fromstring(str(listed or ""), dtype=np.int64, sep=",").reshape(-1, 2)


def _runs(pairs: npt.NDArray[np.int64]) -> _Runs:
    ids, contents = pairs[np.argsort(pairs[:, 0])].T
    begins = np.ones(len(ids), np.bool_)
    begins[1:] = (np.diff(contents) != 0) | (np.diff(ids) != 1)
    at = np.flatnonzero(begins)
    ends = ids[np.append(at[1:], len(ids)) - 1] + 1 if len(ids) else ids
    return _Runs(ids[at].astype(np.uint32), ends.astype(np.uint32), contents[at].astype(np.uint32))


def _joined(parts: list[_Runs]) -> _Runs:
    return _Runs(
        np.concatenate([part.first for part in parts]),
        np.concatenate([part.end for part in parts]),
        np.concatenate([part.content for part in parts]),
    )
