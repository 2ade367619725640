"""From a picture to a vector of what it shows: draw, look, commit, one picture at a time.

Drawing happens in the confined child, looking behind `PictureEncoder`. Reading comes first.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from nasd import wire
from nasd.clock import Clock
from nasd.domain.files import FileRecord, display_path
from nasd.domain.jobs import Job, JobKind
from nasd.domain.pictures import PICTURE_MODEL, is_picture
from nasd.errors import ModelError, ReadError
from nasd.extract.base import Drawer
from nasd.extract.pictured import RGB
from nasd.extract.vision.base import PictureEncoder, Vector
from nasd.flows.events import Hub
from nasd.flows.gradual import Gradual
from nasd.flows.inside import Inside
from nasd.flows.models import Models
from nasd.flows.rates import Task
from nasd.flows.sight import Sight
from nasd.flows.work import Work
from nasd.load.base import Share
from nasd.store import pictures, queue
from nasd.store.contents import Content
from nasd.store.lane import Lane

NO_MODEL = (
    "Pictures are found by their text, name and date only: `nasd model import FOLDER --kind picture` brings "
    "a model that looks at them (CLIP or SigLIP, exported to ONNX); it is taken up within a minute."
)


class Pictures(Gradual[PictureEncoder]):
    """The one that looks at pictures."""

    kind = JobKind.PICTURE
    share = Share.LOOK
    within = "It is not found by what it shows, because it cannot be taken out of its container"
    look_again_s = 15.0

    def __init__(
        self,
        lane: Lane,
        hub: Hub,
        models: Models,
        drawer: Drawer,
        sight: Sight,
        work: Work,
        clock: Clock,
        *,
        inside: Inside,
        root_of: Callable[[int], str | None],
        find_engine: Callable[[], PictureEncoder | None] | None,
    ) -> None:
        """`find_engine` blocks; None: pictures are not looked at."""
        super().__init__(
            lane,
            models,
            clock,
            told=work.to_look_at,
            turns=work.turns,
            inside=inside,
            root_of=root_of,
            find_engine=find_engine,
        )
        self._hub = hub
        self._drawer = drawer
        self._sight = sight
        self._work = work

    def describe(self) -> list[wire.ModelOut]:
        """The model that looks at pictures; none when there is none."""
        if self.engine is None and self.problem is None:
            return []
        return [
            wire.ModelOut(
                name=self.engine.name if self.engine is not None else "picture",
                purpose="picture",
                state="ready" if self.engine is not None else "failed",
                detail=self.problem,
                dimension=self.engine.dimension if self.engine is not None else None,
                serving="onnx" if self.engine is not None else None,
                fingerprint=self.engine.fingerprint if self.engine is not None else None,
                active=self.engine is not None,
            )
        ]

    async def out(self) -> wire.SightOut:
        """How looking at pictures stands."""
        waiting = 0 if self.state == "off" else await self.waiting()
        missing = self.state == "missing" and waiting
        return wire.SightOut(
            state=self.state,
            engine=self.engine.name if self.engine is not None else None,
            detail=(self.problem or NO_MODEL) if missing else None,
            waiting=waiting,
            pictures=len(self._sight),
            pictures_per_s=round(self._work.looked.rate(), 2),
        )

    def why(self, content: Content, job: Job | None) -> str | None:
        """How far a content is found by what it shows; None for one that is no picture."""
        if not is_picture(content.metadata):
            return None
        if self.state == "off":
            return "it is not found by what it shows: read.pictures is off"
        looked = content.metadata.get(PICTURE_MODEL)
        if self.engine is None:
            return self.problem or NO_MODEL
        if looked == self.engine.name:
            return f"looked at by {looked}"
        after = f", after: {job.error}" if job is not None and job.error else ""
        return f"it waits to be looked at by {self.engine.name}{after}"

    def knows(self, content: Content) -> bool:
        """Whether the model has looked at a content."""
        return self.engine is not None and content.metadata.get(PICTURE_MODEL) == self.engine.name

    async def _begin(self, engine: PictureEncoder) -> None:
        try:
            await self._sight.begin(engine)
        except ReadError as error:
            engine.close()
            raise ModelError(f"The picture model {engine.name} does not answer: {error.detail}") from error
        await self._lane.write(pictures.enqueue_missing, engine.name, self._clock.now())

    async def _hold_back(self) -> bool:
        return await self._lane.read(queue.any_due, (JobKind.READ,), self._clock.now())

    def _unfinished(self, content: Content) -> bool:
        assert self.engine is not None
        return is_picture(content.metadata) and content.metadata.get(PICTURE_MODEL) != self.engine.name

    async def _piece(
        self, job: Job, content: Content, file: FileRecord, handle: int, engine: PictureEncoder
    ) -> None:
        began = self._clock.monotonic()
        try:
            vector = await asyncio.to_thread(self._look, file, handle, engine)
        except ReadError as error:
            if error.temporary:
                await self._later(job, error)
            else:
                await self._give_up(job, content, f"It is not found by what it shows: {error.detail}", engine)
            return
        # First into the index: what has no job any more is found. What the catalogue does not keep never is.
        await self._sight.add(content.id, vector)
        if await self._commit(job, content, vector, None, engine):
            self._hub.publish("file.looked_at", volume=file.volume, path=display_path(file.path))
        took = self._clock.monotonic() - began
        self._work.looked.add(1, took)
        self._work.rates.add(Task.LOOK, 1, took)

    def _look(self, file: FileRecord, handle: int, engine: PictureEncoder) -> Vector:
        name = display_path(file.path)
        picture = self._drawer.draw(handle, name=name, kind=file.kind, page=1, edge=engine.edge, form=RGB)
        return engine.embed_picture(picture)

    async def _give_up(self, job: Job, content: Content, note: str, engine: PictureEncoder) -> None:
        await self._commit(job, content, None, note, engine)

    async def _commit(
        self, job: Job, content: Content, vector: Vector | None, problem: str | None, engine: PictureEncoder
    ) -> bool:
        assert self._sight.model is not None
        return await self._lane.write(
            pictures.commit_picture,
            job_id=job.id,
            content_id=content.id,
            model=self._sight.model,
            vector=vector,
            problem=problem,
            engine=engine.name,
        )
