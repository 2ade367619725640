"""How good a ranking is, by the usual measures. Ids are anything comparable; each counts once."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence


def ndcg_at(k: int, ranking: Sequence[str], gains: Mapping[str, float]) -> float:
    """Normalised discounted cumulative gain of the first `k`, from 0 to 1.

    The gain of an item at rank r (from 1) is divided by log2(r + 1), and their sum by that of the best
    possible ranking (Järvelin and Kekäläinen, 2002, with linear gains as in trec_eval). 0 when nothing has a
    gain.
    """
    ideal = sorted((gain for gain in gains.values() if gain > 0), reverse=True)[:k]
    best = sum(gain / math.log2(rank + 1) for rank, gain in enumerate(ideal, start=1))
    if not best:
        return 0.0
    found = sum(
        max(0.0, gains.get(item, 0.0)) / math.log2(rank + 1)
        for rank, item in enumerate(_once(ranking)[:k], start=1)
    )
    return found / best


def recall_at(k: int, ranking: Sequence[str], relevant: Collection[str]) -> float:
    """The share of what is relevant that is among the first `k`. 0 when nothing is relevant."""
    wanted = set(relevant)
    return len(wanted.intersection(_once(ranking)[:k])) / len(wanted) if wanted else 0.0


def mrr_at(k: int, ranking: Sequence[str], relevant: Collection[str]) -> float:
    """One divided by the rank of the first relevant item among the first `k`, else 0."""
    wanted = set(relevant)
    ranks = (rank for rank, item in enumerate(_once(ranking)[:k], start=1) if item in wanted)
    first = next(ranks, None)
    return 1 / first if first else 0.0


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` (0 to 1) of all values do not exceed (nearest rank).
    0 for no values."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else 0.0


def _once(ranking: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(ranking))
