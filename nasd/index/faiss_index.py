"""The vector index on FAISS: immutable segments, a snapshot for every reader."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self
from weakref import WeakKeyDictionary

import numpy as np

from nasd.index.allowed import Allowed
from nasd.index.base import Exact, Ids, IndexAbsent, IndexDamaged, Scores, Vectors
from nasd.index.coarse import Run, nearest
from nasd.index.codes import Mask
from nasd.index.saved import read_parts, write_parts
from nasd.index.segment import Segment, build, merge

__all__ = ["FaissIndex", "IndexAbsent", "IndexDamaged"]

EXACT_ROWS = 16_384
"""A segment of more rows keeps codes alone. Up to here a search reads every vector in 0.5 ms, and they take
12.6 MB at 384 dimensions."""

LARGE_ROWS = 262_144
"""A segment of this many rows is not merged any further, so that no addition waits for more than 15 MB to be
copied (30 ms)."""

DEAD_SHARE = 0.25
"""A segment is written anew once more of its rows than this are deleted."""


@dataclass(frozen=True, slots=True)
class _Part:
    segment: Segment
    alive: Mask | None  # None: all of them; never changed in place, readers hold it
    count: int  # of living rows


class FaissIndex:
    """Implements `VectorIndex`: one bit a dimension in memory, the exact vectors of the nearest from whoever
    asks; vectors in half precision where there are few. Scores are near 1e-3 of those of single precision.

    Every addition is a segment of its own; neighbours of like size are merged, so a vector is copied a
    logarithmic number of times. Readers take the tuple of parts once and are never waited for; writers
    take turns.
    """

    def __init__(self, fingerprint: str, dimension: int, *, exact_rows: int = EXACT_ROWS) -> None:
        self._fingerprint = fingerprint
        self._dimension = dimension
        self._exact_rows = exact_rows
        self._parts: tuple[_Part, ...] = ()
        self._writing = threading.Lock()
        self._saving = threading.Lock()
        self._names: WeakKeyDictionary[Segment, str] = WeakKeyDictionary()  # on disk; guarded by _saving

    @classmethod
    def empty(cls, fingerprint: str, dimension: int, *, exact_rows: int = EXACT_ROWS) -> Self:
        return cls(fingerprint, dimension, exact_rows=exact_rows)

    @classmethod
    def load(cls, directory: Path, fingerprint: str, dimension: int, *, exact_rows: int = EXACT_ROWS) -> Self:
        """Raises IndexAbsent: none was saved, or for another model or version; IndexDamaged: the file of one
        is missing or damaged."""
        index = cls(fingerprint, dimension, exact_rows=exact_rows)
        parts = read_parts(directory, fingerprint=fingerprint, dimension=dimension, names=index._names)
        index._parts = tuple(
            _Part(segment, mask, len(segment) if mask is None else int(np.count_nonzero(mask)))
            for segment, mask in parts
        )
        return index

    @property
    def fingerprint(self) -> str:
        return self._fingerprint

    @property
    def dimension(self) -> int:
        return self._dimension

    def __len__(self) -> int:
        return sum(part.count for part in self._parts)

    def ids(self) -> Ids:
        living = [_living_ids(part) for part in self._parts]
        return np.sort(np.concatenate([np.empty(0, np.int64), *living]))

    def add(self, ids: Ids, vectors: Vectors) -> None:
        """Of an id given twice the last vector counts. Raises ValueError on shapes that do not match and
        on vectors that are not finite."""
        ids = np.asarray(ids, np.int64)
        vectors = np.asarray(vectors, np.float32)
        if ids.ndim != 1 or vectors.shape != (len(ids), self._dimension):
            raise ValueError(f"ids {ids.shape} and vectors {vectors.shape}, dimension {self._dimension}")
        if not np.isfinite(vectors).all():
            raise ValueError("a vector is not finite")
        if not len(ids):
            return
        unique, last = np.unique(ids[::-1], return_index=True)
        segment = build(unique, vectors[::-1][last], exact=len(unique) <= self._exact_rows)
        with self._writing:
            parts = [*_without(self._parts, unique), _Part(segment, None, len(segment))]
            self._parts = self._compacted(parts)

    def remove(self, ids: Ids) -> None:
        ids = np.unique(np.asarray(ids, np.int64))
        if not len(ids):
            return
        with self._writing:
            self._parts = self._compacted(_without(self._parts, ids))

    def search(self, query: Vectors, k: int, exact: Exact, allowed: Ids | None = None) -> tuple[Ids, Scores]:
        """`query` float32 (dimension,). Among equal scores the lower id comes first. Raises ValueError
        when the query has another shape."""
        query = np.ascontiguousarray(query, np.float32)
        if query.shape != (self._dimension,):
            raise ValueError(f"query {query.shape}, dimension {self._dimension}")
        if k <= 0:
            return np.empty(0, np.int64), np.empty(0, np.float32)
        among = None if allowed is None else Allowed(allowed)
        found: list[tuple[Ids, Scores]] = []
        coded: list[Run] = []
        for part in self._parts:
            mask = _mask(part, among)
            if part.segment.exact is not None:
                found.append(part.segment.search(query, k, mask))
            elif mask is None or mask.any():
                coded.append(Run(part.segment, mask))
        found.append(nearest(coded, query, k, exact))
        ids = np.concatenate([some for some, _ in found])
        scores = np.concatenate([some for _, some in found])
        best = np.lexsort((ids, -scores))[:k]
        return ids[best], scores[best]

    def save(self, directory: Path) -> None:
        with self._saving:
            write_parts(
                directory,
                [(part.segment, part.alive) for part in self._parts],
                fingerprint=self._fingerprint,
                dimension=self._dimension,
                names=self._names,
            )

    def _compacted(self, parts: list[_Part]) -> tuple[_Part, ...]:
        """Drops empty parts, rewrites those with many deletions, and merges from the newest backwards while
        a part is less than twice as large as what follows it."""
        parts = [part for part in parts if part.count]
        parts = [self._merged([part]) if _mostly_dead(part) else part for part in parts]
        first = len(parts) - 1
        following = parts[-1].count if parts else 0
        while (
            first > 0
            and parts[first - 1].count < 2 * following
            and parts[first - 1].count + following <= LARGE_ROWS
        ):
            first -= 1
            following += parts[first].count
        if first < len(parts) - 1:
            parts[first:] = [self._merged(parts[first:])]
        return tuple(parts)

    def _merged(self, parts: list[_Part]) -> _Part:
        segment = merge(
            [(part.segment, part.alive) for part in parts], self._dimension, exact_rows=self._exact_rows
        )
        return _Part(segment, None, len(segment))


def _living_ids(part: _Part) -> Ids:
    return part.segment.ids if part.alive is None else part.segment.ids[part.alive]


def _mostly_dead(part: _Part) -> bool:
    return len(part.segment) - part.count > DEAD_SHARE * len(part.segment)


def _without(parts: tuple[_Part, ...], ids: Ids) -> list[_Part]:
    """The parts with `ids` deleted; `ids` ascending."""
    left = []
    for part in parts:
        rows = part.segment.find(ids)
        if len(rows):
            alive = np.ones(len(part.segment), np.bool_) if part.alive is None else part.alive.copy()
            alive[rows] = False
            part = replace(part, alive=alive, count=int(np.count_nonzero(alive)))  # noqa: PLW2901
        left.append(part)
    return left


def _mask(part: _Part, among: Allowed | None) -> Mask | None:
    if among is None:
        return part.alive
    mask = among.of(part.segment)
    return mask if part.alive is None else mask & part.alive
