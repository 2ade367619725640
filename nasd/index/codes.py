"""One bit a dimension: the signs of a rotated vector, compared in two steps.

The first step counts the signs in which a query and a vector differ, for all vectors; the second weighs, for
the best of them, each sign with the query's own number, which is the estimate of RaBitQ (Gao and Long,
SIGMOD 2024) without its correction per vector: after a random rotation all unit vectors have nearly the same.
The rotation spreads what a model puts into few dimensions over all of them. It depends on the dimension
alone, so nothing is ever trained.
"""

from __future__ import annotations

import importlib
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from nasd.index.base import Scores, Vectors

Codes = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]
Rows = npt.NDArray[np.intp]
Differing = npt.NDArray[np.int32]

faiss: Any = importlib.import_module("faiss")  # its own stubs describe the C++ calls, not the Python ones

NAME = "signs-1"
"""Of this code with this rotation; an index saved in another is built again."""

SPARSE = 1 / 16
"""A filter that lets through a smaller share of the rows has those looked at one by one: 10,000 of 1,000,000
in 0.9 ms rather than 2.8."""
DENSE = 0.4
"""One that lets through a larger share is applied to what is found without it, `MORE` than its share would
ask for, as far as that suffices; FAISS takes up to three times as long when it has to ask for every row."""
MORE, MORE_AT_LEAST = 1.25, 64

_SEED = 1

_BITS = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1).T.astype(np.float32)
"""Column i holds the bits of i, the highest first."""


def code_size(dimension: int) -> int:
    """Bytes of one code."""
    return (dimension + 7) // 8


def rotate(vectors: Vectors) -> Vectors:
    """float32 (n, dimension) in the coordinates of the codes."""
    turned: Vectors = _rotation(vectors.shape[1]).apply(np.ascontiguousarray(vectors, np.float32))
    return turned


def encode(rotated: Vectors) -> Codes:
    """uint8 (n, code_size(dimension)) of float32 (n, dimension)."""
    return np.packbits(rotated > 0, axis=1)


def estimate(rotated: Vectors, codes: Codes) -> Scores:
    """Grows with the inner product; float32 (n,). `rotated` is one query, float32 (dimension,).

    By a table for each byte of a code: 0.1 ms for 1,000 of 48 bytes, a quarter of what their bits as numbers
    take, and without the threads of a matrix product, which one query gains nothing from.
    """
    size = codes.shape[1]
    weights = np.zeros((size, 8), np.float32)
    weights.reshape(-1)[: len(rotated)] = rotated
    table = (weights @ _BITS).reshape(-1)
    at = codes + np.arange(0, 256 * size, 256, dtype=np.int32)
    return np.asarray(table.take(at).sum(axis=1), np.float32)


def room(count: int, dimension: int) -> Any:
    """A `faiss.IndexBinaryFlat` of `count` codes that are to be written into its `xb`."""
    rows = faiss.IndexBinaryFlat(8 * code_size(dimension))
    rows.use_heap = False  # counting the distances takes a fifth less than a heap of a thousand
    rows.xb.resize(count * code_size(dimension))
    rows.ntotal = count
    return rows


def scan(codes: Any, query: Codes, k: int, mask: Mask | None) -> tuple[Differing, Rows]:
    """The at most `k` rows that differ in the fewest signs, with how many, in no order, among those where
    `mask` holds, or all. `query` uint8 (code size,)."""
    faiss.omp_set_num_threads(1)  # holds for the calling thread alone: one part is one thread's work
    if mask is None:
        return _all(codes, query, min(k, codes.ntotal))
    count = int(np.count_nonzero(mask))
    k = min(k, count)
    if count < codes.ntotal * SPARSE:
        return _among(codes, query, k, np.flatnonzero(mask))
    if count > codes.ntotal * DENSE:
        differing, rows = _all(
            codes, query, min(int(MORE * k * codes.ntotal / count) + MORE_AT_LEAST, codes.ntotal)
        )
        let_through = mask[rows]
        if np.count_nonzero(let_through) >= k:
            return _least(differing[let_through], rows[let_through], k)
    bits = np.packbits(mask, bitorder="little")  # must outlive the search, which holds no reference
    return _all(codes, query, k, params=faiss.SearchParameters(sel=faiss.IDSelectorBitmap(bits)))


def _all(codes: Any, query: Codes, k: int, **options: Any) -> tuple[Differing, Rows]:
    if k == 0:
        return np.empty(0, np.int32), np.empty(0, np.intp)
    differing, found = codes.search(query[None], k, **options)
    kept = found[0] >= 0
    return differing[0][kept], found[0][kept]


def _among(codes: Any, query: Codes, k: int, rows: Rows) -> tuple[Differing, Rows]:
    word = np.dtype(np.uint64 if len(query) % 8 == 0 else np.uint8)
    everything = faiss.rev_swig_ptr(codes.xb.data(), codes.xb.size()).reshape(-1, len(query))
    differing = np.bitwise_count(everything[rows].view(word) ^ query.view(word)).sum(axis=1, dtype=np.int32)
    return _least(differing, rows, k)


def _least(differing: Differing, rows: Rows, k: int) -> tuple[Differing, Rows]:
    if len(rows) > k > 0:
        best = np.argpartition(differing, k - 1)[:k]
        differing, rows = differing[best], rows[best]
    return differing[:k], rows[:k]


@lru_cache(maxsize=4)
def _rotation(dimension: int) -> Any:
    rotation = faiss.RandomRotationMatrix(dimension, dimension)
    rotation.init(_SEED)
    return rotation
