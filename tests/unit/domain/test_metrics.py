"""Against values worked out by hand."""

from __future__ import annotations

import math

import pytest

from nasd.domain.metrics import mrr_at, ndcg_at, percentile, recall_at


def test_ndcg_of_a_single_relevant_item() -> None:
    assert ndcg_at(10, ["a", "b"], {"a": 1}) == 1
    assert ndcg_at(10, ["b", "a"], {"a": 1}) == pytest.approx(1 / math.log2(3))
    assert ndcg_at(10, ["b"], {"a": 1}) == 0
    assert ndcg_at(1, ["b", "a"], {"a": 1}) == 0


def test_ndcg_with_grades() -> None:
    # Found: 1/1 + 3/log2(4) = 2.5. Best: 3/1 + 2/log2(3) + 1/log2(4) = 4.76186.
    value = ndcg_at(10, ["low", "none", "high"], {"low": 1, "mid": 2, "high": 3})
    assert value == pytest.approx(2.5 / 4.761859507, abs=1e-9)


def test_ndcg_counts_an_item_once_and_cuts_the_ideal_too() -> None:
    assert ndcg_at(2, ["a", "a", "b"], {"a": 1, "b": 1, "c": 1}) == 1
    assert ndcg_at(10, ["a"], {}) == 0


def test_recall() -> None:
    assert recall_at(2, ["a", "x", "b"], {"a", "b"}) == 0.5
    assert recall_at(3, ["a", "x", "b"], ["a", "b"]) == 1
    assert recall_at(3, [], {"a"}) == 0
    assert recall_at(3, ["a"], []) == 0


def test_mrr() -> None:
    assert mrr_at(10, ["x", "a", "b"], {"a", "b"}) == 0.5
    assert mrr_at(1, ["x", "a"], {"a"}) == 0
    assert mrr_at(10, ["a"], {"a"}) == 1


def test_percentiles_are_values_that_occurred() -> None:
    values = [30.0, 10.0, 20.0, 40.0]
    assert percentile(values, 0.5) == 20
    assert percentile(values, 0.95) == 40
    assert percentile(values, 0) == 10
    assert percentile([], 0.5) == 0
