"""What a container holds, member by member: judged like files, read in the confined child, kept ahead.

Nothing of it is to be seen before all of it is: the caller's transaction makes the members rows. What was
read by then stays in the catalogue even so, and is found there when an interrupted container is read again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from nasd.clock import Clock
from nasd.domain.files import INSIDE, RULE, FileRecord, FileStat
from nasd.domain.jobs import Job
from nasd.domain.passages import Document
from nasd.errors import ReadError
from nasd.extract.base import Extractor, Found, Hashed, Member, Members
from nasd.extract.kinds import kind_of, media_type_of
from nasd.flows.admission import Admission
from nasd.store import contents, members, queue
from nasd.store.changes import Seen
from nasd.store.contents import NewContent
from nasd.store.lane import Lane
from nasd.store.members import MemberRead
from nasd.watch.rules import Decision, Rules
from nasd.watch.scan import descend

RENEWED_EVERY_S = 60.0
SKIPPED = frozenset({"unsupported", "too_large"})
"""Reasons that are none of a failure: the file is as it should be, and is not read."""

MakeContent = Callable[[Document, bytes], NewContent]
"""From what was read, and its path, what is to be kept; runs in a thread."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unpacked:
    """`document` is the container's own: of a mail its text, of an archive nothing but notes."""

    document: Document
    members: tuple[MemberRead, ...]


class Unpacking:
    def __init__(
        self,
        lane: Lane,
        extractor: Extractor,
        admission: Admission,
        clock: Clock,
        *,
        rules_of: Callable[[str], Rules],
    ) -> None:
        """`rules_of` gives a volume's ignore rules by its name."""
        self._lane = lane
        self._extractor = extractor
        self._admission = admission
        self._clock = clock
        self._rules_of = rules_of

    async def unpack(
        self, job: Job, handle: int, root: str, file: FileRecord, kind: str, make: MakeContent
    ) -> Unpacked:
        """Reads everything in the container behind `handle`. The job's lease is renewed meanwhile. Raises
        `ReadError` when the container itself cannot be read."""
        judge = await asyncio.to_thread(self._judge, root, file)
        talk = self._extractor.unpack(handle, name=file.path.decode("utf-8", "replace"), kind=kind)
        found: list[MemberRead] = []
        answer: bool | None = None
        renewed = self._clock.monotonic()
        try:
            while (told := await _next(talk, answer)) is not None:
                answer = None
                if isinstance(told, Found):
                    seen = judge(told)
                    answer = seen.skip_reason is None
                    if not answer:
                        found.append(_left_out(seen))
                elif isinstance(told, Hashed):
                    known = await self._lane.read(contents.find_content, told.digest, told.reader)
                    answer = known is None
                elif told.found.path:
                    found.append(await self._record(told, file, make))
                else:
                    assert told.document is not None
                    return Unpacked(document=told.document, members=tuple(found))
                if self._clock.monotonic() - renewed > RENEWED_EVERY_S:
                    renewed = self._clock.monotonic()
                    await self._lane.write(queue.renew, job.id, self._clock.now())
        finally:
            await asyncio.to_thread(talk.close)
        raise ReadError("The reading process told of no end.", reason="crashed")

    def _judge(self, root: str, file: FileRecord) -> Callable[[Found], Seen]:
        """How members are treated: by the ignore rules where the container lies, and by the policy."""
        try:
            rules = descend(root, self._rules_of(file.volume), file.path)
        except OSError as error:
            raise ReadError(
                f"The ignore rules around the file cannot be read: {error.strerror or error}.",
                reason="unreadable",
                temporary=True,
            ) from error
        folders: dict[bytes, Decision | None] = {}

        def judge(found: Found) -> Seen:
            path = path_of(file.path, found.path)
            stat = FileStat(
                path=path,
                size=found.size,
                mtime_ns=file.mtime_ns if found.mtime_ns is None else found.mtime_ns,
                inode=0,
            )
            ignored = rules if isinstance(rules, Decision) else _ignored(rules, file.path, path, folders)
            if ignored is not None:
                return self._admission.skipped(stat, RULE, f"left out by the ignore rule {ignored}")
            return self._admission.admit(file.volume, stat)

        return judge

    async def _record(self, told: Member, file: FileRecord, make: MakeContent) -> MemberRead:
        path = path_of(file.path, told.found.path)
        kind = told.hashed.kind if told.hashed is not None else told.found.kind
        promised = kind_of(path)
        media_type = promised.media_type if kind == promised.name else media_type_of(kind)
        mtime_ns = file.mtime_ns if told.found.mtime_ns is None else told.found.mtime_ns
        if told.error is not None or told.hashed is None:
            error = told.error or ReadError("Nothing was told of it.", reason="crashed")
            return MemberRead(
                path=path,
                size=told.found.size,
                mtime_ns=mtime_ns,
                kind=kind,
                media_type=media_type,
                skipped=error.reason in SKIPPED,
                reason=error.reason,
                detail=str(error),
                temporary=error.temporary,
            )
        if told.document is not None:
            new = await asyncio.to_thread(make, told.document, path)
            await self._lane.write(
                members.keep_content, told.hashed.digest, told.hashed.reader, new, self._clock.now()
            )
        return MemberRead(
            path=path,
            size=told.found.size,
            mtime_ns=mtime_ns,
            kind=kind,
            media_type=media_type,
            digest=told.hashed.digest,
            reader=told.hashed.reader,
        )


def path_of(container: bytes, inner: str) -> bytes:
    return container + INSIDE.encode() + inner.encode()


def _left_out(seen: Seen) -> MemberRead:
    return MemberRead(
        path=seen.stat.path,
        size=seen.stat.size,
        mtime_ns=seen.stat.mtime_ns,
        kind=seen.kind,
        media_type=seen.media_type,
        skipped=True,
        reason=seen.skip_reason,
        detail=seen.skip_detail,
    )


def _ignored(
    rules: Rules, container: bytes, path: bytes, folders: dict[bytes, Decision | None]
) -> Decision | None:
    """The decision that keeps a member out: about a folder on the way to it, or about itself."""
    at = path.find(b"/", len(container) + len(INSIDE))
    while at >= 0:
        folder = path[:at]
        if folder not in folders:
            folders[folder] = rules.ignores(folder, folder=True)
        if (decision := folders[folder]) is not None:
            return decision
        at = path.find(b"/", at + 1)
    return rules.ignores(path, folder=False)


async def _next(talk: Members, answer: bool | None) -> Found | Hashed | Member | None:
    """One step of the conversation, in a thread. It is over before this returns, even if cancelled: nothing
    else may touch the generator or the file meanwhile."""

    def step() -> Found | Hashed | Member | None:
        try:
            return talk.send(answer)
        except StopIteration:
            return None

    running = asyncio.ensure_future(asyncio.to_thread(step))
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        await asyncio.wait([running])
        raise
