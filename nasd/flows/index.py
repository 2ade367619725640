"""The vector index as the daemon keeps it: opened from its files, made equal to the catalogue, saved now
and then. The catalogue is the truth: whatever the index lacks or has too much of is put right at the start,
and the nearest are compared by the vectors that the catalogue keeps.
"""

from __future__ import annotations

import asyncio
import logging
import shutil
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection

from nasd.embed.base import ModelInfo
from nasd.errors import NasdError
from nasd.flows.events import Hub
from nasd.index.base import IndexAbsent, IndexDamaged, VectorIndex
from nasd.store import vectors
from nasd.store.lane import Lane

log = logging.getLogger(__name__)

Ids = npt.NDArray[np.int64]
Vectors = npt.NDArray[np.float32]
State = Literal["empty", "loading", "rebuilding", "ready"]

CHUNK = 4096  # vectors read from the catalogue at once: 6 MB as float32
SAVE_AFTER_S = 60.0
ASIDE = ".damaged"
"""What the folder of an index that could not be read is called afterwards; the last such one is kept."""

OpenIndex = Callable[[Path, str, int], VectorIndex]
"""Loads an index from a folder; `IndexAbsent` or `IndexDamaged` when there is none to be used."""
EmptyIndex = Callable[[str, int], VectorIndex]


class Rows(Protocol):
    """Where the catalogue keeps the vectors of an index: `nasd.store.vectors` says what each gives."""

    def live_ids(self, connection: Connection, model: int) -> Ids: ...

    def live_vectors(
        self, connection: Connection, model: int, ids: Ids, dimension: int
    ) -> tuple[Ids, Vectors]: ...

    def kept(self, connection: Connection, model: int, dimension: int, ids: Ids) -> tuple[Ids, Vectors]: ...

    def ids_of(self, connection: Connection, content_ids: Sequence[int]) -> Ids: ...

    def vectors_of_contents(
        self, connection: Connection, model: int, content_ids: Sequence[int], dimension: int
    ) -> tuple[Ids, Vectors]: ...


