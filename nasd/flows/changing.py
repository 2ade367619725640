"""Changing the embedding model: its vectors are made beside the old ones, measured, then swapped in.

The model that answers goes on answering, and what it has to embed comes first. All that is made is kept in
the catalogue as it is made, so a restart at any point goes on from there.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence

import numpy as np

from nasd import wire
from nasd.clock import Clock
from nasd.domain.generations import Generation, Generations, Wanted, regressions
from nasd.domain.passages import StoredPassage, embedded_text
from nasd.domain.search import Mode
from nasd.embed.base import Embedder
from nasd.embed.once import Once
from nasd.errors import Conflict, ModelError, NasdError, NotFound
from nasd.flows.evaluation import Evaluations, Searching
from nasd.flows.events import Hub
from nasd.flows.index import IndexCache
from nasd.flows.models import Models
from nasd.flows.work import Meter, Work
from nasd.load.base import Share
from nasd.store import generations, queue, vectors
from nasd.store.lane import Lane

log = logging.getLogger(__name__)

BATCH = 32
IDLE_S = 60.0
RETRY_S = 300.0
GIVE_WAY_S = 1.0
"""How often it is looked whether the model that answers still has something to embed."""

READING_S = 5.0
GRACE_S = 60.0
"""How long the former model is kept open for searches that began with it."""

GATED = (Mode.HYBRID, Mode.SEMANTIC)

SearchOver = Callable[[Models, IndexCache], Searching]


class ModelChange:
    def __init__(
        self,
        lane: Lane,
        hub: Hub,
        models: Models,
        index: IndexCache,
        evaluations: Evaluations,
        work: Work,
        clock: Clock,
        *,
        make_index: Callable[[], IndexCache],
        search_over: SearchOver,
        check: Callable[[str], None],
    ) -> None:
        """`check` raises `ModelError` for a name that is no model; blocks."""
        self._lane = lane
        self._hub = hub
        self._models = models
        self._index = index
        self._evaluations = evaluations
        self._work = work
        self._clock = clock
        self._make_index = make_index
        self._search_over = search_over
        self._check = check
        self._once = Once()
        self._told = asyncio.Event()
        self._leaving: dict[asyncio.Task[None], Embedder] = {}
        self._stage: str | None = None
        self._passages = self._embedded = 0
        self._pace = Meter(clock)

    async def use(self, name: str, *, force: bool) -> wire.ModelOut:
        """Changes to a model, in the background; to the one that answers: stays with it. `Conflict` when the
        settings name another one, `NotFound` when there is no such model."""
        if self._models.fixed and name != self._models.given:
            raise Conflict(
                f"The settings name the model {self._models.given}, and they win.",
                cure="Change embedding.model in the configuration file (or NASD_EMBEDDING__MODEL), or take "
                "it out there and use this command again.",
            )
        known = await self._lane.read(generations.generations)
        if known.serving is not None and known.serving.name == name:
            await self._lane.write(generations.want, None)
        else:
            try:
                await asyncio.to_thread(self._check, name)
            except ModelError as error:
                raise NotFound(error.detail, cure=error.cure) from None
            await self._lane.write(generations.want, Wanted(name=name, forced=force))
        self._told.set()
        found = await self.describe()
        return next(one for one in found if one.name == name)

    async def describe(self) -> Sequence[wire.ModelOut]:
        """The model that answers, the one to come, and the one before."""
        known = await self._lane.read(generations.generations)
        found = list(self._models.describe())
        if known.wanted is not None and known.wanted.name != self._models.name:
            found.append(self._coming(known.wanted))
        if known.previous is not None and known.previous.name not in {one.name for one in found}:
            found.append(
                wire.ModelOut(
                    name=known.previous.name,
                    purpose="embedding",
                    state="ready",
                    detail=f"answered before; `nasd model use {known.previous.name}` swaps back at once",
                    fingerprint=known.previous.fingerprint,
                    role="previous",
                )
            )
        return found

    def _coming(self, wanted: Wanted) -> wire.ModelOut:
        rate = self._pace.rate()
        left = self._passages - self._embedded
        return wire.ModelOut(
            name=wanted.name,
            purpose="embedding",
            state="failed" if wanted.refused else "preparing",
            detail=wanted.refused
            or f"{self._stage or 'waits for its turn'}; {self._models.name} answers meanwhile",
            fingerprint=wanted.fingerprint,
            role="next",
            passages=self._passages or None,
            embedded=self._embedded if self._passages else None,
            eta_s=round(left / rate, 1) if rate and left > 0 else None,
        )

    async def run(self) -> None:
        await self._models.ready.wait()
        while True:
            self._told.clear()
            known = await self._lane.read(generations.generations)
            if known.wanted is None or known.wanted.refused is not None:
                await self._wait(IDLE_S)
                continue
            try:
                await self._change(known, known.wanted)
            except ModelError as error:
                await self._refuse(known.wanted, str(error))
            except NasdError as error:
                log.warning("the model is not changed yet: %s", error)
                self._stage = f"{error}; it is tried again"
                await self._wait(RETRY_S)

    async def close(self) -> None:
        """Closes models that do not answer any more."""
        for task, embedder in list(self._leaving.items()):
            task.cancel()
            await asyncio.to_thread(embedder.close)

    async def _wait(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._told.wait()
        except TimeoutError:
            pass

    async def _change(self, known: Generations, wanted: Wanted) -> None:
        self._passages = self._embedded = 0
        self._stage = "it is opened"
        embedder: Embedder | None = await self._models.open(wanted.name, self._preparing)
        assert embedder is not None
        try:
            info = embedder.info
            if info.fingerprint == self._models.fingerprint:
                await self._lane.write(generations.want, None)
                return
            # Noted first: upkeep deletes what nobody names.
            await self._lane.write(generations.note, wanted.name, fingerprint=info.fingerprint)
            model = await self._lane.write(
                vectors.model_id,
                name=info.name,
                fingerprint=info.fingerprint,
                dimension=info.dimension,
                now=self._clock.now(),
            )
            index = self._make_index()
            candidate = self._models.beside(wanted.name, embedder, model, index)
            # What was made of the previous one is whole but for what came since: that is embedded after.
            back = known.previous is not None and known.previous.fingerprint == info.fingerprint
            if not back and not await self._embed_missing(candidate, wanted):
                return
            self._stage = "its index is opened"
            await index.open(info, model)
            if not back and not await self._passes(candidate, index, wanted):
                await index.save()
                return
            self._stage = "it is swapped in"
            if await self._swap(candidate, index, wanted, back=back):
                embedder = None
                await self._settle(info.name)
        finally:
            if embedder is not None:
                await asyncio.to_thread(embedder.close)

    def _preparing(self, stage: str) -> None:
        self._stage = f"made ready for this machine, once: {stage}"

    async def _embed_missing(self, candidate: Models, wanted: Wanted) -> bool:
        """Until no passage lacks its vector. False when something else is wanted by now."""
        model = candidate.model_id
        assert model is not None
        self._passages, self._embedded = await self._lane.read(generations.progress, model)
        self._stage = "its vectors are made"
        after = 0
        while True:
            await self._turn()
            if not await self._still(wanted):
                return False
            batch = await self._lane.read(generations.lacking, model, after, BATCH)
            if batch:
                began = self._clock.monotonic()
                await self._embed(candidate, batch)
                took = self._clock.monotonic() - began
                self._pace.add(len(batch), took)
                self._work.turns.worked(Share.EMBED, took)
                after = batch[-1].id
            elif after:
                after = 0  # what came or came back meanwhile
            else:
                self._embedded = self._passages
                return True

    async def _embed(self, candidate: Models, batch: Sequence[StoredPassage]) -> None:
        embedder, model = candidate.embedder, candidate.model_id
        assert embedder is not None and model is not None
        texts = [embedded_text(one.title, one.passage.place.heading, one.passage.text) for one in batch]
        data = await asyncio.to_thread(self._once.embed, embedder, texts)
        if not np.isfinite(data).all():
            raise ModelError(f"The model {candidate.name} gave numbers that are no vector.")
        await self._lane.write(vectors.commit_vectors, model=model, ids=[one.id for one in batch], data=data)
        self._embedded = min(self._embedded + len(batch), self._passages)

    async def _turn(self) -> None:
        """Until there is nothing more urgent, and the machine bears it."""
        while True:
            told = self._work.to_embed.count
            may = self._work.turns.allows(Share.EMBED) > queue.FRESH_LAST
            if may and not await self._lane.read(generations.embedding_is_due, self._clock.now()):
                break
            await self._work.to_embed.beyond(told, GIVE_WAY_S)
        await self._work.reading_texts.over(READING_S)

    async def _still(self, wanted: Wanted) -> bool:
        known = await self._lane.read(generations.generations)
        return known.wanted is not None and known.wanted.name == wanted.name

    async def _passes(self, candidate: Models, index: IndexCache, wanted: Wanted) -> bool:
        """Whether it finds about as many of the known items; an order to change is one even if not."""
        self._stage = "it is measured on the known items"
        items = await self._evaluations.items()
        if not items:
            return True
        searches = (
            self._search_over(self._models, self._index),
            self._search_over(candidate, index),
        )
        before, after = [await self._evaluations.figures(search, items, GATED) for search in searches]
        worse = regressions(before, after)
        log.info("known items: %s with %s, %s with %s", before, self._models.name, after, wanted.name)
        known = await self._lane.read(generations.generations)
        forced = known.wanted is not None and known.wanted.name == wanted.name and known.wanted.forced
        if not worse or forced:
            return True
        await self._refuse(
            wanted,
            f"it finds less of the {len(items)} known items: {'; '.join(worse)}. "
            f"`nasd model use --force {wanted.name}` changes to it all the same",
        )
        return False

    async def _refuse(self, wanted: Wanted, reason: str) -> None:
        log.warning("the model is not changed to %s: %s", wanted.name, reason)
        await self._lane.write(generations.note, wanted.name, refused=reason)
        self._hub.publish("model.refused", name=wanted.name, detail=reason)

    async def _swap(self, candidate: Models, index: IndexCache, wanted: Wanted, *, back: bool) -> bool:
        """In one step for the catalogue, and in one for searches. False when something else is wanted."""
        embedder, model = candidate.embedder, candidate.model_id
        assert embedder is not None and model is not None
        generation = Generation(name=wanted.name, fingerprint=embedder.info.fingerprint)
        await self._index.save()
        while True:
            async with self._index.changing:
                rest = await self._lane.read(generations.lacking, model, 0, BATCH + 1)
                if back or len(rest) <= BATCH:
                    if rest and not back:
                        await self._embed(candidate, rest)
                    await index.catch_up()
                    if not await self._lane.write(generations.swap, generation, model, self._clock.now()):
                        return False
                    former = self._models.adopt(wanted.name, embedder, model)
                    self._index.become(index)
                    break
            if not await self._embed_missing(candidate, wanted):
                return False
        self._work.to_embed.set()
        if former is not None:
            task = asyncio.create_task(self._leave(former))
            self._leaving[task] = former
            task.add_done_callback(lambda done: self._leaving.pop(done, None))
        return True

    async def _leave(self, former: Embedder) -> None:
        await asyncio.sleep(GRACE_S)
        await asyncio.to_thread(former.close)

    async def _settle(self, name: str) -> None:
        self._stage = None
        log.info("the model %s answers from now on", name)
        self._hub.publish("model.changed", name=name)
        await self._index.save()
        # What was being read while the models changed may have been taken for embedded by the former one.
        fingerprint = self._models.fingerprint
        assert fingerprint is not None
        await self._lane.write(vectors.enqueue_missing, fingerprint, self._clock.now())
        self._work.to_embed.set()
        try:
            await self._evaluations.measure()
        except NasdError as error:
            log.info("search was not measured: %s", error)
