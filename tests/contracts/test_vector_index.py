"""What every vector index promises; the plain dict and FAISS, with its vectors in memory and without, pass
the same tests."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest

from nasd.index.base import IndexAbsent, VectorIndex, Vectors
from nasd.index.faiss_index import FaissIndex
from tests.fakes.index import Beside, DictIndex

DIMENSION = 16


class CodesAlone(FaissIndex):
    """Keeps no vector however few there are."""

    def __init__(self, fingerprint: str, dimension: int, *, exact_rows: int = 0) -> None:
        super().__init__(fingerprint, dimension, exact_rows=0)


class Kind:
    """Makes indexes of one kind beside one catalogue, which outlives them."""

    def __init__(self, kind: type[FaissIndex] | type[DictIndex]) -> None:
        self._kind = kind
        self._catalogue = DictIndex.empty("model", DIMENSION)

    def empty(self, fingerprint: str, dimension: int) -> Beside:
        return Beside(self._kind.empty(fingerprint, dimension), self._catalogue)

    def load(self, directory: Path, fingerprint: str, dimension: int) -> Beside:
        index: VectorIndex = self._kind.load(directory, fingerprint, dimension)
        return Beside(index, self._catalogue)


@pytest.fixture(params=[FaissIndex, CodesAlone, DictIndex], ids=["faiss", "codes", "dict"])
def kind(request: pytest.FixtureRequest) -> Kind:
    return Kind(request.param)


def unit_vectors(count: int, seed: int = 0) -> Vectors:
    vectors = np.random.default_rng(seed).standard_normal((count, DIMENSION)).astype(np.float32)
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


def ids_of(*values: int) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    return np.asarray(values, np.int64)


def test_an_empty_index_finds_nothing(kind: Kind) -> None:
    index = kind.empty("model", DIMENSION)
    ids, scores = index.search(unit_vectors(1)[0], 5)
    assert (len(index), ids.tolist(), scores.tolist(), index.ids().tolist()) == (0, [], [], [])
    assert [str(array.dtype) for array in (ids, scores, index.ids())] == ["int64", "float32", "int64"]
    assert index.fingerprint == "model"


def test_the_nearest_come_first_with_their_inner_products(kind: Kind) -> None:
    index = kind.empty("model", DIMENSION)
    vectors = unit_vectors(100)
    index.add(np.arange(100, dtype=np.int64) * 7, vectors)
    for query in unit_vectors(5, seed=1):
        ids, scores = index.search(query, 10)
        exact = vectors @ query
        assert np.allclose(scores, np.sort(exact)[::-1][:10], atol=2e-3)
        assert np.allclose(exact[ids // 7], scores, atol=2e-3)
        assert np.all(scores[:-1] >= scores[1:])
        assert [str(array.dtype) for array in (ids, scores)] == ["int64", "float32"]


def test_each_vector_finds_itself(kind: Kind) -> None:
    index = kind.empty("model", DIMENSION)
    vectors = unit_vectors(100)
    for start in range(0, 100, 7):
        stop = min(start + 7, 100)
        index.add(np.arange(start, stop, dtype=np.int64), vectors[start:stop])
        assert index.search(vectors[start], 1)[0].tolist() == [start]
    assert [index.search(vector, 1)[0].tolist() for vector in vectors] == [[number] for number in range(100)]


def test_ids_may_come_in_any_order_and_are_listed_sorted(kind: Kind) -> None:
    index = kind.empty("model", DIMENSION)
    index.add(ids_of(9, 2**40, 4), unit_vectors(3))
    assert index.ids().tolist() == [4, 9, 2**40]
    assert len(index) == 3
    assert index.search(unit_vectors(3)[1], 1)[0].tolist() == [2**40]


def test_adding_an_id_again_replaces_its_vector(kind: Kind) -> None:
    index = kind.empty("model", DIMENSION)
    vectors = unit_vectors(4)
    index.add(ids_of(1, 2, 3), vectors[:3])
    index.add(ids_of(2), vectors[3:])
    assert len(index) == 3
    ids, scores = index.search(vectors[3], 3)
    assert ids[0] == 2
    assert scores[0] == pytest.approx(1, abs=2e-3)
    assert sorted(ids.tolist()) == [1, 2, 3]


def test_of_an_id_given_twice_the_last_vector_counts(kind: Kind) -> None:
    index = kind.empty("model", DIMENSION)
    vectors = unit_vectors(2)
    index.add(ids_of(5, 5), vectors)
    ids, scores = index.search(vectors[1], 2)
    assert ids.tolist() == [5]
    assert scores[0] == pytest.approx(1, abs=2e-3)


def test_the_removed_is_never_found_again(kind: Kind) -> None:
    index = kind.empty("model", DIMENSION)
    vectors = unit_vectors(50)
    index.add(np.arange(50, dtype=np.int64), vectors)
    index.remove(ids_of(3, 4, 999))
    index.remove(ids_of())
    assert len(index) == 48
    for query in vectors[3:5]:
        assert not {3, 4} & set(index.search(query, 50)[0].tolist())
    assert {3, 4}.isdisjoint(index.ids().tolist())
    assert not len(index.search(vectors[3], 5, ids_of(3))[0])
    index.add(ids_of(3), vectors[3:4])
    assert index.search(vectors[3], 1)[0].tolist() == [3]


def test_everything_can_be_removed(kind: Kind) -> None:
    index = kind.empty("model", DIMENSION)
    index.add(np.arange(20, dtype=np.int64), unit_vectors(20))
    index.remove(index.ids())
    assert len(index) == 0
    assert not len(index.search(unit_vectors(1)[0], 5)[0])


def test_only_the_allowed_are_found_and_as_many_as_there_are(kind: Kind) -> None:
    index = kind.empty("model", DIMENSION)
    vectors = unit_vectors(300)
    for start in range(0, 300, 60):
        index.add(np.arange(start, start + 60, dtype=np.int64), vectors[start : start + 60])
    index.remove(ids_of(20, 250))
    query = vectors[0]
    far = np.sort(np.argsort(vectors @ query)[:20]).astype(np.int64)
    allowed = np.union1d(far, ids_of(20, 250, 4000))
    permitted = set(far.tolist()) - {20, 250}
    ids, scores = index.search(query, 10, allowed)
    assert len(ids) == 10
    assert set(ids.tolist()) <= permitted
    assert np.allclose(scores, np.sort((vectors @ query)[sorted(permitted)])[::-1][:10], atol=2e-3)
    assert set(index.search(query, 100, allowed)[0].tolist()) == permitted
    assert not len(index.search(query, 10, ids_of())[0])


def test_more_asked_for_than_there_is(kind: Kind) -> None:
    index = kind.empty("model", DIMENSION)
    index.add(ids_of(1, 2), unit_vectors(2))
    assert sorted(index.search(unit_vectors(1)[0], 100)[0].tolist()) == [1, 2]
    assert not len(index.search(unit_vectors(1)[0], 0)[0])


def test_shapes_that_do_not_match_are_refused_and_change_nothing(kind: Kind) -> None:
    index = kind.empty("model", DIMENSION)
    with pytest.raises(ValueError):
        index.add(ids_of(1, 2), unit_vectors(3))
    with pytest.raises(ValueError):
        index.add(ids_of(1), np.ones((1, DIMENSION + 1), np.float32))
    with pytest.raises(ValueError):
        index.add(ids_of(1), np.full((1, DIMENSION), np.nan, np.float32))
    with pytest.raises(ValueError):
        index.search(np.ones(DIMENSION + 1, np.float32), 1)
    assert len(index) == 0


def test_saved_and_loaded_it_is_the_same(kind: Kind, tmp_path: Path) -> None:
    index = kind.empty("model", DIMENSION)
    vectors = unit_vectors(200)
    index.add(np.arange(200, dtype=np.int64), vectors)
    index.remove(ids_of(7, 8))
    index.save(tmp_path / "index")
    again = kind.load(tmp_path / "index", "model", DIMENSION)
    assert again.ids().tolist() == index.ids().tolist()
    for query in unit_vectors(5, seed=2):
        before, after = index.search(query, 20), again.search(query, 20)
        assert before[0].tolist() == after[0].tolist()
        assert before[1].tolist() == after[1].tolist()
    again.add(ids_of(7), vectors[7:8])
    assert again.search(vectors[7], 1)[0].tolist() == [7]


def test_an_empty_one_can_be_saved_and_loaded(kind: Kind, tmp_path: Path) -> None:
    kind.empty("model", DIMENSION).save(tmp_path)
    assert len(kind.load(tmp_path, "model", DIMENSION)) == 0


def test_what_is_missing_or_of_another_model_is_refused(kind: Kind, tmp_path: Path) -> None:
    with pytest.raises(IndexAbsent):
        kind.load(tmp_path / "nothing", "model", DIMENSION)
    index = kind.empty("model", DIMENSION)
    index.add(ids_of(1), unit_vectors(1))
    index.save(tmp_path)
    with pytest.raises(IndexAbsent):
        kind.load(tmp_path, "another", DIMENSION)
    with pytest.raises(IndexAbsent):
        kind.load(tmp_path, "model", DIMENSION + 1)


def test_searches_stay_consistent_while_others_write(kind: Kind, tmp_path: Path) -> None:
    """Ids 0 to 99 stay; others come and go. Every search sees each id once, and all that stay."""
    index = kind.empty("model", DIMENSION)
    staying = unit_vectors(100)
    index.add(np.arange(100, dtype=np.int64), staying)
    passing = unit_vectors(40, seed=3)
    done = threading.Event()
    problems: list[str] = []
    searched = 0

    def write(first: int) -> None:
        ids = np.arange(first, first + 40, dtype=np.int64)
        for turn in range(60):
            index.add(ids[turn % 7 :: 3], passing[turn % 7 :: 3])
            index.remove(ids[turn % 5 :: 2])

    def save() -> None:
        for _ in range(10):
            index.save(tmp_path / "index")
            again = kind.load(tmp_path / "index", "model", DIMENSION)
            if not set(range(100)) <= set(again.ids().tolist()):
                problems.append("a saved state lacks an id that stays")

    def search() -> None:
        nonlocal searched
        while not done.is_set():
            ids = index.search(staying[0], 1000)[0].tolist()
            if len(ids) != len(set(ids)) or not set(range(100)) <= set(ids):
                problems.append(f"found {len(ids)} ids, {len(set(ids))} of them different")
            searched += 1

    writers = [threading.Thread(target=write, args=(first,)) for first in (1000, 2000)]
    writers.append(threading.Thread(target=save))
    reader = threading.Thread(target=search)
    reader.start()
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    done.set()
    reader.join()
    assert not problems
    assert searched
    assert set(range(100)) <= set(index.ids().tolist())
