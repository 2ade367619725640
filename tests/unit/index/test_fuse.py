"""Fusion of lanes by their scores."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from nasd.domain.search import Lane
from nasd.index.fuse import Ranked, fuse

WORDS, MEANING = Lane.LEXICAL, Lane.SEMANTIC
found = st.dictionaries(st.integers(1, 200), st.floats(-1, 50, allow_nan=False), max_size=150)


def ids(lanes: dict[Lane, Ranked]) -> list[int]:
    return [one.id for one in fuse(lanes)]


def ranked(
    scores: dict[int, float], weight: float = 0.5, absent: float | None = None, **others: float
) -> Ranked:
    return Ranked(
        found=scores, others={int(k[1:]): v for k, v in others.items()}, weight=weight, absent=absent
    )


def test_one_lane_keeps_its_order_and_scores() -> None:
    fused = fuse({WORDS: ranked({1: 2.0, 2: 9.0, 3: 4.0})})
    assert [(one.id, one.score) for one in fused] == [(2, 9.0), (3, 4.0), (1, 2.0)]
    assert fused[0].ranks == {WORDS: 1}


def test_nothing_found_is_nothing() -> None:
    assert fuse({}) == []
    assert fuse({WORDS: ranked({}), MEANING: ranked({})}) == []


def test_agreement_wins() -> None:
    words = ranked({1: 10.0, 2: 9.0, 3: 1.0}, absent=0.0)
    meaning = ranked({2: 0.9, 3: 0.2, 4: 0.1})
    assert ids({WORDS: words, MEANING: meaning})[0] == 2


def test_an_outstanding_score_beats_a_crowd() -> None:
    """What reciprocal ranks cannot tell: first by far, or first by a hair."""
    words = ranked({n: 10.0 - n / 1000 for n in range(1, 11)}, absent=0.0, _50=9.99)
    meaning = ranked({50: 0.9, **{n: 0.1 + n / 1000 for n in range(1, 11)}}, weight=0.5)
    assert ids({WORDS: words, MEANING: meaning})[0] == 50


def test_two_that_hold_a_rare_word_stand_out_among_many_near_ones() -> None:
    words = ranked({1: 8.0, 2: 7.5}, absent=0.0)
    meaning = ranked({n: 0.5 - n / 1000 for n in range(1, 60)})
    assert set(ids({WORDS: words, MEANING: meaning})[:2]) == {1, 2}


def test_no_weight_no_say() -> None:
    words = ranked({1: 2.0, 2: 1.0}, weight=1.0, absent=0.0)
    meaning = ranked({2: 0.9, 1: 0.1}, weight=0.0)
    assert ids({WORDS: words, MEANING: meaning}) == [1, 2]


def test_scores_for_what_the_other_lane_found_count() -> None:
    words = ranked({1: 3.0, 2: 2.9, 3: 2.0, 4: 1.0}, absent=0.0, _5=2.95)
    meaning = ranked({5: 0.8, 6: 0.3, 1: 0.2})
    order = ids({WORDS: words, MEANING: meaning})
    assert order[0] == 5


@given(found, found, st.floats(0, 1))
def test_every_find_comes_back_once_and_scores_are_finite(
    one: dict[int, float], other: dict[int, float], weight: float
) -> None:
    fused = fuse({WORDS: ranked(one, 1 - weight, 0.0), MEANING: ranked(other, weight)})
    assert sorted(hit.id for hit in fused) == sorted(one.keys() | other.keys())
    assert all(math.isfinite(hit.score) for hit in fused)
    assert [hit.score for hit in fused] == sorted((hit.score for hit in fused), reverse=True)


@given(found, found, st.floats(0.1, 10), st.floats(-5, 5))
def test_scale_and_offset_of_a_lane_do_not_matter(
    one: dict[int, float], other: dict[int, float], scale: float, offset: float
) -> None:
    one = {id_: round(score, 2) for id_, score in one.items()}
    other = {id_: round(score, 2) for id_, score in other.items()}
    if len(one) < 2 or len(other) < 2 or len(set(one.values())) < 2:
        return
    moved = {id_: score * scale + offset for id_, score in one.items()}
    plain = {hit.id: hit.score for hit in fuse({WORDS: ranked(one), MEANING: ranked(other)})}
    after = {hit.id: hit.score for hit in fuse({WORDS: ranked(moved), MEANING: ranked(other)})}
    assert all(math.isclose(plain[id_], after[id_], abs_tol=1e-3) for id_ in plain)


@given(words=found, meaning=found, seen=st.dictionaries(st.integers(150, 300), st.floats(0.01, 2)))
def test_pictures_come_in_between_and_leave_the_order_of_passages(
    words: dict[int, float], meaning: dict[int, float], seen: dict[int, float]
) -> None:
    lanes = {WORDS: ranked(words), MEANING: ranked(meaning)}
    before = [one.id for one in fuse(lanes) if one.id not in seen]
    after = fuse(lanes, seen)
    assert [one.id for one in after if one.id not in seen] == before
    assert {one.id for one in after} == {*words, *meaning, *seen}
    scores = {one.id: one.score for one in after}
    assert all(scores[id_] >= round(more, 6) - 1e-6 for id_, more in seen.items())


def test_a_picture_that_its_text_speaks_for_too_comes_before_one_that_only_shows_it() -> None:
    words = {number: 10.0 - number for number in range(10)}
    fused = fuse({WORDS: ranked(words)}, {0: 1.0, 99: 1.0, 9: 1.0})
    order = [one.id for one in fused]
    assert order.index(0) < order.index(99)
    told = {one.id: one for one in fused}
    assert told[9].score == told[99].score == 1.0, "a text that says little speaks against nothing"
    assert told[99].ranks == {Lane.PICTURE: 3}
    assert told[0].ranks == {WORDS: 1, Lane.PICTURE: 1}
