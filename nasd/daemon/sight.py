"""The index of pictures, and what searches it."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from nasd.clock import Clock
from nasd.flows.events import Hub
from nasd.flows.index import IndexCache
from nasd.flows.sight import Sight
from nasd.index.faiss_index import FaissIndex
from nasd.store import pictures
from nasd.store.lane import Lane

EXACT = 131_072
"""Pictures whose vectors are kept in memory in half precision, 1 KB each at 512 dimensions, rather than as
codes: a model puts all pictures into a narrow cone, where the signs of their vectors tell little."""


def make_sight(lane: Lane, hub: Hub, folder: Path, clock: Clock) -> Sight:
    """`folder` holds the index, which can be lost at any moment."""
    index = IndexCache(
        lane,
        hub,
        folder,
        load=partial(FaissIndex.load, exact_rows=EXACT),
        empty=partial(FaissIndex.empty, exact_rows=EXACT),
        rows=pictures,
    )
    return Sight(lane, index, clock)
