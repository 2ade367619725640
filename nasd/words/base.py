"""What is asked of the words lane, and the promise of its index."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

Ids = npt.NDArray[np.int64]
Scores = npt.NDArray[np.float32]


class WordsDamaged(Exception):
    """A saved index is missing, damaged, or made by other rules: build it again from the catalogue."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """One thing looked for: any of its alternatives counts, the best of them once. An alternative is a run of
    terms side by side; `prefix`: its last term is a beginning. `within`: terms that hold what was asked, for
    want of itself; None: not looked for yet."""

    alternatives: tuple[tuple[str, ...], ...]
    prefix: bool = False
    within: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """`some`: each raises the rank, one has to be there. `all_of`: each has to be there, and raises the rank.
    `none_of`: must not be there. `tolerant`: of `some`, what no text holds may be spelt otherwise."""

    some: tuple[Unit, ...] = ()
    all_of: tuple[Unit, ...] = ()
    none_of: tuple[Unit, ...] = ()
    tolerant: bool = False

    @property
    def empty(self) -> bool:
        return not (self.some or self.all_of)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """Something to be found: its key, the group that it comes and goes with, its terms in order."""

    key: int
    group: int
    terms: Sequence[str]


class WordIndex(Protocol):
    """Entries ranked by BM25 of their terms. A cache: all in it can be added again from the catalogue.
    One writer; any number of searches beside it, each of which sees one committed state. Thread-safe."""

    def __len__(self) -> int: ...

    def replace(self, groups: Sequence[int], keys: Sequence[int], entries: Iterable[Entry]) -> None:
        """Removes what these groups hold and what has these keys, then adds the entries. Not seen before
        `commit`. Raises OSError."""

    def commit(self) -> None:
        """Durably and atomically; what was replaced is seen on return. Raises OSError."""

    def search(self, wanted: Wanted, k: int, allowed: Ids | None = None) -> tuple[Ids, Ids, Scores]:
        """Keys, groups and BM25 scores of the best at most `k`, best first, the lower key first among equals.
        With `allowed` (sorted int64 groups), only of those: k come back whenever k exist."""

    def score(self, wanted: Wanted, keys: Ids) -> dict[int, float]:
        """BM25 of those of `keys` that match."""

    def meant(self, wanted: Wanted) -> Wanted:
        """The same, where those of `some` that no entry holds know the terms that they stand within. What is
        not tolerant comes back as it is."""

    def obeying(self, wanted: Wanted, keys: Ids) -> tuple[set[int], set[int]]:
        """Those of `keys` that are here, and those of them with `all_of` and without `none_of`."""

    def frequency(self, term: str) -> int:
        """How many entries hold a term."""

    def release(self) -> None:
        """Nothing is being written for a while: memory for writing is given back."""

    def ease(self) -> None:
        """Nothing is being asked for a while: the pages of its files that were read are given back."""

    def close(self) -> None: ...
