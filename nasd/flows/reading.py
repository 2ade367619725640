"""From a job to words that can be searched: open, hash, read in the confined child, cut, commit."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import PurePosixPath

from blake3 import blake3

from nasd.clock import Clock
from nasd.domain.files import FileRecord, FileStat, display_path, file_stat
from nasd.domain.jobs import Job, JobKind, next_attempt
from nasd.domain.passages import Document
from nasd.errors import DiskFull, NasdError, NotFound, ReadError
from nasd.extract.base import Extractor
from nasd.extract.kinds import HEAD_BYTES, media_type_of, sniff
from nasd.extract.passages import cut
from nasd.extract.registry import CONTAINERS, entry_of
from nasd.flows.events import Hub
from nasd.flows.index import IndexCache
from nasd.flows.lots import Lot, Lots
from nasd.flows.members import SKIPPED, Unpacking
from nasd.flows.models import Models
from nasd.flows.rates import Task
from nasd.flows.work import Work
from nasd.store import contents, files, lots, queue, reads
from nasd.store.contents import NewContent
from nasd.store.lane import Lane
from nasd.store.lots import TextRead
from nasd.store.members import MemberRead
from nasd.store.reads import ReadOutcome
from nasd.watch.open import open_file, unchanged

log = logging.getLogger(__name__)

IDLE_S = 30.0
DISK_FULL_S = 10.0
HASH_CHUNK = 1 << 20
VOLUME_AWAY = timedelta(seconds=30)

TARGET_SHARE, MOST_SHARE = 0.75, 0.85
"""Of the tokens a model reads: what a passage aims at, and at most has. Title and headings need the rest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What a file's bytes turned out to be. `new` is None when the catalogue knows the content."""

    stat: FileStat
    kind: str
    media_type: str
    digest: str
    reader: str
    new: NewContent | None
    members: tuple[MemberRead, ...] = ()


