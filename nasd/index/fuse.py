"""Reciprocal rank fusion of ranked lists."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from nasd.domain.search import Lane

K = 60
"""Cormack, Clarke and Büttcher, "Reciprocal Rank Fusion outperforms Condorcet and individual Rank Learning
Methods", SIGIR 2009: chosen there in a pilot study, and near the best on every collection they tried."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fused:
    id: int
    score: float
    ranks: Mapping[Lane, int]  # from 1, in each lane that found it


def fuse(
    lanes: Mapping[Lane, Sequence[int]], *, k: int = K, weights: Mapping[Lane, float] | None = None
) -> list[Fused]:
    """All ids of all lanes, best first; an id's score is the sum over lanes of weight / (k + rank).

    `lanes` holds ids best first; of an id given twice in a lane the better rank counts. A lane without a
    weight weighs 1; one of weight 0 adds nothing to a score, but its ids are still listed. Ties go to the
    better single rank, then to the lower id, so the order never depends on that of the mapping.
    """
    ranks: dict[int, dict[Lane, int]] = {}
    for lane in sorted(lanes):
        for rank, id_ in enumerate(lanes[lane], start=1):
            ranks.setdefault(id_, {}).setdefault(lane, rank)
    weight = dict(weights or {})
    fused = [
        Fused(
            id=id_,
            score=sum(weight.get(lane, 1.0) / (k + rank) for lane, rank in found.items()),
            ranks=found,
        )
        for id_, found in ranks.items()
    ]
    return sorted(fused, key=lambda item: (-item.score, min(item.ranks.values()), item.id))
