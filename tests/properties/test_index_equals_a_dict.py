"""Whatever is done to it, in whatever order, the index answers as a plain dict would."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from nasd.index.faiss_index import FaissIndex
from tests.fakes.index import DictIndex

DIMENSION = 8
VECTORS = np.random.default_rng(5).standard_normal((64, DIMENSION)).astype(np.float16).astype(np.float32)

some_ids = st.lists(st.integers(0, 40), max_size=12).map(lambda values: np.asarray(values, np.int64))


class IndexEqualsDict(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.index = FaissIndex.empty("model", DIMENSION)
        self.plain = DictIndex.empty("model", DIMENSION)
        self.folder = tempfile.TemporaryDirectory()

    def teardown(self) -> None:
        self.folder.cleanup()

    @rule(ids=some_ids, shift=st.integers(0, 63))
    def add(self, ids: np.ndarray[tuple[int], np.dtype[np.int64]], shift: int) -> None:
        vectors = VECTORS[(ids + shift) % len(VECTORS)]
        self.index.add(ids, vectors)
        self.plain.add(ids, vectors)

    @rule(ids=some_ids)
    def remove(self, ids: np.ndarray[tuple[int], np.dtype[np.int64]]) -> None:
        self.index.remove(ids)
        self.plain.remove(ids)

    @rule(query=st.integers(0, 63), k=st.integers(0, 50), allowed=st.none() | some_ids.map(np.unique))
    def search(self, query: int, k: int, allowed: np.ndarray[tuple[int], np.dtype[np.int64]] | None) -> None:
        ids, scores = self.index.search(VECTORS[query], k, allowed)
        wanted_ids, wanted_scores = self.plain.search(VECTORS[query], k, allowed)
        assert np.allclose(scores, wanted_scores, atol=1e-4)
        assert len(set(ids.tolist())) == len(ids) == len(wanted_ids)
        everything = dict(
            zip(*(part.tolist() for part in self.plain.search(VECTORS[query], 100)), strict=True)
        )
        assert all(
            abs(everything[id_] - score) < 1e-4
            for id_, score in zip(ids.tolist(), scores.tolist(), strict=True)
        )
        if allowed is not None:
            assert set(ids.tolist()) <= set(allowed.tolist())

    @rule()
    def save_and_load(self) -> None:
        self.index.save(Path(self.folder.name))
        self.index = FaissIndex.load(Path(self.folder.name), "model", DIMENSION)

    @rule()
    def save(self) -> None:
        self.index.save(Path(self.folder.name))

    @invariant()
    def holds_the_same_ids(self) -> None:
        assert self.index.ids().tolist() == self.plain.ids().tolist()
        assert len(self.index) == len(self.plain)


TestIndexEqualsDict = IndexEqualsDict.TestCase
TestIndexEqualsDict.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
