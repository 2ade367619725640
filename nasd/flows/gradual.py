"""What is learned of a content piece by piece: the pages of a scan, the minutes of a recording.

One piece at a time, at low priority, each in a transaction of its own, so that an interruption costs one
piece. Decoding happens in the confined child, recognising in an engine's own process.
"""

from __future__ import annotations

import asyncio
import logging
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import ClassVar, Generic, Literal, Protocol, TypeVar

from nasd.clock import Clock
from nasd.domain.files import FileRecord
from nasd.domain.jobs import Job, JobKind, next_attempt
from nasd.domain.passages import Document, Passage
from nasd.errors import DiskFull, ModelError, NotFound, ReadError
from nasd.extract.passages import cut
from nasd.flows.inside import Inside
from nasd.flows.models import Models
from nasd.flows.reading import MOST_SHARE, TARGET_SHARE
from nasd.flows.turns import Turns
from nasd.flows.work import Signal
from nasd.load.base import Share
from nasd.store import contents, queue, scans
from nasd.store.contents import Content
from nasd.store.lane import Lane
from nasd.watch.open import open_file

log = logging.getLogger(__name__)

IDLE_S = 30.0
DISK_FULL_S = 10.0
HELD_BACK_S = 2.0
VOLUME_AWAY = timedelta(seconds=30)
BESIDE = 100  # members of one container that are taken out in one walk


class Engine(Protocol):
    @property
    def name(self) -> str: ...

    def close(self) -> None: ...


E = TypeVar("E", bound=Engine)


class Gradual(ABC, Generic[E]):
    """One worker. `state` is "off", "missing" (there is no engine), "ready" or, before an engine was looked
    for, "starting"."""

    kind: ClassVar[JobKind]
    share: ClassVar[Share]
    within: ClassVar[str]
    """The note for a file that lies within another and cannot be taken out of it."""
    look_again_s: ClassVar[float]
    """When an engine that was missing is looked for again."""

    def __init__(
        self,
        lane: Lane,
        models: Models,
        clock: Clock,
        *,
        told: Signal,
        turns: Turns,
        inside: Inside,
        root_of: Callable[[int], str | None],
        find_engine: Callable[[], E | None] | None,
    ) -> None:
        """`find_engine` blocks, and raises `ModelError` for one that cannot be used; None: the whole is
        switched off. `told` is set when there are new jobs."""
        self._lane = lane
        self._models = models
        self._clock = clock
        self._told = told
        self._turns = turns
        self._inside = inside
        self._root_of = root_of
        self._find_engine = find_engine
        self.engine: E | None = None
        self.problem: str | None = None  # with an engine that is there but cannot be used
        self.state: Literal["off", "missing", "ready", "starting"] = (
            "off" if find_engine is None else "starting"
        )

    @abstractmethod
    def _unfinished(self, content: Content) -> bool:
        """Whether pieces are left."""

    @abstractmethod
    async def _piece(self, job: Job, content: Content, file: FileRecord, handle: int, engine: E) -> None:
        """Does the next piece of the open file and commits it."""

    async def _hold_back(self) -> bool:
        """Whether other work comes first just now."""
        return False

    async def _begin(self, engine: E) -> None:
        """What is to be done once, when an engine is there. `ModelError` when it cannot be used after all."""

    async def _give_up(self, job: Job, content: Content, note: str, engine: E) -> None:
        """What is left can never be done."""
        await self._lane.write(scans.abandon, job_id=job.id, content_id=content.id, note=note)

    async def waiting(self) -> int:
        """Contents with pieces still to be done."""
        return await self._lane.read(scans.count_waiting, self.kind)

    def close(self) -> None:
        """Ends what the engine does; its piece is done again after the next start."""
        if self.engine is not None:
            self.engine.close()

    async def run(self) -> None:
        engine = await self._wait_for_engine()
        while True:
            told = self._told.count
            if await self._hold_back():
                await asyncio.sleep(HELD_BACK_S)
                continue
            latest = self._turns.allows(self.share)
            jobs = await self._lane.write(queue.claim, self.kind, 1, self._clock.now(), priority=latest)
            if not jobs:
                await self._told.beyond(told, self._turns.patience_s(self.share, IDLE_S))
                continue
            began = self._clock.monotonic()
            try:
                await self._do(jobs[0], engine)
                self._turns.worked(self.share, self._clock.monotonic() - began)
            except asyncio.CancelledError:
                await self._lane.write(queue.put_back, [jobs[0].id], self._clock.now())
                raise
            except DiskFull as error:
                log.error("%s", error)
                await asyncio.sleep(DISK_FULL_S)

    async def _wait_for_engine(self) -> E:
        if self._find_engine is None:
            await asyncio.Event().wait()
        assert self._find_engine is not None
        while True:
            try:
                found = await asyncio.to_thread(self._find_engine)
                if found is not None:
                    await self._begin(found)
                self.engine, self.problem = found, None
            except ModelError as error:
                if self.problem is None:
                    log.error("%s", error)
                self.problem = str(error)
            if self.engine is not None:
                self.state = "ready"
                return self.engine
            self.state = "missing"
            await asyncio.sleep(self.look_again_s)

    async def _do(self, job: Job, engine: E) -> None:
        content = await self._lane.read(contents.content_by_id, job.subject_id)
        file = await self._lane.read(scans.holder_of, job.subject_id)
        if content is None or file is None or not self._unfinished(content):
            await self._lane.write(queue.finish, job.id)  # a file that holds it again brings it back
            return
        root = self._root_of(file.volume_id)
        if root is None:
            await self._lane.write(queue.put_back, [job.id], self._clock.now() + VOLUME_AWAY)
            return
        try:
            handle = await self._open(root, file)
        except ReadError as error:
            if file.parent_id is None or error.temporary:
                await self._later(job, error)
                return
            await self._give_up(job, content, f"{self.within}: {error.detail}", engine)
            return
        try:
            await self._piece(job, content, file, handle, engine)
        finally:
            os.close(handle)

    async def _open(self, root: str, file: FileRecord) -> int:
        """A handle of the file's bytes; those of a member are taken out of its container, together with those
        of other members whose turn comes soon."""
        if file.parent_id is None:
            return await asyncio.to_thread(open_file, root, file.path, file.stat)
        container = file.parent_id

        async def beside() -> Sequence[FileRecord]:
            return await self._lane.read(scans.waiting_within, container, self.kind, limit=BESIDE)

        try:
            path = await self._inside.path_of(root, file, beside)
            return await asyncio.to_thread(os.open, path, os.O_RDONLY | os.O_CLOEXEC)
        except (OSError, NotFound) as error:
            raise ReadError("The file went meanwhile.", reason="changing", temporary=True) from error

    async def _later(self, job: Job, error: ReadError) -> None:
        """The file cannot be opened just now, or has changed: then it is read again."""
        at = next_attempt(job.attempts, temporary=error.temporary, now=self._clock.now())
        await self._lane.write(queue.retry, job.id, str(error), at)

    def _cut(self, document: Document) -> tuple[Passage, ...]:
        most = self._models.max_tokens
        return cut(
            document,
            count_tokens=self._models.count_tokens,
            target_tokens=int(most * TARGET_SHARE),
            max_tokens=int(most * MOST_SHARE),
        )
