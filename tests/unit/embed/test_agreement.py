from __future__ import annotations

import numpy as np

from nasd.embed.agreement import NEIGHBOURS, QUERIES, TEXTS, agrees, compare
from nasd.embed.base import Vectors


def unit_rows(count: int, seed: int) -> Vectors:
    vectors = np.random.default_rng(seed).standard_normal((count, 384)).astype(np.float32)
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


def disturbed(vectors: Vectors, amount: float) -> Vectors:
    noise = np.random.default_rng(1).standard_normal(vectors.shape).astype(np.float32)
    moved = vectors + amount * noise
    return np.asarray(moved / np.linalg.norm(moved, axis=1, keepdims=True), np.float32)


def related_rows() -> Vectors:
    """Ten groups of four, so that there are neighbours to find."""
    return disturbed(np.repeat(unit_rows(10, 0), 4, axis=0), 0.03)


def test_the_same_vectors_agree_entirely() -> None:
    vectors = related_rows()
    agreement = compare(vectors, vectors)
    assert (agreement.neighbours, agreement.first) == (1, 1)
    assert agreement.cosine_min > 0.9999
    assert agrees(agreement)


def test_unrelated_vectors_do_not() -> None:
    agreement = compare(related_rows(), unit_rows(40, 5))
    assert abs(agreement.cosine_mean) < 0.1
    assert not agrees(agreement)


def test_one_wrong_vector_is_enough_to_refuse() -> None:
    vectors = related_rows()
    wrong = vectors.copy()
    wrong[7] = wrong[30]
    assert not agrees(compare(vectors, wrong))


def test_near_vectors_with_other_neighbours_are_refused() -> None:
    centre = unit_rows(1, 2)
    crowded = disturbed(np.repeat(centre, 40, axis=0), 0.005)
    other = disturbed(np.repeat(centre, 40, axis=0)[:, ::1] + 0.0, 0.0049)
    other = np.asarray(other[np.random.default_rng(3).permutation(40)], np.float32)
    agreement = compare(crowded, other)
    assert agreement.cosine_min > 0.97
    assert agreement.neighbours < 0.5
    assert not agrees(agreement)


def test_the_texts_are_of_many_lengths_and_all_different() -> None:
    lengths = sorted(len(text.split()) for text in TEXTS)
    assert lengths[0] == 1
    assert lengths[-1] > 400
    assert len(set(TEXTS)) == len(TEXTS) > NEIGHBOURS
    assert len(set(QUERIES)) == len(QUERIES) >= 5
