"""A vector index that is a plain dict, searched exhaustively in float32; and any index beside a catalogue."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Self

import numpy as np

from nasd.index.base import Exact, Ids, IndexAbsent, Scores, VectorIndex, Vectors


class DictIndex:
    """Holds every vector itself, so it asks for none."""

    def __init__(self, fingerprint: str, dimension: int) -> None:
        self._fingerprint = fingerprint
        self._dimension = dimension
        self._vectors: dict[int, Vectors] = {}
        self._lock = threading.Lock()

    @classmethod
    def empty(cls, fingerprint: str, dimension: int) -> Self:
        return cls(fingerprint, dimension)

    @classmethod
    def load(cls, directory: Path, fingerprint: str, dimension: int) -> Self:
        try:
            with np.load(directory / "index.npz") as saved:
                ids, vectors, stated = saved["ids"], saved["vectors"], str(saved["fingerprint"])
        except (OSError, ValueError, KeyError) as error:
            raise IndexAbsent("missing or unreadable") from error
        if stated != fingerprint or vectors.shape[1] != dimension:
            raise IndexAbsent("of another model")
        index = cls(fingerprint, dimension)
        index.add(ids, vectors)
        return index

    @property
    def fingerprint(self) -> str:
        return self._fingerprint

    def __len__(self) -> int:
        return len(self._vectors)

    def ids(self) -> Ids:
        with self._lock:
            return np.asarray(sorted(self._vectors), np.int64)

    def add(self, ids: Ids, vectors: Vectors) -> None:
        if np.shape(vectors) != (len(ids), self._dimension):
            raise ValueError("shapes do not match")
        if not np.isfinite(vectors).all():
            raise ValueError("a vector is not finite")
        with self._lock:
            for id_, vector in zip(ids.tolist(), vectors, strict=True):
                self._vectors[id_] = np.array(vector, np.float32)

    def remove(self, ids: Ids) -> None:
        with self._lock:
            for id_ in ids.tolist():
                self._vectors.pop(id_, None)

    def search(self, query: Vectors, k: int, exact: Exact, allowed: Ids | None = None) -> tuple[Ids, Scores]:
        if query.shape != (self._dimension,):
            raise ValueError("shapes do not match")
        with self._lock:
            wanted = set(self._vectors) if allowed is None else set(self._vectors) & set(allowed.tolist())
            ids = np.asarray(sorted(wanted), np.int64)
            scores = np.asarray([self._vectors[id_] @ query for id_ in ids.tolist()], np.float32)
        best = np.argsort(-scores, kind="stable")[: max(k, 0)]
        return ids[best], scores[best]

    def exact(self, ids: Ids) -> tuple[Ids, Vectors]:
        """What a catalogue with the same contents would answer to another index."""
        with self._lock:
            there = [id_ for id_ in ids.tolist() if id_ in self._vectors]
            rows = np.asarray([self._vectors[id_] for id_ in there], np.float32)
        return np.asarray(there, np.int64), rows.reshape(len(there), self._dimension)

    def save(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        ids = self.ids()
        vectors = np.asarray([self._vectors[id_] for id_ in ids.tolist()], np.float32)
        part = directory / "index.part.npz"
        np.savez(
            part, ids=ids, vectors=vectors.reshape(len(ids), self._dimension), fingerprint=self._fingerprint
        )
        part.replace(directory / "index.npz")


class Beside:
    """An index, and a catalogue that has always been told first, as in the daemon."""

    def __init__(self, index: VectorIndex, catalogue: DictIndex) -> None:
        self.index = index
        self.catalogue = catalogue

    def __len__(self) -> int:
        return len(self.index)

    @property
    def fingerprint(self) -> str:
        return self.index.fingerprint

    def ids(self) -> Ids:
        return self.index.ids()

    def add(self, ids: Ids, vectors: Vectors) -> None:
        self.catalogue.add(ids, vectors)
        self.index.add(ids, vectors)

    def remove(self, ids: Ids) -> None:
        self.catalogue.remove(ids)
        self.index.remove(ids)

    def search(self, query: Vectors, k: int, allowed: Ids | None = None) -> tuple[Ids, Scores]:
        return self.index.search(query, k, self.catalogue.exact, allowed)

    def save(self, directory: Path) -> None:
        self.index.save(directory)
