"""The dashboard's numbers, and whether the daemon is ready."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

from nasd import render, wire
from nasd.clock import Clock
from nasd.flows.changing import ModelChange
from nasd.flows.coverage import CoverageCounter
from nasd.flows.eta import eta_s, work_out
from nasd.flows.evaluation import Evaluations
from nasd.flows.governor import Governor, sentence
from nasd.flows.index import IndexCache
from nasd.flows.language import Language
from nasd.flows.models import Models
from nasd.flows.pictures import Pictures
from nasd.flows.rates import Task
from nasd.flows.reranking import Reranking
from nasd.flows.scans import Scans
from nasd.flows.speech import Speech
from nasd.flows.volumes import Volumes
from nasd.flows.words import WordCache
from nasd.flows.work import Work
from nasd.store import files, queue
from nasd.store.lane import Lane

FAILURES_SHOWN = 10
NO_ENGINE = (
    "No text recognition is installed: `sudo apt install tesseract-ocr` (with tesseract-ocr-deu and the like "
    "for further languages); it is taken up within ten minutes."
)


class Status:
    def __init__(
        self,
        lane: Lane,
        models: Models,
        words: WordCache,
        index: IndexCache,
        volumes: Volumes,
        coverage: CoverageCounter,
        work: Work,
        scans: Scans,
        speech: Speech,
        pictures: Pictures,
        reranking: Reranking,
        language: Language,
        governor: Governor,
        evaluations: Evaluations,
        change: ModelChange,
        clock: Clock,
        *,
        version: str,
        state_dir: Path,
        services: Callable[[], dict[str, str]],
    ) -> None:
        self._lane = lane
        self._models = models
        self._words = words
        self._index = index
        self._volumes = volumes
        self._coverage = coverage
        self._work = work
        self._scans = scans
        self._speech = speech
        self._pictures = pictures
        self._reranking = reranking
        self._language = language
        self._governor = governor
        self._evaluations = evaluations
        self._change = change
        self._clock = clock
        self._version = version
        self._state_dir = state_dir
        self._services = services
        self._started = clock.now()
        self.state: Literal["starting", "ready", "stopping"] = "starting"
        self.host = ""
        self.port: int | None = None

    async def models(self) -> Sequence[wire.ModelOut]:
        return [
            *await self._change.describe(),
            *self._speech.describe(),
            *self._pictures.describe(),
            *self._reranking.describe(),
            *await self._language.describe(),
        ]

    async def ready(self) -> wire.CheckOut:
        reasons = []
        if self.state != "ready":
            reasons.append(f"the daemon is {self.state}")
        reasons += [
            f"service {name}: {state}" for name, state in self._services().items() if state != "running"
        ]
        return wire.CheckOut(ready=not reasons, reasons=reasons)

    async def status(self) -> wire.StatusOut:
        # Work moves from hints to jobs, and from preparing to jobs: asked in this order, it is never missed.
        unsettled, scanning = self._work.unsettled(), self._work.scanning()
        # An index that is being opened or rebuilt is work before meaning is complete, too.
        opening = int(
            self._models.state in ("missing", "preparing") or self._index.state in ("loading", "rebuilding")
        )
        counts = await self._lane.read(queue.count_jobs, self._clock.now())
        partly = sum(self._work.embedded.values()) if counts.embed else 0
        counts = replace(counts, embed_passages=max(counts.embed_passages - partly, 0))
        failures = await self._lane.read(files.recent_failures, FAILURES_SHOWN)
        files_per_s, passages_per_s = self._work.files.rate(), self._work.passages.rate()
        ocr = await self._ocr()
        # Without an engine, pages wait for their owner to install one; nobody waits for that.
        recognition = counts.ocr if ocr.state in ("ready", "starting") else 0
        spoken = await self._speech.out()
        transcription = counts.speech if spoken.state in ("ready", "starting") else 0
        seen = await self._pictures.out()
        looking = counts.pictures if seen.state in ("ready", "starting") else 0
        # Counted after the jobs, which leave their words to be taken over in the transaction that ends them.
        wording = await self._words.waiting()
        searchable = counts.read + unsettled + recognition + transcription + wording
        left_out = {
            task
            for task, left in (
                (Task.RECOGNISE, recognition),
                (Task.TRANSCRIBE, transcription),
                (Task.LOOK, looking),
            )
            if not left
        }
        work = work_out(
            counts, self._work.rates.per_s, self._work.turns.verdict, left_out=frozenset(left_out)
        )
        measured = await self._evaluations.latest()
        now = self._clock.now()
        # Counted after the queue was: once nothing is pending, the numbers say so too.
        await self._coverage.by_volume(fresh=True)
        return wire.StatusOut(
            version=self._version,
            started=self._started,
            uptime_s=round((now - self._started).total_seconds(), 1),
            state=self.state,
            host=self.host,
            port=self.port,
            state_dir=str(self._state_dir),
            state_bytes=await asyncio.to_thread(_bytes_in, self._state_dir),
            memory_bytes=resident_bytes(),
            volumes=list(await self._volumes.list()),
            coverage=render.coverage_out(await self._coverage.total()),
            queue=wire.QueueOut(
                settling=unsettled,
                words=wording,
                scanning=scanning,
                read=counts.read,
                embed=counts.embed,
                embed_passages=counts.embed_passages,
                retry=counts.retry,
                parked=counts.parked,
                files_per_s=round(files_per_s, 2),
                passages_per_s=round(passages_per_s, 2),
                eta_s=eta_s(work),
            ),
            work=work,
            load=self._load(),
            ocr=ocr,
            speech=spoken,
            pictures=seen,
            index=wire.IndexOut(state=self._index.state, vectors=len(self._index), kind=self._index.kind),
            # At a glance: not those that could be fetched.
            models=[
                one for one in await self.models() if one.state != "missing" or one.purpose != "language"
            ],
            evaluation=None if measured is None else render.evaluation_out(measured),
            recent_failures=[
                wire.FailureOut(
                    id=render.encode_file_id(file.id),
                    volume=file.volume,
                    path=render.file_out(file).path,
                    reason=file.reason,
                    detail=file.detail,
                    at=file.changed,
                )
                for file in failures
            ],
            services=self._services(),
            pending_searchable=searchable,
            pending_semantic=searchable + counts.embed + opening + looking,
            pending_recognition=recognition + transcription,
            pending_pictures=looking,
        )

    def _load(self) -> wire.LoadOut:
        verdict, machine, limits = self._work.turns.verdict, self._governor.machine, self._governor.limits
        return wire.LoadOut(
            detail=sentence(verdict),
            readers=min(verdict.readers, limits.readers),
            cores=round(machine.cores, 2),
            on_battery=machine.on_battery,
            celsius=machine.celsius,
            others_busy=round(verdict.busy_share, 2),
            memory_bytes=machine.own,
            memory_limit=limits.memory,
            memory_available=machine.available,
        )

    async def _ocr(self) -> wire.OcrOut:
        scans = self._scans
        waiting = 0 if scans.state == "off" else await scans.waiting()
        return wire.OcrOut(
            state=scans.state,
            engine=scans.engine.name if scans.engine is not None else None,
            detail=NO_ENGINE if scans.state == "missing" and waiting else None,
            waiting=waiting,
            pages_per_s=round(self._work.pages.rate(), 2),
        )


def resident_bytes() -> int:
    """What this process has in memory."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return 0


def _bytes_in(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.lstat().st_size
        except OSError:
            continue
    return total
