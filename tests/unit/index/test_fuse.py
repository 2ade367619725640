from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nasd.domain.search import Lane
from nasd.index.fuse import fuse

LISTS = st.lists(st.integers(0, 30), unique=True, max_size=20)


def test_the_score_is_the_sum_of_reciprocal_ranks() -> None:
    fused = fuse({Lane.LEXICAL: [7, 5], Lane.SEMANTIC: [5, 9]})
    assert [item.id for item in fused] == [5, 7, 9]
    assert [item.score for item in fused] == [pytest.approx(1 / 62 + 1 / 61), 1 / 61, 1 / 62]
    assert fused[0].ranks == {Lane.LEXICAL: 2, Lane.SEMANTIC: 1}
    assert fused[1].ranks == {Lane.LEXICAL: 1}


def test_no_lanes_and_empty_lanes() -> None:
    assert fuse({}) == []
    assert fuse({Lane.LEXICAL: [], Lane.SEMANTIC: []}) == []


def test_one_lane_keeps_its_order() -> None:
    assert [item.id for item in fuse({Lane.SEMANTIC: [3, 1, 2]})] == [3, 1, 2]


def test_ties_go_to_the_lower_id() -> None:
    assert [item.id for item in fuse({Lane.LEXICAL: [9], Lane.SEMANTIC: [4]})] == [4, 9]


def test_weights_favour_a_lane() -> None:
    lanes = {Lane.LEXICAL: [1, 2], Lane.SEMANTIC: [2, 1]}
    assert fuse(lanes, weights={Lane.LEXICAL: 2.0})[0].id == 1
    assert fuse(lanes, weights={Lane.SEMANTIC: 2.0})[0].id == 2
    only = fuse({Lane.LEXICAL: [1], Lane.SEMANTIC: [2]}, weights={Lane.LEXICAL: 0.0})
    assert [(item.id, item.score) for item in only] == [(2, 1 / 61), (1, 0)]


def test_an_id_twice_in_a_lane_counts_once() -> None:
    fused = fuse({Lane.LEXICAL: [1, 2, 1]})
    assert [(item.id, item.score) for item in fused] == [(1, 1 / 61), (2, 1 / 62)]


@given(lexical=LISTS, semantic=LISTS)
def test_the_order_of_the_lanes_does_not_matter(lexical: list[int], semantic: list[int]) -> None:
    one = fuse({Lane.LEXICAL: lexical, Lane.SEMANTIC: semantic})
    other = fuse({Lane.SEMANTIC: semantic, Lane.LEXICAL: lexical})
    assert one == other
    assert {item.id for item in one} == set(lexical) | set(semantic)
    assert all(first.score >= second.score for first, second in itertools.pairwise(one))


@given(lexical=LISTS, semantic=LISTS)
def test_better_in_both_lanes_is_better(lexical: list[int], semantic: list[int]) -> None:
    place = {item.id: at for at, item in enumerate(fuse({Lane.LEXICAL: lexical, Lane.SEMANTIC: semantic}))}
    both = [id_ for id_ in lexical if id_ in semantic]
    for a, b in itertools.permutations(both, 2):
        if lexical.index(a) < lexical.index(b) and semantic.index(a) < semantic.index(b):
            assert place[a] < place[b]