class IndexCache:
    """Holds the index of the serving model. Every change to what it should hold happens under `changing`,
    together with the transaction that makes it so: else a deletion could overtake an addition."""

    def __init__(
        self,
        lane: Lane,
        hub: Hub,
        folder: Path,
        *,
        load: OpenIndex,
        empty: EmptyIndex,
        rows: Rows = vectors,
    ) -> None:
        self._lane = lane
        self._rows = rows
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
        """Loads the index of a model and makes it equal to the catalogue; searched only when that is done.
        Changes that come meanwhile wait for one chunk at most."""
        self.state = "loading"
        index = await asyncio.to_thread(self._load_or_begin, info)
        there = await asyncio.to_thread(index.ids)
        async with self.changing:
            wanted = await self._lane.read(self._rows.live_ids, model)
            extra, missing = await asyncio.to_thread(_differences, there, wanted)
            await asyncio.to_thread(index.remove, extra)
            self._index, self._model, self._info = index, model, info
        if len(missing):
            self.state = "rebuilding"
        for start in range(0, len(missing), CHUNK):
            part = missing[start : start + CHUNK]
            async with self.changing:  # what nothing holds any more by now is not among what is read
                ids, data = await self._lane.read(self._rows.live_vectors, model, part, info.dimension)
                await asyncio.to_thread(index.add, ids, data)
        self._dirty = self._dirty or bool(len(missing)) or bool(len(extra))
        self.state = "ready"
        if len(missing):
            self._hub.publish("index.rebuilt", vectors=len(missing))

    def _load_or_begin(self, info: ModelInfo) -> VectorIndex:
        folder = self._folder / info.fingerprint[:16]
        try:
            return self._load(folder, info.fingerprint, info.dimension)
        except IndexAbsent as error:
            log.info("the vector index is built from the catalogue: %s", error)
        except IndexDamaged as error:
            aside = folder.with_name(f"{folder.name}{ASIDE}")
            log.warning(
                "the vector index is built again from the catalogue, the old one is %s: %s", aside, error
            )
            shutil.rmtree(aside, ignore_errors=True)
            with suppress(OSError):  # then the next save replaces what is in it
                folder.rename(aside)
        return self._empty(info.fingerprint, info.dimension)

    async def add(self, ids: Ids, data: Vectors) -> None:
        """float32 (n, dimension); call under `changing`."""
        if self._index is not None and len(ids):
            await asyncio.to_thread(self._index.add, ids, data)
            self._dirty = True

    async def drop_contents(self, content_ids: Sequence[int]) -> None:
        """Contents that no file holds any more; call under `changing`."""
        if self._index is not None and content_ids:
            ids = await self._lane.read(self._rows.ids_of, content_ids)
            await asyncio.to_thread(self._index.remove, ids)
            self._dirty = True

    async def bring_back(self, content_id: int) -> None:
        """A content that is held again: its vectors come from the catalogue; call under `changing`."""
        if self._index is not None and self._model is not None and self._info is not None:
            ids, data = await self._lane.read(
                self._rows.vectors_of_contents, self._model, [content_id], self._info.dimension
            )
            await self.add(ids, data)

    def pinned(self) -> Pinned:
        """What is searched now, for one search: another model's index may take this one's place meanwhile."""
        return Pinned(self._lane, self._index if self.state == "ready" else None, self._model, self._rows)

    async def search(self, query: Vectors, k: int, allowed: Ids | None) -> dict[int, float]:
        return await self.pinned().search(query, k, allowed)

    async def score(self, query: Vectors, passages: Sequence[int]) -> dict[int, float]:
        return await self.pinned().score(query, passages)

    async def catch_up(self) -> None:
        """Makes an index that was opened equal to the catalogue again, as far as it did not hear of changes;
        nothing may change meanwhile."""
        assert self._index is not None and self._model is not None and self._info is not None
        there = await asyncio.to_thread(self._index.ids)
        wanted = await self._lane.read(self._rows.live_ids, self._model)
        extra, missing = await asyncio.to_thread(_differences, there, wanted)
        await asyncio.to_thread(self._index.remove, extra)
        for start in range(0, len(missing), CHUNK):
            part = missing[start : start + CHUNK]
            ids, data = await self._lane.read(
                self._rows.live_vectors, self._model, part, self._info.dimension
            )
            await asyncio.to_thread(self._index.add, ids, data)
        self._dirty = self._dirty or bool(len(missing)) or bool(len(extra))

    def become(self, other: IndexCache) -> None:
        """Holds from now on what `other` holds, which is not used any more. Searches under way go on with
        what they began with; call under `changing`."""
        self._index, self._model, self._info = other._index, other._model, other._info
        self._dirty, self.state = True, other.state

    def forget_others(self, fingerprints: Collection[str]) -> None:
        """Removes the files of all indexes but those of these models. Blocks."""
        kept = {fingerprint[:16] for fingerprint in fingerprints}
        for folder in self._folder.glob("*") if self._folder.is_dir() else ():
            if folder.is_dir() and folder.name.removesuffix(ASIDE) not in kept:
                shutil.rmtree(folder, ignore_errors=True)

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


class Pinned:
    """One index over the vectors of one model."""

    def __init__(self, lane: Lane, index: VectorIndex | None, model: int | None, rows: Rows) -> None:
        self._lane = lane
        self._rows = rows
        self._index = index
        self._model = model

    async def search(self, query: Vectors, k: int, allowed: Ids | None) -> dict[int, float]:
        """The nearest passages, best first, and their inner products; empty while there is no whole index."""
        if self._index is None or self._model is None:
            return {}
        return await self._lane.read(_nearest, self._rows, self._index, self._model, query, k, allowed)

    async def score(self, query: Vectors, passages: Sequence[int]) -> dict[int, float]:
        """Inner products with those of these passages that have a vector."""
        if self._model is None or not passages:
            return {}
        wanted = np.array(sorted(passages), np.int64)
        ids, data = await self._lane.read(self._rows.kept, self._model, len(query), wanted)
        scores = np.einsum("ij,j->i", data, query)  # as small a product gains nothing from threads
        return dict(zip(ids.tolist(), scores.tolist(), strict=True))


def _nearest(
    connection: Connection,
    rows: Rows,
    index: VectorIndex,
    model: int,
    query: Vectors,
    k: int,
    allowed: Ids | None,
) -> dict[int, float]:
    """All in one thread of the catalogue's readers: the index asks for vectors while it searches."""
    ids, scores = index.search(query, k, partial(rows.kept, connection, model, len(query)), allowed)
    return dict(zip(ids.tolist(), scores.tolist(), strict=True))


def _differences(there: Ids, wanted: Ids) -> tuple[Ids, Ids]:
    """What is there too much, and what is missing."""
    return (
        np.setdiff1d(there, wanted, assume_unique=True),
        np.setdiff1d(wanted, there, assume_unique=True),
    )
