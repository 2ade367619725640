"""What every index of words promises."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from nasd.words import tantivy_words
from nasd.words.base import Entry, Unit, Wanted, WordIndex, WordsDamaged
from nasd.words.tantivy_words import TantivyWords


def any_of(*words: str) -> Wanted:
    return Wanted(some=tuple(Unit(alternatives=((word,),)) for word in words))


def entry(key: int, group: int, *words: str) -> Entry:
    return Entry(key=key, group=group, terms=words)


@pytest.fixture
def index(tmp_path: Path) -> Iterator[WordIndex]:
    made = TantivyWords.empty(tmp_path / "words")
    yield made
    made.close()


def keys_of(index: WordIndex, wanted: Wanted, **how: object) -> list[int]:
    return [int(key) for key in index.search(wanted, 100, **how)[0]]  # type: ignore[arg-type]


def test_what_is_committed_is_found_and_nothing_before(index: WordIndex) -> None:
    index.replace((), (), [entry(1, 7, "bread", "salt"), entry(2, 7, "salt")])
    assert keys_of(index, any_of("salt")) == []
    index.commit()
    assert len(index) == 2
    assert set(keys_of(index, any_of("salt"))) == {1, 2}
    assert keys_of(index, any_of("bread")) == [1]
    assert index.frequency("salt") == 2


def test_a_group_goes_as_one(index: WordIndex) -> None:
    index.replace((), (), [entry(1, 7, "salt"), entry(2, 8, "salt"), entry(3, 0, "salt")])
    index.commit()
    index.replace([7, 0], (), [entry(4, 7, "bread")])
    index.commit()
    assert keys_of(index, any_of("salt", "bread")) == [4, 2] or set(
        keys_of(index, any_of("salt", "bread"))
    ) == {2, 4}


def test_an_entry_that_is_there_is_replaced(index: WordIndex) -> None:
    index.replace((), (), [entry(1, 7, "salt")])
    index.commit()
    index.replace((), [1], [entry(1, 9, "bread")])
    index.commit()
    assert len(index) == 1
    assert keys_of(index, any_of("salt")) == []
    assert index.search(any_of("bread"), 5)[1].tolist() == [9]


def test_scores_of_chosen_entries_are_those_of_the_search(index: WordIndex) -> None:
    index.replace((), (), [entry(n, n, *["salt"] * n, "bread") for n in range(1, 20)])
    index.commit()
    keys, _, scores = index.search(any_of("salt"), 100)
    chosen = index.score(any_of("salt"), np.array([3, 7, 11, 99], np.int64))
    by_key = dict(zip(keys.tolist(), scores.tolist(), strict=True))
    assert chosen == pytest.approx({key: by_key[key] for key in (3, 7, 11)})


@pytest.mark.parametrize(("few", "listed"), [(0, 0), (0, 1_000_000), (1_000_000, 1_000_000)])
def test_k_come_back_whenever_k_are_permitted(
    index: WordIndex, monkeypatch: pytest.MonkeyPatch, few: int, listed: int
) -> None:
    monkeypatch.setattr(tantivy_words, "FEW", few)
    monkeypatch.setattr(tantivy_words, "LISTED", listed)
    index.replace((), (), [entry(n, n, *["salt"] * (1 + n % 5)) for n in range(1, 2_000)])
    index.commit()
    allowed = np.arange(3, 2_000, 191, dtype=np.int64)
    keys, groups, scores = index.search(any_of("salt"), 10, allowed)
    assert len(keys) == 10
    assert set(groups.tolist()) <= set(allowed.tolist())
    assert all(a >= b for a, b in pairwise(scores.tolist()))
    assert len(index.search(any_of("salt"), 50, allowed)[0]) == len(allowed)
    assert len(index.search(any_of("salt"), 5, np.empty(0, np.int64))[0]) == 0


def test_what_was_committed_survives_and_the_rest_does_not(tmp_path: Path) -> None:
    made = TantivyWords.empty(tmp_path / "words")
    made.replace((), (), [entry(1, 1, "salt")])
    made.commit()
    made.replace((), (), [entry(2, 2, "salt")])
    made.release()
    assert keys_of(TantivyWords.load(tmp_path / "words"), any_of("salt")) == [1]


def test_a_full_disk_loses_what_was_not_committed_and_nothing_later(
    index: WordIndex,
) -> None:
    index.replace((), (), [entry(1, 1, "salt")])
    index.commit()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))
    try:
        with pytest.raises(OSError, match="large"):
            index.replace((), [2], [entry(2, 2, *["salt"] * 5_000)])
            index.commit()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    index.commit()
    assert keys_of(index, any_of("salt")) == [1]
    index.replace((), [2], [entry(2, 2, "salt")])
    index.commit()
    assert set(keys_of(index, any_of("salt"))) == {1, 2}


@pytest.mark.parametrize("damage", ["nothing there", "manifest", "segments", "rules"])
def test_a_damaged_index_is_told(tmp_path: Path, damage: str) -> None:
    folder = tmp_path / "words"
    made = TantivyWords.empty(folder)
    made.replace((), (), [entry(1, 1, "salt")])
    made.commit()
    made.close()
    if damage == "nothing there":
        folder = tmp_path / "other"
    elif damage == "manifest":
        (folder / "words.json").write_text("{")
    elif damage == "rules":
        (folder / "words.json").write_text('{"rules": 0}')
    else:
        (folder / "segments" / "meta.json").write_text("{")
    with pytest.raises(WordsDamaged):
        TantivyWords.load(folder)


def test_searches_while_writing_see_one_state(index: WordIndex) -> None:
    index.replace((), (), [entry(n, 1, "salt") for n in range(100)])
    index.commit()
    index.replace([1], (), [entry(n, 2, "salt") for n in range(50)])
    assert set(index.search(any_of("salt"), 200)[1].tolist()) == {1}
    index.commit()
    assert set(index.search(any_of("salt"), 200)[1].tolist()) == {2}


def test_demands_are_told_apart_from_what_is_not_here_yet(index: WordIndex) -> None:
    index.replace(
        (), (), [entry(1, 7, "old", "salt", "bread"), entry(2, 7, "bread", "salt"), entry(3, 8, "x")]
    )
    index.commit()
    asked = Wanted(
        all_of=(Unit(alternatives=(("salt", "bread"),)),), none_of=(Unit(alternatives=(("old",),)),)
    )
    keys = np.array([1, 2, 3, 4], np.int64)
    assert index.obeying(asked, keys) == ({1, 2, 3}, set())
    assert index.obeying(Wanted(all_of=asked.all_of), keys) == ({1, 2, 3}, {1})
    assert index.obeying(Wanted(none_of=asked.none_of), keys) == ({1, 2, 3}, {2, 3})
    assert index.obeying(asked, np.empty(0, np.int64)) == (set(), set())


def test_a_word_that_is_nowhere_is_looked_for_within_others(index: WordIndex, tmp_path: Path) -> None:
    asked = Wanted(some=(Unit(alternatives=(("heizung",),)),), tolerant=True)
    index.replace((), (), [entry(1, 1, "heizungskeller")])
    assert index.meant(asked).some[0].within == ("heizungskeller",), "also before it can be read"
    index.commit()
    assert keys_of(index, asked) == keys_of(index, index.meant(asked)) == [1]
    index.replace((), (), [entry(2, 2, "fernheizungen")])
    index.commit()
    assert set(keys_of(index, asked)) == {1, 2}
    other = TantivyWords.empty(tmp_path / "other", positions=False)
    other.replace((), (), [entry(9, 9, "heizungskeller")])
    other.commit()
    assert list(other.score(index.meant(asked), np.array([9], np.int64))) == [9]
    assert index.meant(replace(asked, tolerant=False)).some[0].within is None
    other.close()


def test_what_was_read_is_let_go_and_read_again(index: WordIndex) -> None:
    index.replace((), (), [entry(1, 1, "salt")])
    index.commit()
    index.ease()
    index.replace((), (), [entry(2, 2, "salt")])
    index.commit()
    assert set(keys_of(index, any_of("salt"))) == {1, 2}, "while it is written"
    index.release()
    index.ease()
    assert set(keys_of(index, any_of("salt"))) == {1, 2}
    index.replace((), (), [entry(3, 3, "salt")])
    index.commit()
    assert set(keys_of(index, any_of("salt"))) == {1, 2, 3}
