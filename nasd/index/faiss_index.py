"""The vector index on FAISS: immutable segments, a snapshot for every reader."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self
from weakref import WeakKeyDictionary

import numpy as np

from nasd.index.base import Ids, IndexDamaged, Scores, Vectors
from nasd.index.saved import read_parts, write_parts
from nasd.index.segment import Mask, Segment, build, merge

__all__ = ["FaissIndex", "IndexDamaged"]

LARGE_ROWS = 131_072
"""A segment of this many rows is not merged any further, so that no addition waits for more than 100 MB
to be copied (0.1 s)."""

DEAD_SHARE = 0.25
"""A segment is written anew once more of its rows than this are deleted."""


@dataclass(frozen=True, slots=True)
class _Part:
    segment: Segment
    alive: Mask | None  # None: all of them; never changed in place, readers hold it
    count: int  # of living rows


class FaissIndex:
    """Implements `VectorIndex`. Vectors are kept in half precision, so scores are near 1e-3 of exact.

    Every addition is a segment of its own; neighbours of like size are merged, so a vector is copied a
    logarithmic number of times. Readers take the tuple of parts once and are never waited for; writers
    take turns.
    """

    def __init__(self, fingerprint: str, dimension: int) -> None:
        self._fingerprint = fingerprint
        self._dimension = dimension
        self._parts: tuple[_Part, ...] = ()
        self._writing = threading.Lock()
        self._saving = threading.Lock()
        self._names: WeakKeyDictionary[Segment, str] = WeakKeyDictionary()  # on disk; guarded by _saving

    @classmethod
    def empty(cls, fingerprint: str, dimension: int) -> Self:
        return cls(fingerprint, dimension)

    @classmethod
    def load(cls, directory: Path, fingerprint: str, dimension: int) -> Self:
        """Raises IndexDamaged: missing, damaged, or saved for another model or dimension."""
        index = cls(fingerprint, dimension)
        parts = read_parts(directory, fingerprint=fingerprint, dimension=dimension, names=index._names)
        index._parts = tuple(
            _Part(segment, mask, len(segment) if mask is None else int(mask.sum())) for segment, mask in parts
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
        segment = build(unique, vectors[::-1][last])
        with self._writing:
            parts = [*_without(self._parts, unique), _Part(segment, None, len(segment))]
            self._parts = self._compacted(parts)

    def remove(self, ids: Ids) -> None:
        ids = np.unique(np.asarray(ids, np.int64))
        if not len(ids):
            return
        with self._writing:
            self._parts = self._compacted(_without(self._parts, ids))

    def search(self, query: Vectors, k: int, allowed: Ids | None = None) -> tuple[Ids, Scores]:
        """`query` float32 (dimension,). Among equal scores the lower id comes first. Raises ValueError
        when the query has another shape."""
        query = np.ascontiguousarray(query, np.float32)
        if query.shape != (self._dimension,):
            raise ValueError(f"query {query.shape}, dimension {self._dimension}")
        found: list[tuple[Ids, Scores]] = [(np.empty(0, np.int64), np.empty(0, np.float32))]
        if k > 0:
            found += [part.segment.search(query, k, _mask(part, allowed)) for part in self._parts]
        ids = np.concatenate([some for some, _ in found])
        scores = np.concatenate([some for _, some in found])
        best = np.lexsort((ids, -scores))[:k] if k > 0 else slice(0, 0)
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
        segment = merge([(part.segment, part.alive) for part in parts], self._dimension)
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
            part = replace(part, alive=alive, count=int(alive.sum()))  # noqa: PLW2901
        left.append(part)
    return left


def _mask(part: _Part, allowed: Ids | None) -> Mask | None:
    if allowed is None:
        return part.alive
    mask = np.zeros(len(part.segment), np.bool_)
    mask[part.segment.find(allowed)] = True
    return mask if part.alive is None else mask & part.alive
