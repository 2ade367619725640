"""How fast a model embeds on this machine."""

from __future__ import annotations

import time
from collections.abc import Mapping

from nasd.embed.agreement import PASSAGES
from nasd.embed.base import Embedder

SECONDS = 1.5
"""Measured for so long each, in turns, so that what else the machine does befalls all alike."""

ROUNDS = 5

NEARLY = 0.95
"""Of the fastest: what is as fast is not told apart by so short a measurement."""

FAR = 0.6
"""Of the fastest: slower than this, and the choice is made again although vectors were made by it."""


def speeds(embedders: Mapping[str, Embedder]) -> dict[str, float]:
    """Passages a second of each, by its fastest round. Raises ModelError."""
    best = dict.fromkeys(embedders, 0.0)
    spent = dict.fromkeys(embedders, 0.0)
    for _ in range(ROUNDS):
        for name, embedder in embedders.items():
            if spent[name] >= SECONDS:
                continue
            began = time.perf_counter()
            embedder.embed_documents(PASSAGES)
            took = time.perf_counter() - began
            spent[name] += took
            best[name] = max(best[name], len(PASSAGES) / took)
    return {name: round(speed, 1) for name, speed in best.items()}
