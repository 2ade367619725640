"""The vector index as the daemon keeps it: opened from its files, made equal to the catalogue, saved now
and then. The catalogue is the truth; whatever the index lacks or has too much of is put right at the start.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from nasd.embed.base import ModelInfo
from nasd.errors import NasdError
from nasd.flows.events import Hub
from nasd.index.base import IndexDamaged, VectorIndex
from nasd.store import vectors
from nasd.store.lane import Lane

log = logging.getLogger(__name__)

Ids = npt.NDArray[np.int64]
Vectors = npt.NDArray[np.float32]
State = Literal["empty", "loading", "rebuilding", "ready"]

CHUNK = 4096  # vectors read from the catalogue at once: 6 MB as float32
SAVE_AFTER_S = 60.0

OpenIndex = Callable[[Path, str, int], VectorIndex]
"""Loads an index from a folder; `IndexDamaged` when it cannot be used."""
EmptyIndex = Callable[[str, int], VectorIndex]


class IndexCache:
    """Holds the index of the serving model. Every change to what it should hold happens under `changing`,
    together with the transaction that makes it so: else a deletion could overtake an addition."""

    def __init__(self, lane: Lane, hub: Hub, folder: Path, *, load: OpenIndex, empty: EmptyIndex) -> None:
        self._lane = lane
        self._hub = hub
        self._folder = folder
        self._load = load
        self._empty = empty
        self._index: VectorIndex | None = None
        self._model: int | None = None
        self._info: ModelInfo | None = None
        self._dirty = False
        self.changing = asyncio.Lock()
        self.state: State = "empty"

    def __len__(self) -> int:
        return 0 if self._index is None else len(self._index)

    @property
    def kind(self) -> str:
        return "" if self._index is None else type(self._index).__name__

    @property
    def fingerprint(self) -> str | None:
        return None if self._index is None else self._index.fingerprint

    async def open(self, info: ModelInfo, model: int) -> None:
        """Loads the index of a model and makes it equal to the catalogue; searchable only when done."""
        self.state = "loading"
        folder = self._folder / info.fingerprint[:16]
        try:
            index = await asyncio.to_thread(self._load, folder, info.fingerprint, info.dimension)
        except IndexDamaged as error:
            log.info("the vector index is built again from the catalogue: %s", error)
            index = self._empty(info.fingerprint, info.dimension)
        async with self.changing:
            wanted = await self._lane.read(vectors.live_ids, model)
            there = await asyncio.to_thread(index.ids)
            await asyncio.to_thread(index.remove, np.setdiff1d(there, wanted, assume_unique=True))
            missing = np.setdiff1d(wanted, there, assume_unique=True)
            if len(missing):
                self.state = "rebuilding"
            for start in range(0, len(missing), CHUNK):
                part = missing[start : start + CHUNK].tolist()
                ids, data = await self._lane.read(vectors.vectors_of, model, part, info.dimension)
                await asyncio.to_thread(index.add, ids, data)
            self._index, self._model, self._info = index, model, info
            self._dirty = bool(len(missing)) or len(there) != len(wanted)
            self.state = "ready"
        if len(missing):
            self._hub.publish("index.rebuilt", vectors=len(missing))

    async def add(self, ids: Ids, data: Vectors) -> None:
        """float32 (n, dimension); call under `changing`."""
        if self._index is not None and len(ids):
            await asyncio.to_thread(self._index.add, ids, data)
            self._dirty = True

    async def drop_contents(self, content_ids: Sequence[int]) -> None:
        """Contents that no file holds any more; call under `changing`."""
        if self._index is not None and content_ids:
            ids = await self._lane.read(vectors.passage_ids_of, content_ids)
            await asyncio.to_thread(self._index.remove, ids)
            self._dirty = True

    async def bring_back(self, content_id: int) -> None:
        """A content that is held again: its vectors come from the catalogue; call under `changing`."""
        if self._index is not None and self._model is not None and self._info is not None:
            ids, data = await self._lane.read(
                vectors.vectors_of_contents, self._model, [content_id], self._info.dimension
            )
            await self.add(ids, data)

    async def search(self, query: Vectors, k: int, allowed: Ids | None) -> list[int]:
        """The nearest passages, best first; empty while there is no index."""
        if self._index is None:
            return []
        ids, _scores = await asyncio.to_thread(self._index.search, query, k, allowed)
        return [int(one) for one in ids]

    async def run(self) -> None:
        """Saves from time to time, so that a restart finds most of the index on disk."""
        while True:
            await asyncio.sleep(SAVE_AFTER_S)
            await self.save()

    async def save(self) -> None:
        """Saves if anything changed. A full disk costs the file, never the service."""
        if self._index is None or self._info is None or not self._dirty:
            return
        self._dirty = False
        try:
            # Ids in the file must outlive power loss in the catalogue too, or another passage could get one.
            await self._lane.checkpoint()
            folder = self._folder / self._info.fingerprint[:16]
            await asyncio.to_thread(self._index.save, folder)
        except (OSError, NasdError) as error:
            self._dirty = True
            log.warning("the vector index could not be saved (%s); it is tried again", error)
