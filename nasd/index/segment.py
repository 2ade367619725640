"""An immutable run of vectors: rows sorted by id, kept in half precision, searched exhaustively.

Half precision is what the catalogue keeps, so nothing is lost against it. Measured on one core, 384
dimensions, one query: 10,000 rows 0.3 ms, 100,000 4.7 ms and 77 MB, 200,000 12.5 ms and 154 MB; float32
takes twice the memory and 1.6 times the time. Another code, such as RaBitQ, takes this module's place:
`CODE` is in the saved manifest, so an index saved in another is built again.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from nasd.index.base import Ids, Scores, Vectors

CODE = "fp16"

Codes = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]

faiss: Any = importlib.import_module("faiss")  # its own stubs describe the C++ calls, not the Python ones
faiss.omp_set_num_threads(1)  # one query is one thread's work; idle OpenMP threads would spin for nothing


def code_size(dimension: int) -> int:
    """Bytes of one vector."""
    return 2 * dimension


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Segment:
    """Equal only to itself. `ids` strictly ascending; row i of `rows` is the vector of `ids[i]`."""

    ids: Ids
    rows: Any  # faiss.IndexScalarQuantizer

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def codes(self) -> Codes:
        """A view, uint8 (n, code_size), valid as long as the segment lives."""
        if not len(self):
            return np.empty((0, code_size(self.rows.d)), np.uint8)
        flat = faiss.rev_swig_ptr(self.rows.codes.data(), self.rows.codes.size())
        return np.asarray(flat, np.uint8).reshape(len(self), -1)

    def find(self, ids: Ids) -> npt.NDArray[np.intp]:
        """Rows of those of `ids` that are here. `ids` ascending."""
        if len(ids) <= len(self.ids):
            at = np.searchsorted(self.ids, ids)
            at = at[at < len(self.ids)] if len(at) and at[-1] == len(self.ids) else at
            return np.asarray(at[self.ids[at] == ids[: len(at)]], np.intp)
        at = np.searchsorted(ids, self.ids)
        at[at == len(ids)] = 0
        return np.flatnonzero(ids[at] == self.ids)

    def search(self, query: Vectors, k: int, mask: Mask | None) -> tuple[Ids, Scores]:
        """The best at most `k` among the rows where `mask` holds, or all. `query` float32 (dimension,)."""
        count = min(k, len(self) if mask is None else int(mask.sum()))
        if count == 0:
            return np.empty(0, np.int64), np.empty(0, np.float32)
        if mask is None:
            scores, found = self.rows.search(query[None], count)
        else:
            bits = np.packbits(mask, bitorder="little")  # must outlive the search, which holds no reference
            chosen = faiss.SearchParameters(sel=faiss.IDSelectorBitmap(bits))
            scores, found = self.rows.search(query[None], count, params=chosen)
        kept = found[0] >= 0
        return self.ids[found[0][kept]], scores[0][kept]


def build(ids: Ids, vectors: Vectors) -> Segment:
    """`ids` strictly ascending int64 (n,), `vectors` float32 (n, dimension)."""
    rows = _empty_rows(vectors.shape[1])
    rows.add(np.ascontiguousarray(vectors, np.float32))
    return Segment(ids, rows)


def restore(ids: Ids, codes: Codes, dimension: int) -> Segment:
    """`ids` strictly ascending int64 (n,), `codes` uint8 (n, code_size(dimension))."""
    rows = _empty_rows(dimension)
    if len(ids):
        rows.add_sa_codes(np.ascontiguousarray(codes))
    return Segment(ids, rows)


def merge(parts: Sequence[tuple[Segment, Mask | None]], dimension: int) -> Segment:
    """One segment of the rows where each part's mask holds. No id lives in two parts."""
    ids = np.concatenate([part.ids if mask is None else part.ids[mask] for part, mask in parts])
    codes = np.concatenate([part.codes if mask is None else part.codes[mask] for part, mask in parts])
    order = np.argsort(ids, kind="stable")
    return restore(ids[order], codes[order], dimension)


def _empty_rows(dimension: int) -> Any:
    return faiss.IndexScalarQuantizer(dimension, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT)
