"""Whatever is done to it, in whatever order, the index answers as a plain dict would."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from pytest import MonkeyPatch

from nasd.index.base import IndexAbsent
from nasd.index.faiss_index import FaissIndex
from tests.fakes.index import DictIndex
from tests.fakes.steps import Crash, crash_at

DIMENSION = 8
VECTORS = np.random.default_rng(5).standard_normal((64, DIMENSION)).astype(np.float16).astype(np.float32)

Ids = np.ndarray[tuple[int], np.dtype[np.int64]]

some_ids = st.lists(st.integers(0, 40), max_size=12).map(lambda values: np.asarray(values, np.int64))


class IndexEqualsDict(RuleBasedStateMachine):
    """The catalogue is a plain dict that is told first. A process that dies loses what it did not save; at
    the next start the index is made equal to the catalogue again, as the daemon does."""

    @initialize(exact_rows=st.sampled_from([0, 5, 1000]))
    def begin(self, exact_rows: int) -> None:
        self.exact_rows = exact_rows
        self.used: set[int] = set()
        self.plain = DictIndex.empty("model", DIMENSION)
        self.index = self.empty()
        self.holder = tempfile.TemporaryDirectory()
        self.folder = Path(self.holder.name)

    def teardown(self) -> None:
        if hasattr(self, "holder"):
            self.holder.cleanup()

    def empty(self) -> FaissIndex:
        return FaissIndex("model", DIMENSION, exact_rows=self.exact_rows)

    def reopen(self) -> None:
        try:
            self.index = FaissIndex.load(self.folder, "model", DIMENSION)
            self.index._exact_rows = self.exact_rows
        except IndexAbsent:
            self.index = self.empty()
        there, wanted = self.index.ids(), self.plain.ids()
        self.index.remove(np.setdiff1d(there, wanted))
        self.index.add(*self.plain.exact(np.setdiff1d(wanted, there)))

    @rule(ids=some_ids, shift=st.integers(0, 63))
    def add(self, ids: Ids, shift: int) -> None:
        vectors = VECTORS[(ids + shift) % len(VECTORS)]
        self.plain.add(ids, vectors)
        self.index.add(ids, vectors)
        if self.used & set(ids.tolist()):
            # In the daemon an id never names another vector, so reopening compares ids alone: a crash may not
            # bring the former vector back here.
            self.index.save(self.folder)
        self.used |= set(ids.tolist())

    @rule(ids=some_ids)
    def remove(self, ids: Ids) -> None:
        self.plain.remove(ids)
        self.index.remove(ids)

    @rule(ids=some_ids)
    def the_catalogue_forgets_first(self, ids: Ids) -> None:
        """Between its transaction and the index's, a search finds nothing that is gone already."""
        self.plain.remove(ids)
        found, _ = self.index.search(VECTORS[0], 50, self.plain.exact)
        coded = {
            int(one) for part in self.index._parts if part.segment.exact is None for one in part.segment.ids
        }
        assert set(found.tolist()) & coded <= set(self.plain.ids().tolist())
        self.index.remove(ids)

    @rule(query=st.integers(0, 63), k=st.integers(0, 50), allowed=st.none() | some_ids.map(np.unique))
    def search(self, query: int, k: int, allowed: Ids | None) -> None:
        ids, scores = self.index.search(VECTORS[query], k, self.plain.exact, allowed)
        wanted_ids, wanted_scores = self.plain.search(VECTORS[query], k, self.plain.exact, allowed)
        assert np.allclose(scores, wanted_scores, atol=1e-4)
        assert len(set(ids.tolist())) == len(ids) == len(wanted_ids)
        everything = dict(
            zip(
                *(part.tolist() for part in self.plain.search(VECTORS[query], 100, self.plain.exact)),
                strict=True,
            )
        )
        assert all(
            abs(everything[id_] - score) < 1e-4
            for id_, score in zip(ids.tolist(), scores.tolist(), strict=True)
        )
        if allowed is not None:
            assert set(ids.tolist()) <= set(allowed.tolist())

    @rule()
    def save_and_reopen(self) -> None:
        self.index.save(self.folder)
        self.reopen()

    @rule()
    def save(self) -> None:
        self.index.save(self.folder)

    @rule(step=st.integers(1, 20))
    def die_while_saving(self, step: int) -> None:
        with MonkeyPatch.context() as patch:
            crash_at(patch, step)
            with suppress(Crash):
                self.index.save(self.folder)
        self.reopen()

    @rule()
    def die(self) -> None:
        self.reopen()

    @rule()
    def lose_the_files(self) -> None:
        for name in os.listdir(self.folder):
            (self.folder / name).unlink()
        self.reopen()

    @invariant()
    def holds_the_same_ids(self) -> None:
        assert self.index.ids().tolist() == self.plain.ids().tolist()
        assert len(self.index) == len(self.plain)


TestIndexEqualsDict = IndexEqualsDict.TestCase
TestIndexEqualsDict.settings = settings(max_examples=100, stateful_step_count=30, deadline=None)
