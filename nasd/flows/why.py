"""What nasd knows of a file and why: one path, from the volume down to its vectors."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Literal

from nasd import render, wire
from nasd.domain.files import INSIDE, FileRecord, FileState, Volume, display_path
from nasd.domain.jobs import Job, JobKind, JobState
from nasd.domain.scans import UNREAD_PAGES
from nasd.domain.speech import UNHEARD_FROM, parse_second
from nasd.extract.registry import CONTAINERS
from nasd.flows.admission import Admission
from nasd.flows.models import Models
from nasd.flows.pictures import Pictures
from nasd.flows.speech import Speech
from nasd.flows.volumes import Volumes
from nasd.store import contents, files, members, queue, volumes
from nasd.store.contents import Content
from nasd.store.lane import Lane
from nasd.watch.open import observe
from nasd.watch.rules import Rules
from nasd.watch.scan import explain

Verdict = Literal["searchable", "words only", "pending", "failed", "skipped", "unknown"]


class Why:
    def __init__(
        self,
        lane: Lane,
        models: Models,
        watches: Volumes,
        admission: Admission,
        speech: Speech,
        pictures: Pictures,
    ) -> None:
        self._lane = lane
        self._pictures = pictures
        self._speech = speech
        self._models = models
        self._watches = watches
        self._admission = admission

    async def path(self, path: str) -> wire.WhyOut:
        """`path` is absolute, or "volume:path within it". Never raises for what is not known."""
        found = locate(path, await self._lane.read(volumes.all_volumes))
        if found is None:
            return wire.WhyOut(
                path=path,
                verdict="unknown",
                summary="This path lies in no volume. `nasd volume add` makes its folder one.",
            )
        volume, within = found
        if not within:
            return wire.WhyOut(
                path=path,
                volume=volume.name,
                verdict="unknown",
                summary="This is the volume's own folder, not a file. `nasd volume show` tells of it.",
            )
        file = await self._lane.read(files.file_at, volume.id, within)
        if file is not None:
            return await self.file(file)
        return await self._unseen(volume, within)

    async def file(self, file: FileRecord) -> wire.WhyOut:
        content = None
        if file.content_id is not None:
            content = await self._lane.read(contents.content_by_id, file.content_id)
        # A member that failed is tried again with all of its container.
        failed_in = file.parent_id if file.state is FileState.FAILED else None
        read = await self._lane.read(queue.job_about, JobKind.READ, failed_in or file.id)
        verdict, summary = self._judge(file, content, read)
        holds = await self._lane.read(members.count_members, file.id)
        steps = [
            wire.WhyStep(
                what="seen",
                at=file.first_seen,
                detail=f"in volume {file.volume}, {file.size:,} bytes, kind {file.kind}",
            )
        ]
        if file.state in (FileState.SKIPPED, FileState.FAILED):
            steps.append(wire.WhyStep(what=file.state.value, at=file.changed, detail=file.detail or ""))
        if holds:
            steps.append(
                wire.WhyStep(what="opened", detail=f"{holds:,} files in it, each with its own reason")
            )
        if content is not None:
            steps.append(
                wire.WhyStep(
                    what="read",
                    at=content.created,
                    detail=f"by {content.reader}: {content.chars:,} characters, {content.passages} passages",
                )
            )
            steps += [wire.WhyStep(what="note", detail=note) for note in content.notes]
            if unread := content.metadata.get(UNREAD_PAGES):
                pages = f"its pages {unread} wait" if "pages" in content.metadata else "it waits"
                steps.append(
                    wire.WhyStep(
                        what="text recognition",
                        detail=f"{pages} to be recognised; `nasd status` says whether that is done here",
                    )
                )
            from_s = parse_second(content.metadata.get(UNHEARD_FROM))
            if from_s is not None:
                job = await self._lane.read(queue.job_about, JobKind.SPEECH, content.id)
                steps.append(wire.WhyStep(what="speech", detail=self._speech.why_unheard(from_s, job)))
            job = await self._lane.read(queue.job_about, JobKind.PICTURE, content.id)
            if told := self._pictures.why(content, job):
                steps.append(wire.WhyStep(what="picture", detail=told))
            if content.embedded_by is not None and content.embedded_by == self._models.fingerprint:
                steps.append(wire.WhyStep(what="embedded", detail=f"by {self._models.name}"))
        if read is not None:
            when = {JobState.RUNNING: "being read now", JobState.PARKED: "given up until it changes"}
            text = when.get(read.state, "waits to be read")
            if read.error:
                text += f", after: {read.error}"
            steps.append(wire.WhyStep(what="job", at=read.not_before, detail=text))
        steps.append(wire.WhyStep(what="kept local", detail="nothing of it has been sent anywhere"))
        return wire.WhyOut(
            path=display_path(file.path),
            volume=file.volume,
            verdict=verdict,
            summary=summary,
            steps=steps,
            file=detail_of(file, content),
        )

    def _judge(self, file: FileRecord, content: Content | None, job: Job | None) -> tuple[Verdict, str]:
        match file.state:
            case FileState.SKIPPED:
                return "skipped", f"It is not read: {file.detail}."
            case FileState.FAILED:
                again = job is not None and job.state is JobState.WAITING
                more = " It is tried again later." if again else " It is tried again when it changes."
                return "failed", f"It could not be read: {file.detail}{more}"
            case FileState.PENDING:
                if content is not None:
                    return (
                        "pending",
                        "It has changed and waits to be read; its former text is found meanwhile.",
                    )
                return "pending", "It waits to be read."
        assert content is not None
        if file.kind in CONTAINERS and not content.passages:
            return "searchable", "It was opened; the files in it are known by their own paths."
        if not content.passages and content.metadata.get(UNREAD_PAGES):
            return (
                "searchable",
                "It is found by its name; what words stand in it is not known yet.",
            )
        if not content.passages and content.metadata.get(UNHEARD_FROM):
            return "searchable", "It is found by its name; what is said in it is not known yet."
        if not content.passages and self._pictures.knows(content):
            return "searchable", "It holds no text; it is found by its name and by what it shows."
        if not content.passages:
            return "searchable", "It was read and holds no text."
        if content.embedded_by is None or content.embedded_by != self._models.fingerprint:
            return "words only", "It is found by its words; its vectors are still being made."
        return "searchable", "It is found by its words and by meaning."

    async def _unseen(self, volume: Volume, within: bytes) -> wire.WhyOut:
        def unknown(summary: str, verdict: Verdict = "unknown") -> wire.WhyOut:
            return wire.WhyOut(
                path=display_path(within), volume=volume.name, verdict=verdict, summary=summary
            )

        outer, mark, _ = within.rpartition(INSIDE.encode())
        if mark and await self._lane.read(files.file_at, volume.id, outer) is not None:
            return unknown("The container is known, but no such file in it. It may wait to be opened.")
        watch = self._watches.watch_of(volume.name)
        if watch is not None:
            watch.touched("request")
        rules = watch.rules if watch is not None else Rules.build(volume.ignore)
        try:
            decision = await asyncio.to_thread(explain, volume.path, rules, within)
            stat = await asyncio.to_thread(observe, volume.path, within)
        except OSError as error:
            return unknown(f"It cannot be looked at: {error.strerror or error}.")
        if decision is not None and decision.ignored:
            return unknown(f"It is left out by the ignore rule {decision}.", "skipped")
        if stat is None:
            return unknown("No regular file is there: it is missing, a folder, a link or a special file.")
        admitted = self._admission.admit(volume.name, stat)
        if admitted.skip_reason is not None:
            return unknown(f"It is not read: {admitted.skip_detail}.", "skipped")
        return unknown("It is there but has not been seen yet; a scan finds it.", "pending")


def locate(path: str, known: tuple[Volume, ...]) -> tuple[Volume, bytes] | None:
    """The volume that a path lies in, and the path within it."""
    if not path.startswith("/"):
        name, colon, within = path.partition(":")
        volume = next((one for one in known if one.name == name), None)
        return (volume, os.fsencode(within.strip("/"))) if colon and volume else None
    absolute = os.path.normpath(path)
    real_parent = Path(absolute).parent
    for candidate in dict.fromkeys((absolute, str(real_parent.resolve() / Path(absolute).name))):
        for volume in known:
            if candidate == volume.path:
                return volume, b""
            if candidate.startswith(volume.path.rstrip("/") + "/"):
                return volume, os.fsencode(candidate[len(volume.path.rstrip("/")) + 1 :])
    return None


def detail_of(file: FileRecord, content: Content | None) -> wire.FileDetail:
    if content is None:
        return render.file_detail(file)
    return render.file_detail(
        file,
        digest=content.digest,
        passages=content.passages,
        chars=content.chars,
        reader=content.reader,
        notes=content.notes,
        metadata=content.metadata,
    )
