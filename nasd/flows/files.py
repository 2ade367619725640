"""Files as people ask for them: lists, details, text, where they lie."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path

from nasd import render, wire
from nasd.domain.files import FileRecord, FileState, FileText, display_path, filesystem_path
from nasd.domain.jobs import Job, JobKind
from nasd.domain.search import Filters
from nasd.errors import Conflict, NotFound
from nasd.flows.thumbnails import Thumbnails
from nasd.flows.volumes import Volumes
from nasd.flows.why import Why, detail_of
from nasd.store import contents, files, queue
from nasd.store.lane import Lane
from nasd.watch.open import observe


class Files:
    def __init__(self, lane: Lane, volumes: Volumes, why: Why, thumbnails: Thumbnails) -> None:
        self._lane = lane
        self._volumes = volumes
        self._why = why
        self._thumbnails = thumbnails

    async def page(
        self,
        *,
        volume: str | None,
        path: str | None,
        state: FileState | None,
        kind: str | None,
        after_id: int,
        limit: int,
    ) -> Sequence[FileRecord]:
        filters = Filters(volumes=(volume,) if volume else (), path=path, kinds=(kind,) if kind else ())
        return await self._lane.read(
            files.page_files, filters=filters, state=state, after_id=after_id, limit=limit
        )

    async def detail(self, file_id: int) -> wire.FileDetail:
        file = await self._lane.read(files.file_by_id, file_id)
        content = None
        if file.content_id is not None:
            content = await self._lane.read(contents.content_by_id, file.content_id)
        return detail_of(file, content)

    async def text(self, file_id: int) -> FileText:
        file = await self._lane.read(files.file_by_id, file_id)
        content = None
        if file.content_id is not None:
            content = await self._lane.read(contents.content_by_id, file.content_id)
        if content is None:
            raise NotFound(f"This file has no text: it is {file.state.value}.", cure="`nasd why` says why.")
        return FileText(
            file=file,
            digest=content.digest,
            text=await self._lane.read(contents.text_of, content.id),
            passages=content.passages,
            reader=content.reader,
            notes=content.notes,
            metadata=content.metadata,
        )

    async def content(self, file_id: int) -> tuple[FileRecord, Path]:
        """The file and where it lies, with no link on the way, so that nothing outside of the volume can be
        served. `NotFound` when it is not there now."""
        file = await self._lane.read(files.file_by_id, file_id)
        if file.parent_id is not None:
            outer = await self._lane.read(files.file_by_id, file.parent_id)
            raise Conflict(
                "The file lies in a container and is not served by itself.",
                cure=f"Fetch {display_path(outer.path)} ({render.encode_file_id(outer.id)}), or its /text.",
            )
        root = self._volumes.root_of(file.volume_id, "request")
        if root is None:
            raise NotFound("The file's volume is not there now, or is paused.")
        try:
            found = await asyncio.to_thread(observe, root, file.path)
        except OSError as error:
            raise NotFound(f"The file cannot be looked at: {error.strerror or error}.") from error
        if found is None:
            raise NotFound("The file is not on its volume any more.")
        return file, Path(os.fsdecode(filesystem_path(root, file.path)))

    async def thumbnail(self, file_id: int) -> tuple[bytes, str]:
        return await self._thumbnails.of_file(file_id)

    async def why(self, path: str) -> wire.WhyOut:
        return await self._why.path(path)

    async def why_file(self, file_id: int) -> wire.WhyOut:
        return await self._why.file(await self._lane.read(files.file_by_id, file_id))

    async def jobs(self, *, after_id: int, limit: int) -> Sequence[tuple[Job, str]]:
        jobs = await self._lane.read(queue.page_jobs, after_id, limit)
        of_files = [job.subject_id for job in jobs if job.kind is JobKind.READ]
        of_contents = [job.subject_id for job in jobs if job.kind is not JobKind.READ]
        paths = await self._lane.read(files.paths_of, of_files)
        holders = await self._lane.read(files.holders_of, of_contents)
        titles = {number: f"{file.volume}:{display_path(file.path)}" for number, file in holders.items()}
        return [
            (job, (paths if job.kind is JobKind.READ else titles).get(job.subject_id, "(gone)"))
            for job in jobs
        ]
