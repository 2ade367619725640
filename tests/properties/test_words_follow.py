"""Whatever is done to it, in whatever order, the index of words holds what a plain dict would."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from nasd.words.base import Entry, Unit, Wanted
from nasd.words.tantivy_words import TantivyWords

WORDS = ("heron", "stork", "lynx", "inv20230042", "北京")

words = st.lists(st.sampled_from(WORDS), max_size=5).map(tuple)
keys = st.integers(0, 12)
groups = st.integers(0, 4)


@dataclass(frozen=True, slots=True)
class Held:
    group: int
    words: tuple[str, ...]


class WordsFollow(RuleBasedStateMachine):
    """Two dicts: what was committed, and what will have been after the next commit."""

    @initialize(positions=st.booleans())
    def begin(self, positions: bool) -> None:
        self.positions = positions
        self.holder = tempfile.TemporaryDirectory()
        self.folder = Path(self.holder.name, "words")
        self.index = TantivyWords.empty(self.folder, positions=positions)
        self.committed: dict[int, Held] = {}
        self.coming: dict[int, Held] = {}

    def teardown(self) -> None:
        if hasattr(self, "holder"):
            self.index.close()
            self.holder.cleanup()

    @rule(
        gone=st.lists(groups, max_size=3),
        keyed=st.lists(keys, max_size=3),
        new=st.dictionaries(keys, st.builds(Held, groups, words), max_size=4),
    )
    def replace(self, gone: list[int], keyed: list[int], new: dict[int, Held]) -> None:
        """As the daemon does it: what is added is removed first."""
        entries = [Entry(key=key, group=held.group, terms=held.words) for key, held in new.items()]
        self.index.replace(gone, [*keyed, *new], entries)
        self.coming = {
            key: held
            for key, held in self.coming.items()
            if held.group not in gone and key not in keyed and key not in new
        } | new

    @rule()
    def commit(self) -> None:
        self.index.commit()
        self.committed = dict(self.coming)

    @rule()
    def give_back(self) -> None:
        """Nothing is being written: only ever after a commit."""
        self.index.commit()
        self.index.release()
        self.committed = dict(self.coming)

    @rule()
    def die_and_come_back(self) -> None:
        """Closing commits nothing: to what is on disk it is as a crash."""
        self.index.close()
        self.index = TantivyWords.load(self.folder, positions=self.positions)
        self.coming = dict(self.committed)

    @rule(word=st.sampled_from(WORDS), allowed=st.none() | st.sets(groups), k=st.integers(0, 15))
    def search(self, word: str, allowed: set[int] | None, k: int) -> None:
        permitted = None if allowed is None else np.array(sorted(allowed), np.int64)
        wanted = Wanted(some=(Unit(alternatives=((word,),)),))
        found, held_by, scores = self.index.search(wanted, k, permitted)
        right = {
            key
            for key, held in self.committed.items()
            if word in held.words and (allowed is None or held.group in allowed)
        }
        assert len(set(found.tolist())) == len(found) == min(k, len(right))
        assert set(found.tolist()) <= right
        assert held_by.tolist() == [self.committed[key].group for key in found.tolist()]
        assert scores.tolist() == sorted(scores.tolist(), reverse=True)

    @rule(run=st.tuples(st.sampled_from(WORDS), st.sampled_from(WORDS)))
    def search_side_by_side(self, run: tuple[str, str]) -> None:
        if not self.positions:
            return
        found, _, _ = self.index.search(Wanted(all_of=(Unit(alternatives=(run,)),)), 100)
        right = {
            key
            for key, held in self.committed.items()
            if run in zip(held.words, held.words[1:], strict=False)
        }
        assert set(found.tolist()) == right

    @invariant()
    def holds_what_was_committed(self) -> None:
        assert len(self.index) == len(self.committed)


TestWordsFollow = WordsFollow.TestCase
TestWordsFollow.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
