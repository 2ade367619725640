"""From a page that is a picture to words that can be searched: draw, recognise, cut, commit, page by page.

One page at a time, at low priority, in processes of their own: drawing in the confined child, recognising
behind `Recognizer`.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable
from datetime import timedelta
from typing import Literal

from nasd.clock import Clock
from nasd.domain.files import FileRecord, display_path
from nasd.domain.jobs import Job, JobKind, next_attempt
from nasd.domain.passages import Document
from nasd.domain.scans import UNREAD_PAGES, parse_pages
from nasd.errors import DiskFull, ReadError
from nasd.extract.base import Drawer
from nasd.extract.ocr.base import Recognizer
from nasd.extract.ocr.layout import page_blocks
from nasd.extract.passages import cut
from nasd.flows.events import Hub
from nasd.flows.models import Models
from nasd.flows.reading import MOST_SHARE, TARGET_SHARE
from nasd.flows.work import Work
from nasd.store import contents, queue, scans
from nasd.store.contents import Content
from nasd.store.lane import Lane
from nasd.store.scans import PageText
from nasd.watch.open import open_file

log = logging.getLogger(__name__)

IDLE_S = 30.0
LOOK_AGAIN_S = 600.0  # for an engine that was installed meanwhile
DISK_FULL_S = 10.0
VOLUME_AWAY = timedelta(seconds=30)
EDGE = 4000  # pixels of a page at most: A3 at 240 dpi


class Scans:
    """The one recognising worker. `state` is "off", "missing" (no engine is installed), "ready" or, before
    an engine was looked for, "starting"."""

    def __init__(
        self,
        lane: Lane,
        hub: Hub,
        models: Models,
        drawer: Drawer,
        work: Work,
        clock: Clock,
        *,
        root_of: Callable[[int], str | None],
        find_engine: Callable[[], Recognizer | None] | None,
    ) -> None:
        """`find_engine` blocks; None: recognition is switched off."""
        self._lane = lane
        self._hub = hub
        self._models = models
        self._drawer = drawer
        self._work = work
        self._clock = clock
        self._root_of = root_of
        self._find_engine = find_engine
        self.engine: Recognizer | None = None
        self.state: Literal["off", "missing", "ready", "starting"] = (
            "off" if find_engine is None else "starting"
        )

    async def waiting(self) -> int:
        """Files with pages still to be recognised."""
        return await self._lane.read(scans.count_waiting)

    def close(self) -> None:
        """Ends a recognition that runs; its page is done again after the next start."""
        if self.engine is not None:
            self.engine.close()

    async def run(self) -> None:
        engine = await self._wait_for_engine()
        while True:
            told = self._work.to_recognise.count
            jobs = await self._lane.write(queue.claim, JobKind.OCR, 1, self._clock.now())
            if not jobs:
                await self._work.to_recognise.beyond(told, IDLE_S)
                continue
            try:
                await self._do(jobs[0], engine)
            except asyncio.CancelledError:
                await self._lane.write(queue.put_back, [jobs[0].id], self._clock.now())
                raise
            except DiskFull as error:
                log.error("%s", error)
                await asyncio.sleep(DISK_FULL_S)

    async def _wait_for_engine(self) -> Recognizer:
        if self._find_engine is None:
            await asyncio.Event().wait()
        assert self._find_engine is not None
        while True:
            self.engine = await asyncio.to_thread(self._find_engine)
            if self.engine is not None:
                self.state = "ready"
                return self.engine
            self.state = "missing"
            await asyncio.sleep(LOOK_AGAIN_S)

    async def _do(self, job: Job, engine: Recognizer) -> None:
        content = await self._lane.read(contents.content_by_id, job.subject_id)
        file = await self._lane.read(scans.holder_of, job.subject_id)
        pages = parse_pages(content.metadata.get(UNREAD_PAGES, "")) if content is not None else ()
        if content is None or file is None or not pages:
            await self._lane.write(queue.finish, job.id)  # a file that holds it again brings it back
            return
        root = self._root_of(file.volume_id)
        if root is None:
            await self._lane.write(queue.put_back, [job.id], self._clock.now() + VOLUME_AWAY)
            return
        if file.parent_id is not None:
            note = "Its pictures of text are not recognised: it lies within another file."
            await self._lane.write(scans.abandon, job_id=job.id, content_id=content.id, note=note)
            return
        try:
            handle = await asyncio.to_thread(open_file, root, file.path, file.stat)
        except ReadError as error:
            await self._later(job, error)
            return
        try:
            await self._page(job, content, file, handle, pages[0], engine)
        finally:
            os.close(handle)

    async def _later(self, job: Job, error: ReadError) -> None:
        """The file cannot be opened just now, or has changed: then it is read again."""
        at = next_attempt(job.attempts, temporary=error.temporary, now=self._clock.now())
        await self._lane.write(queue.retry, job.id, str(error), at)

    async def _page(
        self, job: Job, content: Content, file: FileRecord, handle: int, page: int, engine: Recognizer
    ) -> None:
        began = self._clock.monotonic()
        text: PageText | None = None
        problem: str | None = None
        try:
            text = await asyncio.to_thread(self._recognize, content, file, handle, page, engine)
        except ReadError as error:
            if error.temporary:
                await self._later(job, error)
                return
            problem = error.detail
        left = await self._lane.write(
            scans.commit_page,
            job_id=job.id,
            content_id=content.id,
            page=page,
            text=text,
            problem=problem,
            engine=engine.name,
            now=self._clock.now(),
        )
        self._work.pages.add(1, self._clock.monotonic() - began)
        self._work.to_embed.set()
        if not left:
            self._hub.publish("file.recognised", volume=file.volume, path=display_path(file.path))

    def _recognize(
        self, content: Content, file: FileRecord, handle: int, page: int, engine: Recognizer
    ) -> PageText:
        name = display_path(file.path)
        picture = self._drawer.draw(handle, name=name, kind=file.kind, page=page, edge=EDGE, form="gray")
        # A camera notes how it was held.
        found = engine.recognize(picture, any_rotation="camera" not in content.metadata)
        shown = page if file.kind == "pdf" or "pages" in content.metadata else None
        document = Document(blocks=tuple(page_blocks(found.words, page=shown)))
        most = self._models.max_tokens
        passages = cut(
            document,
            count_tokens=self._models.count_tokens,
            target_tokens=int(most * TARGET_SHARE),
            max_tokens=int(most * MOST_SHARE),
        )
        return PageText(chars=len(document.text), passages=passages)
