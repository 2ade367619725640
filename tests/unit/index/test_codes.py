"""The nearest by signs are the same however many rows a filter lets through."""

from __future__ import annotations

import numpy as np
import pytest

from nasd.index import codes as signs


@pytest.mark.parametrize("dimension", [64, 20])
@pytest.mark.parametrize("share", [0.0, 0.01, 0.2, 0.6, 0.999, 1.0])
def test_a_scan_finds_those_that_differ_least(dimension: int, share: float) -> None:
    random = np.random.default_rng(1)
    vectors = random.standard_normal((3000, dimension)).astype(np.float32)
    codes = signs.encode(vectors)
    room = signs.room(len(codes), dimension)
    signs.faiss.rev_swig_ptr(room.xb.data(), room.xb.size())[:] = codes.reshape(-1)
    query = signs.encode(random.standard_normal((1, dimension)).astype(np.float32))[0]
    differing = np.bitwise_count(codes ^ query).sum(axis=1)
    mask = random.random(3000) < share
    for chosen in (mask, None, np.arange(3000) >= 3000 - 3000 * share, differing > np.median(differing)):
        rows = np.arange(3000) if chosen is None else np.flatnonzero(chosen)
        for k in (0, 1, 50, 3000):
            found, at = signs.scan(room, query, k, chosen)
            assert len(at) == len(set(at.tolist())) == min(k, len(rows))
            assert set(at.tolist()) <= set(rows.tolist())
            assert found.tolist() == differing[at].tolist()
            assert sorted(found.tolist()) == np.sort(differing[rows])[:k].tolist()


def test_weighted_signs_are_the_inner_product_with_the_signs() -> None:
    random = np.random.default_rng(2)
    for dimension in (16, 20):
        vectors, query = random.standard_normal((100, dimension)), random.standard_normal(dimension)
        got = signs.estimate(query.astype(np.float32), signs.encode(vectors.astype(np.float32)))
        assert np.allclose(got, (vectors > 0) @ query, atol=1e-4)


def test_the_rotation_keeps_angles_and_is_always_the_same() -> None:
    vectors = np.random.default_rng(3).standard_normal((10, 24)).astype(np.float32)
    turned = signs.rotate(vectors)
    assert np.allclose(turned @ turned.T, vectors @ vectors.T, atol=1e-3)
    # Codes on disk are of this rotation: another one needs another `codes.NAME`.
    assert np.allclose(signs.rotate(np.eye(24, dtype=np.float32)[:1])[0, :3], ROTATED, atol=1e-4)


ROTATED = (-0.17722, -0.44499, 0.19014)
