"""The parts of a daemon that is assembled: how they start together and end in order."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass

from nasd.clock import Clock
from nasd.daemon.supervisor import Supervisor
from nasd.extract.base import Extractor
from nasd.flows.changing import ModelChange
from nasd.flows.governor import Governor
from nasd.flows.index import IndexCache
from nasd.flows.language import Language
from nasd.flows.models import Models
from nasd.flows.pictures import Pictures
from nasd.flows.readmission import Readmission
from nasd.flows.reranking import Reranking
from nasd.flows.scans import Scans
from nasd.flows.sight import Sight
from nasd.flows.speech import Speech
from nasd.flows.status import Status
from nasd.flows.volumes import Volumes
from nasd.flows.words import WordCache
from nasd.server.base import Flows
from nasd.store import queue
from nasd.store.lane import Lane


@dataclass(frozen=True, slots=True, kw_only=True)
class Daemon:
    """All of a daemon but its doors: `flows` is what the server opens to callers."""

    flows: Flows
    status: Status
    supervisor: Supervisor
    lane: Lane
    words: WordCache
    index: IndexCache
    models: Models
    change: ModelChange
    volumes: Volumes
    readmission: Readmission
    governor: Governor
    extractor: Extractor
    scans: Scans
    speech: Speech
    pictures: Pictures
    sight: Sight
    reranking: Reranking
    language: Language
    stop_preparing: threading.Event
    clock: Clock

    async def start(self) -> None:
        """Makes configuration and catalogue agree, takes up interrupted work, starts the services."""
        await self.volumes.prepare()
        await self.lane.write(queue.recover, self.clock.now())
        await self.words.open()
        # Before anything can be asked: what the policy denies since the last start is not shown once more.
        await self.readmission.run()
        self.supervisor.start()

    async def stop(self) -> None:
        """Ends the services, saves the index, closes the catalogue. Children end at once."""
        self.stop_preparing.set()
        self.extractor.close()
        self.scans.close()
        self.speech.close()
        self.pictures.close()
        self.reranking.close()
        await self.supervisor.stop()
        await self.governor.save()
        await self.words.close()
        await self.index.save()
        await self.sight.close()
        await self.language.close()
        await self.change.close()
        await asyncio.to_thread(self.models.close)
        await self.lane.close()
