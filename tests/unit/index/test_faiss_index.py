from __future__ import annotations

import numpy as np
import pytest

from nasd.index import faiss_index
from nasd.index.base import Ids, Vectors
from nasd.index.faiss_index import FaissIndex
from tests.fakes.index import DictIndex

DIMENSION = 8
VECTORS = np.random.default_rng(0).standard_normal((1000, DIMENSION)).astype(np.float32)


def never(ids: Ids) -> tuple[Ids, Vectors]:
    raise AssertionError("few vectors are all in memory")


def unit_vectors(count: int, dimension: int, seed: int = 0) -> Vectors:
    vectors = np.random.default_rng(seed).standard_normal((count, dimension)).astype(np.float32)
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


def numbers(*limits: int) -> Ids:
    return np.arange(*limits, dtype=np.int64)


def kept(vectors: Vectors, but: Ids | None = None) -> DictIndex:
    """A catalogue of vectors numbered from 0, as it keeps them."""
    catalogue = DictIndex.empty("model", vectors.shape[1])
    catalogue.add(numbers(len(vectors)), vectors.astype(np.float16).astype(np.float32))
    catalogue.remove(numbers(0) if but is None else but)
    return catalogue


def test_one_by_one_additions_are_copied_a_logarithmic_number_of_times() -> None:
    index = FaissIndex.empty("model", DIMENSION)
    most = 0
    for number in range(1000):
        index.add(np.asarray([number], np.int64), VECTORS[number : number + 1])
        most = max(most, len(index._parts))
    assert most <= 11  # 2 ** 10 > 1000
    assert len(index) == 1000


def test_many_deletions_give_their_memory_back() -> None:
    index = FaissIndex.empty("model", DIMENSION)
    index.add(np.arange(1000, dtype=np.int64), VECTORS)
    index.remove(np.arange(0, 200, dtype=np.int64))
    assert sum(len(part.segment) for part in index._parts) == 1000
    index.remove(np.arange(200, 700, dtype=np.int64))
    assert sum(len(part.segment) for part in index._parts) == 300
    assert index.ids().tolist() == list(range(700, 1000))


def test_a_reader_keeps_the_state_it_began_with() -> None:
    index = FaissIndex.empty("model", DIMENSION)
    index.add(np.arange(10, dtype=np.int64), VECTORS[:10])
    pinned = index._parts
    index.remove(np.arange(5, dtype=np.int64))
    assert pinned[0].alive is None
    assert len(pinned[0].segment.search(VECTORS[0], 10, pinned[0].alive)[0]) == 10


def test_scores_are_those_of_half_precision_vectors() -> None:
    index = FaissIndex.empty("model", DIMENSION)
    index.add(np.arange(1000, dtype=np.int64), VECTORS)
    ids, scores = index.search(VECTORS[3], 50, never)
    halves = VECTORS.astype(np.float16).astype(np.float32)
    assert np.allclose(halves[ids] @ VECTORS[3], scores, rtol=1e-4)


def test_up_to_a_size_no_vector_is_asked_for_and_beyond_it_none_is_held() -> None:
    vectors = unit_vectors(1000, 64)
    index = FaissIndex("model", 64, exact_rows=500)
    for start in range(0, 500, 50):
        index.add(numbers(start, start + 50), vectors[start : start + 50])
    assert index.search(vectors[7], 5, never)[0][0] == 7
    index.add(numbers(500, 1000), vectors[500:])
    assert any(part.segment.exact is None for part in index._parts)
    assert sum(len(part.segment) for part in index._parts if part.segment.exact is not None) <= 500
    ids, scores = index.search(vectors[7], 5, kept(vectors).exact)
    assert ids[0] == 7
    assert scores[0] == pytest.approx(1, abs=2e-3)


def test_by_codes_the_nearest_of_many_are_found_with_their_exact_scores() -> None:
    """Clustered, as real embeddings are."""
    centres = unit_vectors(400, 128, seed=1)
    vectors = np.repeat(centres, 25, axis=0) + unit_vectors(10_000, 128, seed=2)
    vectors = np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)
    index = FaissIndex("model", 128, exact_rows=0)
    index.add(numbers(10_000), vectors)
    catalogue = kept(vectors)
    right = 0
    for query in vectors[::500]:
        ids, scores = index.search(query, 10, catalogue.exact)
        truth = vectors @ query
        right += len(set(ids.tolist()) & set(np.argsort(-truth)[:10].tolist()))
        assert np.allclose(scores, truth[ids], atol=2e-3)
    assert right >= 0.99 * 200


def test_what_the_catalogue_forgot_is_passed_over_and_others_take_its_place() -> None:
    vectors = unit_vectors(5000, 32)
    index = FaissIndex("model", 32, exact_rows=0)
    index.add(numbers(5000), vectors)
    gone = np.argsort(-(vectors @ vectors[0]))[:4000].astype(np.int64)
    ids, _ = index.search(vectors[0], 50, kept(vectors, but=gone).exact)
    assert len(ids) == 50
    assert not set(ids.tolist()) & set(gone.tolist())


@pytest.mark.parametrize("spread", [1, 1000])
def test_a_filter_holds_across_parts_however_far_its_ids_lie_apart(spread: int) -> None:
    vectors = unit_vectors(3000, 32)
    index = FaissIndex("model", 32, exact_rows=200)
    catalogue = DictIndex.empty("model", 32)
    for start, stop in ((0, 2500), (2500, 2900), (2900, 3000)):
        for one in (index, catalogue):
            one.add(numbers(start, stop) * spread, vectors[start:stop])
    assert len(index._parts) > 1
    allowed = numbers(3, 3000, 29) * spread
    ids, _ = index.search(vectors[0], 500, catalogue.exact, allowed)
    assert sorted(ids.tolist()) == allowed.tolist()
    assert len(index.search(vectors[0], 40, catalogue.exact, allowed)[0]) == 40
    assert not len(index.search(vectors[0], 40, catalogue.exact, np.array([1, 2]) * spread + 10**9)[0])


def test_parts_of_a_large_index_are_scanned_in_several_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(faiss_index, "LARGE_ROWS", 30_000)
    vectors = unit_vectors(100_000, 16)
    index = FaissIndex.empty("model", 16)
    for start in range(0, 100_000, 25_000):
        index.add(numbers(start, start + 25_000), vectors[start : start + 25_000])
    assert len(index._parts) == 4
    catalogue = kept(vectors[:1])
    for id_ in (40_000, 99_999):
        catalogue.add(np.array([id_]), vectors[id_ : id_ + 1])
    assert index.search(vectors[40_000], 1, catalogue.exact)[0].tolist() == [40_000]
    assert index.search(vectors[99_999], 1, catalogue.exact)[0].tolist() == [99_999]


def test_a_million_codes_stay_within_their_memory() -> None:
    """48 bytes of code and 8 of id for 384 dimensions; held to the byte by what FAISS allocated."""
    vectors = unit_vectors(40_000, 384)
    index = FaissIndex.empty("model", 384)
    for start in range(0, 40_000, 4000):
        index.add(numbers(start, start + 4000), vectors[start : start + 4000])
    held = sum(
        part.segment.ids.nbytes
        + part.segment.signs.xb.size()
        + (0 if part.segment.exact is None else part.segment.exact.codes.size())
        for part in index._parts
    )
    assert held <= 40_000 * 56 + 2 * faiss_index.EXACT_ROWS * 768
