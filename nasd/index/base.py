"""The vector index's promise."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

Ids = npt.NDArray[np.int64]
Vectors = npt.NDArray[np.float32]
Scores = npt.NDArray[np.float32]

Exact = Callable[[Ids], tuple[Ids, Vectors]]
"""The vectors as the catalogue keeps them, of those of the ids (sorted int64) that it has: their ids, sorted,
and float32 (n, dimension)."""


class IndexAbsent(Exception):
    """No index is saved here for this model and this version: build it from the catalogue."""


class IndexDamaged(Exception):
    """A saved index cannot be read back whole: put it aside, and build it again from the catalogue."""


class VectorIndex(Protocol):
    """Nearest neighbours by inner product over unit vectors, keyed by passage id.

    A cache: whatever is in it can be added again from the catalogue. A search sees one consistent state
    from start to finish, whatever is added meanwhile. Thread-safe.
    """

    @property
    def fingerprint(self) -> str:
        """Of the embedding model whose vectors these are."""

    def __len__(self) -> int: ...

    def ids(self) -> Ids:
        """All ids, sorted, int64."""

    def add(self, ids: Ids, vectors: Vectors) -> None:
        """float32 (n, dimension). An id that is there already is replaced. Searchable on return."""

    def remove(self, ids: Ids) -> None:
        """Ids that are not there are ignored. Never found again on return."""

    def search(self, query: Vectors, k: int, exact: Exact, allowed: Ids | None = None) -> tuple[Ids, Scores]:
        """The best at most `k` ids with their inner products, best first. With `allowed` (sorted int64),
        only among those: k of them come back whenever k exist. `exact` gives the vectors that the index does
        not hold itself; an id that it does not know is not found. What it raises comes through."""

    def save(self, directory: Path) -> None:
        """Durably and atomically: a crash leaves the former state or this one. Raises OSError."""
