"""Pictures found by what they show: their index, and what of it stands out for a query."""

from __future__ import annotations

import asyncio
import logging
import math

import numpy as np
import numpy.typing as npt

from nasd.clock import Clock
from nasd.embed.base import ModelInfo
from nasd.errors import ReadError
from nasd.extract.vision.base import PictureEncoder, Vector
from nasd.flows.index import IndexCache
from nasd.index.background import TEXTS, Background, threshold
from nasd.store import pictures, vectors
from nasd.store.lane import Lane

log = logging.getLogger(__name__)

Ids = npt.NDArray[np.int64]

SAMPLE = 200
"""Pictures that the background is taken from, spread over the collection."""
STALE = 1.2
"""The sample is drawn again once there are so many times as many pictures, or as few."""

MOST = 2.0
"""What the best picture adds at most to the score of its passage, or of none. Scores are in deviations from
the mean of the hundred best passages: one that words and meaning agree on reaches 3 and stays before it."""


class Sight:
    """The vectors of all pictures, in an index by contents (`nasd.store.pictures`)."""

    def __init__(self, lane: Lane, index: IndexCache, clock: Clock) -> None:
        self._lane = lane
        self._index = index
        self._clock = clock
        self._engine: PictureEncoder | None = None
        self._texts: npt.NDArray[np.float32] | None = None
        self._background: Background | None = None
        self._drawn_from = 0
        self.model: int | None = None

    async def run(self) -> None:
        """Saves the index from time to time."""
        await self._index.run()

    async def close(self) -> None:
        await self._index.save()

    @property
    def open(self) -> bool:
        return self._engine is not None

    def __len__(self) -> int:
        return len(self._index)

    async def begin(self, engine: PictureEncoder) -> None:
        """Pictures are searched with this model from now on. Raises `ReadError` when it cannot be used."""
        texts = await asyncio.to_thread(lambda: np.stack([engine.embed_text(text) for text in TEXTS]))
        dimension = texts.shape[1]
        self.model = await self._lane.write(
            vectors.model_id,
            name=engine.name,
            fingerprint=engine.fingerprint,
            dimension=dimension,
            of=vectors.PICTURES,
            now=self._clock.now(),
        )
        info = ModelInfo(
            name=engine.name,
            fingerprint=engine.fingerprint,
            dimension=dimension,
            max_tokens=0,
            serving="onnx",
        )
        await self._index.open(info, self.model)
        await asyncio.to_thread(self._index.forget_others, {engine.fingerprint})
        self._texts, self._background = texts, None
        self._engine = engine

    async def add(self, content: int, vector: Vector) -> None:
        """The vector of a picture, which the catalogue keeps, too."""
        async with self._index.changing:
            await self._index.add(np.array([content], np.int64), vector[None])

    async def embed(self, query: str) -> Vector | None:
        """None: there is nothing to search, or the model fails, which is told in the log."""
        if self._engine is None or not len(self._index) or not query.strip():
            return None
        try:
            return await asyncio.to_thread(self._engine.embed_text, query)
        except ReadError as error:
            log.warning("pictures are not searched by what they show: %s", error)
            return None

    async def find(self, query: Vector, k: int, allowed: Ids | None) -> dict[int, float]:
        """Of the `k` nearest pictures those that stand out, the best first: content to what it adds to a
        score, above 0 and at most `MOST`. Each further one adds less, as in discounted gain: of many that
        fit, the first tell most."""
        near = await self._index.search(query, k, allowed)
        background = await self._current_background()
        if not near or background is None or self.model is None:
            return {}
        wanted = np.array(sorted(near), np.int64)
        ids, found = await self._lane.read(pictures.kept, self.model, len(query), wanted)
        above = background.deviations(query, found) - threshold(len(self._index))
        order = np.argsort(-above, kind="stable")
        return {
            int(ids[at]): min(float(above[at]), MOST) / math.log2(rank + 1)
            for rank, at in enumerate(order, start=1)
            if above[at] > 0
        }

    async def _current_background(self) -> Background | None:
        count = len(self._index)
        if self._texts is None or self.model is None or not count:
            return None
        if self._background is None or not self._drawn_from / STALE <= count <= self._drawn_from * STALE:
            ids = await self._lane.read(pictures.live_ids, self.model)
            sample = ids[np.unique(np.linspace(0, len(ids) - 1, min(SAMPLE, len(ids))).astype(int))]
            _, data = await self._lane.read(pictures.kept, self.model, self._texts.shape[1], sample)
            if not len(data):
                return None
            self._background, self._drawn_from = Background(self._texts, data), count
        return self._background
