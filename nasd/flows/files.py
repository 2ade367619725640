"""Files as people ask for them: lists, details, text, where they lie."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from nasd import render, wire
from nasd.domain.files import FileBytes, FileRecord, FileState, FileText, display_path, filesystem_path
from nasd.domain.jobs import Job, JobKind
from nasd.domain.search import Filters
from nasd.errors import Conflict, NotFound, ReadError
from nasd.flows.asking import Asking
from nasd.flows.inside import Inside
from nasd.flows.thumbnails import Thumbnails
from nasd.flows.volumes import Volumes
from nasd.flows.why import Why, detail_of
from nasd.store import contents, files, queue
from nasd.store import volumes as known_volumes
from nasd.store.lane import Lane
from nasd.watch.open import observe


class Files:
    def __init__(
        self,
        lane: Lane,
        volumes: Volumes,
        why: Why,
        thumbnails: Thumbnails,
        inside: Inside,
        asking: Asking,
    ) -> None:
        self._lane = lane
        self._volumes = volumes
        self._why = why
        self._thumbnails = thumbnails
        self._inside = inside
        self._asking = asking

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
        if volume:
            await self._lane.read(known_volumes.volume_named, volume)  # `NotFound`, not an empty page
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
        file = await self._hasten(file_id)
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

    async def content(self, file_id: int) -> FileBytes:
        """With no link on the way, so that nothing outside of the volume can be served; of a member of a
        container, where it was taken out to. `NotFound` when it is not there now, `Conflict` when it cannot
        be taken out."""
        file = await self._lane.read(files.file_by_id, file_id)
        root = self._volumes.root_of(file.volume_id, "request")
        if root is None:
            raise NotFound("The file's volume is not there now, or is paused.")
        if file.parent_id is not None:
            return await self._taken_out(root, file)
        try:
            found = await asyncio.to_thread(observe, root, file.path)
        except OSError as error:
            raise NotFound(f"The file cannot be looked at: {error.strerror or error}.") from error
        if found is None:
            raise NotFound("The file is not on its volume any more.")
        return FileBytes(file=file, path=Path(os.fsdecode(filesystem_path(root, file.path))))

    async def _taken_out(self, root: str, file: FileRecord) -> FileBytes:
        try:
            path = await self._inside.path_of(root, file)
        except ReadError as error:
            kind = NotFound if error.temporary else Conflict
            raise kind(
                f"The file cannot be taken out of its container: {error.detail}",
                cure="Fetch the container itself.",
            ) from error
        return FileBytes(file=file, path=path, tag=path.name[:32])

    async def thumbnail(self, file_id: int) -> tuple[bytes, str]:
        return await self._thumbnails.of_file(file_id)

    async def why(self, path: str) -> wire.WhyOut:
        told = await self._why.path(path)
        if told.file is not None:
            with suppress(NotFound):  # gone meanwhile
                await self._hasten(render.decode_file_id(told.file.id))
        return told

    async def why_file(self, file_id: int) -> wire.WhyOut:
        return await self._why.file(await self._hasten(file_id))

    async def _hasten(self, file_id: int) -> FileRecord:
        file = await self._lane.read(files.file_by_id, file_id)
        await self._asking.hasten(file)
        return file

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