class Reading:
    def __init__(
        self,
        lane: Lane,
        hub: Hub,
        models: Models,
        index: IndexCache,
        extractor: Extractor,
        unpacking: Unpacking,
        work: Work,
        clock: Clock,
        *,
        root_of: Callable[[int], str | None],
        believed: Callable[[int], Awaitable[bool]],
        max_file: int,
    ) -> None:
        """`root_of` gives a volume's folder by its id while it may be read, else None; `believed` looks
        whether it still is that volume."""
        self._lane = lane
        self._hub = hub
        self._models = models
        self._index = index
        self._extractor = extractor
        self._unpacking = unpacking
        self._work = work
        self._clock = clock
        self._root_of = root_of
        self._believed = believed
        self._max_file = max_file
        self._lots = Lots(lane, extractor, clock, root_of=root_of, content=self._content, max_file=max_file)

    async def run(self, number: int = 0) -> None:
        """One worker; several may run side by side, numbered from 0."""
        await self._serve(lambda: self._work.turns.reads(number))

    async def run_fresh(self) -> None:
        """One worker for what was just saved: long documents of the backlog do not hold it up."""
        with suppress(ReadError):  # told with the first file
            await asyncio.to_thread(self._warm_up)
        await self._serve(lambda: queue.FRESH_LAST)

    def _warm_up(self) -> None:
        self._models.count_tokens("")
        self._extractor.warm_up()

    async def _serve(self, latest: Callable[[], int]) -> None:
        while True:
            told = self._work.to_read.count
            if lot := await self._lots.claim(latest()):
                with self._work.reading_texts.at_it():
                    await self._hold([job for job, _ in lot], self._do_lot(lot))
                continue
            # One at a time: who takes more has them wait, and has them suspected when a file ends the daemon.
            jobs = await self._lane.write(queue.claim, JobKind.READ, 1, self._clock.now(), priority=latest())
            if not jobs:
                await self._work.to_read.beyond(told, IDLE_S)
                continue
            await self._hold(jobs, self._do(jobs[0]))

    async def _hold(self, jobs: Sequence[Job], work: Awaitable[None]) -> None:
        """Does what these jobs are about. Those that could not be done go back to the queue."""
        ids = [job.id for job in jobs]
        try:
            await work
        except DiskFull as error:
            log.error("%s", error)
            self._hub.publish("disk.full", detail=str(error))
            await self._until_there_is_room(ids)
        except BaseException:
            await self._lane.write(queue.put_back, ids, self._clock.now())
            raise

    async def _until_there_is_room(self, ids: Sequence[int]) -> None:
        """Nothing can be written: not even that it failed."""
        while True:
            await asyncio.sleep(DISK_FULL_S)
            with suppress(DiskFull):
                await self._lane.write(queue.put_back, ids, self._clock.now())
                return

    async def _do_lot(self, lot: Lot) -> None:
        """Small texts together; those that are not done so then each for itself."""
        began = self._clock.monotonic()
        texts = await self._lots.read(lot)
        try:
            done = await self._commit_lot(lot[0][0].priority, texts) if texts else ()
        except NasdError:
            raise
        except Exception:  # as above: each for itself, the one at fault gets the reason on record
            log.exception("a lot of %d texts was read but could not be kept", len(texts))
            done = ()
        if done:
            took = self._clock.monotonic() - began
            self._work.files.add(len(done), took)
            self._work.rates.add(Task.LIGHT, len(done), took)
        finished = {text.job.id for text in done}
        for job, _ in lot:
            if job.id not in finished:
                await self._lane.write(queue.renew, job.id, self._clock.now())
                await self._do(job)

    async def _commit_lot(self, priority: int, texts: Sequence[TextRead]) -> Sequence[TextRead]:
        """Those that are searchable now."""
        async with self._index.changing:
            outcome = await self._lane.write(
                lots.commit_lot,
                texts,
                fingerprint=self._models.fingerprint,
                priority=min(priority, queue.BACKLOG),
                now=self._clock.now(),
            )
            await self._index.drop_contents(outcome.orphaned)
            for content_id in outcome.revived:
                await self._index.bring_back(content_id)
        if outcome.to_embed:
            self._work.to_embed.set()
        for text in outcome.done:
            path = display_path(text.file.path)
            self._hub.publish("file.searchable", volume=text.file.volume, path=path)
        return outcome.done

    async def _do(self, job: Job) -> None:
        try:
            file = await self._lane.read(files.file_by_id, job.subject_id)
        except NotFound:
            await self._lane.write(queue.finish, job.id)
            return
        if file.parent_id is not None:  # a member is read with all that is in its container
            now = self._clock.now()
            await self._lane.write(queue.hand_over, job.id, JobKind.READ, file.parent_id, queue.BACKLOG, now)
            self._work.to_read.set()
            return
        root = self._root_of(file.volume_id)
        if root is None:
            await self._postpone(job, file)
            return
        began = self._clock.monotonic()
        try:
            await self._commit(job, file, await self._take(job, root, file))
        except ReadError as error:
            if error.temporary and not await self._believed(file.volume_id):
                await self._postpone(job, file)
            else:
                await self._fail(job, file, error)
        except NasdError:
            raise
        except Exception as error:  # one file must not keep all others from being read
            log.exception("%s:%s was read but could not be kept", file.volume, display_path(file.path))
            words = f"nasd itself failed at this file: {type(error).__name__}: {str(error)[:300]}"
            await self._fail(job, file, ReadError(words, reason="crashed", temporary=True))
        took = self._clock.monotonic() - began
        self._work.files.add(1, took)
        self._work.rates.add_file(file.kind, file.size, took)

    async def _postpone(self, job: Job, file: FileRecord) -> None:
        """The volume is frozen or paused: not a failure of the file."""
        later = self._clock.now() + VOLUME_AWAY
        await self._lane.write(queue.postpone, file.volume_id, job.id, later)
        if self._root_of(file.volume_id) is not None:  # came back meanwhile
            await self._lane.write(queue.take_up, file.volume_id, self._clock.now())

    async def _take(self, job: Job, root: str, file: FileRecord) -> Taken:
        handle = await asyncio.to_thread(open_file, root, file.path)
        try:
            stat, kind, digest = await asyncio.to_thread(self._look, handle, file)
            entry = entry_of(kind)
            if entry is None:
                raise unreadable_kind(file, kind)
            new = None
            known = await self._lane.read(contents.find_content, digest, entry.label) is not None
            members: tuple[MemberRead, ...] = ()
            if kind in CONTAINERS:
                unpacked = await self._unpacking.unpack(job, handle, root, file, kind, self._content)
                members = unpacked.members
                if not known:
                    new = await asyncio.to_thread(self._content, unpacked.document, file.path)
            elif not known:
                new = await asyncio.to_thread(self._read, handle, file, kind)
            if not await asyncio.to_thread(unchanged, handle, stat):
                raise ReadError("The file changed while it was read.", reason="changing", temporary=True)
            media_type = file.media_type if kind == file.kind else media_type_of(kind)
            return Taken(
                stat=stat,
                kind=kind,
                media_type=media_type,
                digest=digest,
                reader=entry.label,
                new=new,
                members=members,
            )
        finally:
            os.close(handle)

    def _look(self, handle: int, file: FileRecord) -> tuple[FileStat, str, str]:
        found = os.fstat(handle)
        if found.st_size > self._max_file:
            raise ReadError(
                f"The file has {found.st_size:,} bytes; at most {self._max_file:,} are read (read.max_file).",
                reason="too_large",
            )
        stat = file_stat(file.path, found)
        try:
            kind = sniff(os.pread(handle, HEAD_BYTES, 0), file.kind)
            hasher, at = blake3(), 0
            while chunk := os.pread(handle, HASH_CHUNK, at):
                hasher.update(chunk)
                at += len(chunk)
        except OSError as error:
            raise ReadError(
                f"The disk gave an error: {error.strerror}.", reason="unreadable", temporary=True
            ) from error
        if at != found.st_size:
            raise ReadError("The file changed while it was read.", reason="changing", temporary=True)
        return stat, kind, hasher.hexdigest()

    def _read(self, handle: int, file: FileRecord, kind: str) -> NewContent:
        document = self._extractor.extract(handle, name=display_path(file.path), kind=kind)
        return self._content(document, file.path)

    def _content(self, document: Document, path: bytes) -> NewContent:
        most = self._models.max_tokens
        passages = cut(
            document,
            count_tokens=self._models.count_tokens,
            target_tokens=int(most * TARGET_SHARE),
            max_tokens=int(most * MOST_SHARE),
        )
        return NewContent(
            title=document.title,
            name=PurePosixPath(display_path(path)).stem.replace("_", " "),
            chars=len(document.text),
            notes=document.notes,
            metadata=document.metadata,
            passages=passages,
        )

    async def _commit(self, job: Job, file: FileRecord, taken: Taken) -> None:
        now = self._clock.now()
        async with self._index.changing:
            outcome = await self._lane.write(
                reads.commit_read,
                job_id=job.id,
                file=file,
                read=taken.stat,
                kind=taken.kind,
                media_type=taken.media_type,
                digest=taken.digest,
                reader=taken.reader,
                new=taken.new,
                holds=taken.members,
                fingerprint=self._models.fingerprint,
                priority=min(job.priority, queue.BACKLOG),
                retry_at=next_attempt(job.attempts, temporary=True, now=now),
                now=now,
            )
            await self._after(outcome)
        if outcome.content_id is not None:
            self._hub.publish("file.searchable", volume=file.volume, path=display_path(file.path))

    async def _fail(self, job: Job, file: FileRecord, error: ReadError) -> None:
        now = self._clock.now()
        skipped = error.reason in SKIPPED
        retry_at = None if skipped else next_attempt(job.attempts, temporary=error.temporary, now=now)
        async with self._index.changing:
            outcome = await self._lane.write(
                reads.commit_failure,
                job_id=job.id,
                file=file,
                reason=error.reason,
                detail=str(error),
                skipped=skipped,
                retry_at=retry_at,
                now=now,
            )
            await self._after(outcome)
        kind = "file.skipped" if skipped else "file.failed"
        path = display_path(file.path)
        self._hub.publish(kind, volume=file.volume, path=path, reason=error.reason, detail=error.detail)

    async def _after(self, outcome: ReadOutcome) -> None:
        await self._index.drop_contents(outcome.orphaned)
        if outcome.revived and outcome.content_id is not None:
            await self._index.bring_back(outcome.content_id)
        for content_id in outcome.members_revived:
            await self._index.bring_back(content_id)
        if outcome.to_embed:
            self._work.to_embed.set()
        if outcome.scanned:
            self._work.to_recognise.set()
        if outcome.sounding:
            self._work.to_transcribe.set()
        if outcome.pictured:
            self._work.to_look_at.set()
        if outcome.stale:
            self._work.to_read.set()


def unreadable_kind(file: FileRecord, kind: str) -> ReadError:
    """Why bytes of a kind that no reader reads are not indexed."""
    match kind:
        case "damaged":
            return ReadError(f"It is named like {file.kind} but is not one.", reason="malformed")
        case "locked":
            return ReadError("It is protected by a password.", reason="encrypted")
        case "binary":
            return ReadError("It holds no text.", reason="unsupported")
        case _:
            return ReadError(f"Files of kind {kind} are not read yet.", reason="unsupported")
