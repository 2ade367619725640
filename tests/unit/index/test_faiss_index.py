from __future__ import annotations

import numpy as np

from nasd.index.faiss_index import FaissIndex

DIMENSION = 8
VECTORS = np.random.default_rng(0).standard_normal((1000, DIMENSION)).astype(np.float32)


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
    ids, scores = index.search(VECTORS[3], 50)
    halves = VECTORS.astype(np.float16).astype(np.float32)
    assert np.allclose(halves[ids] @ VECTORS[3], scores, rtol=1e-4)
