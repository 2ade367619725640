"""Somebody asks after a file: what is still to be done of it comes before what nobody asked for."""

from __future__ import annotations

from nasd.domain.files import FileRecord
from nasd.domain.jobs import JobKind
from nasd.flows.work import Signal, Work
from nasd.store import queue
from nasd.store.lane import Lane


class Asking:
    def __init__(self, lane: Lane, work: Work) -> None:
        self._lane = lane
        self._signals: dict[JobKind, Signal] = {
            JobKind.READ: work.to_read,
            JobKind.EMBED: work.to_embed,
            JobKind.OCR: work.to_recognise,
            JobKind.SPEECH: work.to_transcribe,
            JobKind.PICTURE: work.to_look_at,
        }

    async def hasten(self, file: FileRecord) -> None:
        """A member waits for its container to be read."""
        for kind, signal in self._signals.items():
            subject = file.content_id if kind is not JobKind.READ else file.parent_id or file.id
            if subject is None or await self._lane.read(queue.job_about, kind, subject) is None:
                continue
            if await self._lane.write(queue.hasten, kind, subject):
                signal.set()
