"""From a page that is a picture to words that can be searched: draw, recognise, cut, commit, page by page.

Drawing happens in the confined child, recognising behind `Recognizer`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from nasd.clock import Clock
from nasd.domain.files import FileRecord, display_path
from nasd.domain.jobs import Job, JobKind
from nasd.domain.passages import Document
from nasd.domain.scans import UNREAD_PAGES, parse_pages
from nasd.errors import ReadError
from nasd.extract.base import Drawer
from nasd.extract.ocr.base import Recognizer
from nasd.extract.ocr.layout import page_blocks
from nasd.flows.events import Hub
from nasd.flows.gradual import Gradual
from nasd.flows.inside import Inside
from nasd.flows.models import Models
from nasd.flows.rates import Task
from nasd.flows.work import Work
from nasd.load.base import Share
from nasd.store import scans
from nasd.store.contents import Content
from nasd.store.lane import Lane
from nasd.store.scans import PageText

EDGE = 4000  # pixels of a page at most: A3 at 240 dpi


class Scans(Gradual[Recognizer]):
    """The one recognising worker."""

    kind = JobKind.OCR
    share = Share.RECOGNISE
    within = "Its pictures of text are not recognised, because it cannot be taken out of its container"
    look_again_s = 600.0

    def __init__(
        self,
        lane: Lane,
        hub: Hub,
        models: Models,
        drawer: Drawer,
        work: Work,
        clock: Clock,
        *,
        inside: Inside,
        root_of: Callable[[int], str | None],
        find_engine: Callable[[], Recognizer | None] | None,
    ) -> None:
        """`find_engine` blocks; None: recognition is switched off."""
        super().__init__(
            lane,
            models,
            clock,
            told=work.to_recognise,
            turns=work.turns,
            inside=inside,
            root_of=root_of,
            find_engine=find_engine,
        )
        self._hub = hub
        self._drawer = drawer
        self._work = work

    def _unfinished(self, content: Content) -> bool:
        return bool(parse_pages(content.metadata.get(UNREAD_PAGES, "")))

    async def _piece(
        self, job: Job, content: Content, file: FileRecord, handle: int, engine: Recognizer
    ) -> None:
        page = parse_pages(content.metadata[UNREAD_PAGES])[0]
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
        took = self._clock.monotonic() - began
        self._work.pages.add(1, took)
        self._work.rates.add(Task.RECOGNISE, 1, took)
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
        return PageText(chars=len(document.text), passages=self._cut(document))
