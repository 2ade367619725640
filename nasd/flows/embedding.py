"""From committed passages to committed vectors: the second speed."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress

import numpy as np

from nasd.clock import Clock
from nasd.domain.files import display_path
from nasd.domain.jobs import Job, JobKind, next_attempt
from nasd.domain.passages import StoredPassage, embedded_text
from nasd.embed.base import Embedder
from nasd.embed.once import Once
from nasd.errors import DiskFull, ModelError, NasdError
from nasd.flows.events import Hub
from nasd.flows.index import IndexCache
from nasd.flows.models import Models
from nasd.flows.rates import Task
from nasd.flows.work import Work
from nasd.load.base import Share
from nasd.store import files, queue, vectors
from nasd.store.lane import Lane

log = logging.getLogger(__name__)

JOBS = 16
PASSAGES_OF_ONE = 128  # of one content in a round: a book does not keep a new letter waiting for an hour
BATCH = 32  # passages embedded and committed at once: half a second of work on two cores
IDLE_S = 30.0
DISK_FULL_S = 10.0
GIVE_WAY_S = 5.0
"""For so long a batch of the backlog waits while small texts are being read: words come first, and meaning
still goes on, at about a tenth of its speed."""


class Embedding:
    """One worker: inference uses all the cores it is given by itself."""

    def __init__(
        self, lane: Lane, hub: Hub, models: Models, index: IndexCache, work: Work, clock: Clock
    ) -> None:
        self._lane = lane
        self._hub = hub
        self._models = models
        self._index = index
        self._work = work
        self._clock = clock
        self._once = Once()

    async def run(self) -> None:
        await self._models.ready.wait()
        while True:
            told = self._work.to_embed.count
            latest = self._work.turns.allows(Share.EMBED)
            now = self._clock.now()
            jobs = await self._lane.write(queue.claim, JobKind.EMBED, JOBS, now, priority=latest)
            if not jobs:
                await self._work.to_embed.beyond(told, self._work.turns.patience_s(Share.EMBED, IDLE_S))
                continue
            began = self._clock.monotonic()
            try:
                await self._try(jobs)
                self._work.turns.worked(Share.EMBED, self._clock.monotonic() - began)
            except DiskFull as error:
                log.error("%s", error)
                await self._until_there_is_room(jobs)
            except BaseException:
                await self._lane.write(queue.put_back, [job.id for job in jobs], self._clock.now())
                raise

    async def _try(self, jobs: tuple[Job, ...]) -> None:
        """All together; if that fails, each for itself, so that one cannot hold up the others."""
        try:
            await self._do(jobs)
        except DiskFull:
            raise
        except Exception as error:
            if len(jobs) > 1:
                for job in jobs:
                    await self._try((job,))
                return
            log.warning("embedding failed: %s", error, exc_info=not isinstance(error, NasdError))
            at = next_attempt(jobs[0].attempts, temporary=True, now=self._clock.now())
            await self._lane.write(queue.retry, jobs[0].id, str(error) or type(error).__name__, at)

    async def _until_there_is_room(self, jobs: tuple[Job, ...]) -> None:
        while True:
            await asyncio.sleep(DISK_FULL_S)
            with suppress(DiskFull):
                await self._lane.write(queue.put_back, [job.id for job in jobs], self._clock.now())
                return

    async def _do(self, jobs: tuple[Job, ...]) -> None:
        model, embedder = self._models.model_id, self._models.embedder
        assert model is not None and embedder is not None
        info = embedder.info
        todo: list[StoredPassage] = []
        for job in jobs:
            todo += await self._lane.read(vectors.passages_to_embed, job.subject_id, model, PASSAGES_OF_ONE)
        for start in range(0, len(todo), BATCH):
            if jobs[0].priority > queue.FRESH_LAST:
                await self._work.reading_texts.over(GIVE_WAY_S)
            if self._models.model_id != model:
                break  # another one answers by now
            await self._embed(model, embedder, todo[start : start + BATCH])
        for job in jobs:
            async with self._index.changing:  # the model may be changed only before or after
                if self._models.model_id != model:
                    await self._lane.write(queue.put_back, [job.id], self._clock.now())
                    continue
                done = await self._lane.write(
                    vectors.commit_embedded,
                    job_id=job.id,
                    content_id=job.subject_id,
                    model=model,
                    fingerprint=info.fingerprint,
                    now=self._clock.now(),
                )
            if done:
                await self._tell(job.subject_id)
            self._work.embedded.pop(job.subject_id, None)  # the job says now how much is left

    async def _tell(self, content_id: int) -> None:
        file = (await self._lane.read(files.holders_of, [content_id])).get(content_id)
        if file is not None:
            self._hub.publish("file.semantic", volume=file.volume, path=display_path(file.path))

    async def _embed(self, model: int, embedder: Embedder, batch: list[StoredPassage]) -> None:
        began = self._clock.monotonic()
        texts = [embedded_text(one.title, one.passage.place.heading, one.passage.text) for one in batch]
        data = await asyncio.to_thread(self._once.embed, embedder, texts)
        if not np.isfinite(data).all():
            raise ModelError(f"The model {embedder.info.name} gave numbers that are no vector.")
        ids = [one.id for one in batch]
        async with self._index.changing:
            kept = await self._lane.write(vectors.commit_vectors, model=model, ids=ids, data=data)
            mask = np.array(kept, dtype=bool)
            if self._models.model_id == model:
                # What is searched is what is kept: float16 in the catalogue, so float16 here too.
                rounded = data[mask].astype(np.float16).astype(np.float32)
                await self._index.add(np.array(ids, dtype=np.int64)[mask], rounded)
        for one in batch:
            self._work.embedded[one.content_id] = self._work.embedded.get(one.content_id, 0) + 1
        took = self._clock.monotonic() - began
        self._work.passages.add(len(batch), took)
        self._work.rates.add(Task.EMBED, len(batch), took)
