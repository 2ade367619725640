"""The embedding model of this daemon: found, or prepared in a process of its own, then served."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Literal

from nasd import wire
from nasd.clock import Clock
from nasd.domain.generations import Generation, Generations, Wanted
from nasd.embed.base import Embedder, ModelInfo
from nasd.errors import NasdError
from nasd.flows.events import Hub
from nasd.flows.index import IndexCache
from nasd.flows.resting import resting_note
from nasd.flows.work import Work
from nasd.store import generations, vectors
from nasd.store.lane import Lane

log = logging.getLogger(__name__)

RETRY_S = 300.0

Preparing = Callable[[str], None]
OpenEmbedder = Callable[[str, Preparing], Embedder]
"""The embedder of the model with this name; blocks, and while it has to be prepared first, tells the stages
of that. Raises `NasdError`."""
CountTokens = Callable[[str], int]
"""Counts by the model's own tokenizer, which is there before the model is prepared."""

MAX_TOKENS = 256
"""What all-MiniLM-L6-v2 reads; taken until the model itself can say."""


class Models:
    """The model that answers. `embedder` is there once `ready` is set; until then search goes by words alone.

    It is the one that answered last. Where the settings name another one (`fixed`), that is wanted instead
    and takes its place as soon as its vectors are made, see `ModelChange`.
    """

    def __init__(
        self,
        lane: Lane,
        hub: Hub,
        index: IndexCache,
        work: Work,
        clock: Clock,
        *,
        name: str,
        open_embedder: OpenEmbedder,
        counter: CountTokens,
        fixed: bool = False,
    ) -> None:
        """`name`: the model that the settings name (`fixed`), or else the one to begin with."""
        self._lane = lane
        self._hub = hub
        self._index = index
        self._work = work
        self._clock = clock
        self._open_embedder = open_embedder
        self._counter = counter
        self.given = name
        self.name = name
        self.fixed = fixed
        self.ready = asyncio.Event()
        self.embedder: Embedder | None = None
        self.model_id: int | None = None
        self.state: Literal["missing", "preparing", "ready", "failed"] = "missing"
        self.detail: str | None = None

    @property
    def info(self) -> ModelInfo | None:
        return None if self.embedder is None else self.embedder.info

    @property
    def fingerprint(self) -> str | None:
        return None if self.embedder is None else self.embedder.info.fingerprint

    @property
    def max_tokens(self) -> int:
        return MAX_TOKENS if self.embedder is None else self.embedder.info.max_tokens

    def count_tokens(self, text: str) -> int:
        """Thread-safe."""
        return self._counter(text) if self.embedder is None else self.embedder.count_tokens(text)

    async def run(self) -> None:
        """Brings the model up, trying again later if that fails; then has nothing to do."""
        while not self.ready.is_set():
            try:
                await self._start()
            except NasdError as error:
                self.state, self.detail = "failed", str(error)
                log.error("the embedding model %s cannot serve: %s", self.name, error)
                self._hub.publish("model.failed", name=self.name, detail=str(error))
                await asyncio.sleep(RETRY_S)
        await asyncio.Event().wait()

    async def _start(self) -> None:
        known = await self._lane.read(generations.generations)
        wanted = self._still_wanted(known)
        if wanted != known.wanted:
            await self._lane.write(generations.want, wanted)
        self.name = known.serving.name if known.serving is not None else self.given
        try:
            embedder = await self.open(self.name, self._preparing)
        except NasdError:
            if not self.fixed or self.name == self.given:
                raise
            # What answered is not to be had any more, and another one is asked for anyway.
            self.name = self.given
            embedder = await self.open(self.name, self._preparing)
        info = embedder.info
        model_id = await self._lane.write(
            vectors.model_id,
            name=info.name,
            fingerprint=info.fingerprint,
            dimension=info.dimension,
            now=self._clock.now(),
        )
        await self._index.open(info, model_id)
        await self._lane.write(vectors.enqueue_missing, info.fingerprint, self._clock.now())
        await self._lane.write(generations.serve, Generation(name=self.name, fingerprint=info.fingerprint))
        self.adopt(self.name, embedder, model_id)
        self.ready.set()
        self._work.to_embed.set()
        self._hub.publish("model.ready", name=info.name, serving=info.serving)

    def _still_wanted(self, known: Generations) -> Wanted | None:
        """What to change to, as the settings have it now."""
        if known.serving is None or (self.fixed and known.serving.name == self.given):
            return None
        if self.fixed:
            going = known.wanted if known.wanted is not None and known.wanted.name == self.given else None
            fingerprint = None if going is None else going.fingerprint
            return Wanted(name=self.given, forced=True, by_file=True, fingerprint=fingerprint)
        return None if known.wanted is not None and known.wanted.by_file else known.wanted

    def adopt(self, name: str, embedder: Embedder, model_id: int) -> Embedder | None:
        """This model answers from now on; the one that did before, to be closed once nobody uses it."""
        former = self.embedder
        self.name, self.embedder, self.model_id = name, embedder, model_id
        self.state, self.detail = "ready", None
        return former

    def beside(self, name: str, embedder: Embedder, model_id: int, index: IndexCache) -> Models:
        """Another model with its index, to be searched with beside this one. It runs no service."""
        other = Models(
            self._lane,
            self._hub,
            index,
            self._work,
            self._clock,
            name=name,
            open_embedder=self._open_embedder,
            counter=self._counter,
        )
        other.adopt(name, embedder, model_id)
        return other

    async def open(self, name: str, preparing: Preparing) -> Embedder:
        """Any model; prepared first, where that is needed. Raises `NasdError`."""
        return await asyncio.to_thread(self._open_embedder, name, preparing)

    def _preparing(self, stage: str) -> None:
        self.state = "preparing"
        self.detail = f"made ready for this machine, once: {stage}; search goes by words meanwhile"

    def close(self) -> None:
        if self.embedder is not None:
            self.embedder.close()

    def describe(self) -> Sequence[wire.ModelOut]:
        info = self.info
        return [
            wire.ModelOut(
                name=self.name,
                purpose="embedding",
                state=self.state,
                detail=self.detail or resting_note(self.embedder),
                dimension=info.dimension if info else None,
                max_tokens=info.max_tokens if info else None,
                serving=info.serving if info else None,
                fingerprint=info.fingerprint if info else None,
                active=info is not None,
                role="serving",
            )
        ]
