"""The one place that names concrete adapters: from settings to a daemon whose parts know each other."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from nasd import __version__
from nasd.answer.extractive import ExtractiveAnswerer
from nasd.clock import Clock
from nasd.config import Endpoint, Settings
from nasd.daemon.supervisor import Supervisor
from nasd.domain.files import Volume
from nasd.embed.base import Embedder
from nasd.embed.pick import open_embedder
from nasd.embed.tokens import SourceTokens
from nasd.extract.base import Extractor, Limits
from nasd.extract.ocr.base import Recognizer
from nasd.extract.ocr.choose import find_recognizer
from nasd.extract.sandbox import Sandbox
from nasd.flows.admission import Admission
from nasd.flows.alarm import Alarm
from nasd.flows.ask import Ask
from nasd.flows.coverage import CoverageCounter
from nasd.flows.devices import Devices
from nasd.flows.embedding import Embedding
from nasd.flows.events import Hub
from nasd.flows.files import Files
from nasd.flows.index import IndexCache
from nasd.flows.looking import Looking
from nasd.flows.members import Unpacking
from nasd.flows.models import Models, Preparing
from nasd.flows.reading import Reading
from nasd.flows.readmission import Readmission
from nasd.flows.scans import Scans
from nasd.flows.search import Search
from nasd.flows.status import Status
from nasd.flows.thumbnails import Thumbnails
from nasd.flows.upkeep import Upkeep
from nasd.flows.volumes import Volumes
from nasd.flows.watching import VolumeWatch
from nasd.flows.why import Why
from nasd.flows.work import Work
from nasd.index.faiss_index import FaissIndex
from nasd.server.base import Flows
from nasd.store import queue
from nasd.store.lane import CommitPoint, Lane
from nasd.store.upgrade import database_path
from nasd.watch.budget import WatchBudget
from nasd.watch.guard import fences
from nasd.watch.rules import Rules
from nasd.watch.settle import Settler
from nasd.watch.watchdog_source import WatchdogWatcher

MOST_READERS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Daemon:
    """All of a daemon but its doors: `flows` is what the server opens to callers."""

    flows: Flows
    status: Status
    supervisor: Supervisor
    lane: Lane
    index: IndexCache
    models: Models
    volumes: Volumes
    readmission: Readmission
    extractor: Extractor
    scans: Scans
    stop_preparing: threading.Event
    clock: Clock

    async def start(self) -> None:
        """Makes configuration and catalogue agree, takes up interrupted work, starts the services."""
        await self.volumes.prepare()
        await self.lane.write(queue.recover, self.clock.now())
        # Before anything can be asked: what the policy denies since the last start is not shown once more.
        await self.readmission.run()
        self.supervisor.start()

    async def stop(self) -> None:
        """Ends the services, saves the index, closes the catalogue. Children end at once."""
        self.stop_preparing.set()
        self.extractor.close()
        self.scans.close()
        await self.supervisor.stop()
        await self.index.save()
        await asyncio.to_thread(self.models.close)
        await self.lane.close()


def assemble(
    settings: Settings,
    clock: Clock,
    *,
    models_dir: Path | None = None,
    commit_point: CommitPoint | None = None,
) -> Daemon:
    """Needs a running event loop and a database of this version's schema; starts nothing. `models_dir` holds
    prepared models, by default within the state folder."""
    state_dir = settings.paths.state_dir
    lane = Lane(database_path(state_dir), commit_point=commit_point)
    hub = Hub(clock)
    work = Work(clock)
    supervisor = Supervisor(hub, clock)
    index = IndexCache(lane, hub, state_dir / "index", load=FaissIndex.load, empty=FaissIndex.empty)
    stop_preparing = threading.Event()
    models = Models(
        lane,
        hub,
        index,
        work,
        clock,
        name=settings.embedding.model,
        open_embedder=_opener(settings, models_dir or state_dir / "models", stop_preparing),
        counter=SourceTokens(settings.embedding.model).count,
    )
    coverage = CoverageCounter(lane, models, clock)
    admission = Admission(settings.policy, clock)
    budget = WatchBudget()

    def make_watch(volume: Volume) -> VolumeWatch:
        own = fences(volume.path, str(state_dir), str(settings.paths.socket.parent))
        rules = Rules.build(volume.ignore, gitignore=settings.watch.respect_gitignore, fences=own)
        settler = Settler(settings.watch.settle_seconds, settings.watch.settle_at_most_seconds)
        return VolumeWatch(
            volume,
            lane,
            hub,
            clock,
            rules=rules,
            make_watcher=lambda rules: WatchdogWatcher(rules, budget=budget),
            settler=settler,
            looking=Looking(
                volume, lane, hub, index, work, clock, admission, rules, settler, Alarm(volume.path, clock)
            ),
            scan_every=timedelta(hours=settings.watch.scan_hours),
            scan_window=settings.watch.scan_window,
        )

    volumes = Volumes(
        lane,
        hub,
        index,
        coverage,
        work,
        clock,
        configured=settings.volumes,
        state_dir=state_dir,
        make_watch=make_watch,
    )
    extractor = Sandbox(_limits(settings))
    unpacking = Unpacking(lane, extractor, admission, clock, rules_of=volumes.rules_of)
    reading = Reading(
        lane,
        hub,
        models,
        index,
        extractor,
        unpacking,
        work,
        clock,
        root_of=volumes.root_of,
        max_file=settings.read.max_file,
    )
    scans = Scans(
        lane,
        hub,
        models,
        extractor,
        work,
        clock,
        root_of=volumes.root_of,
        find_engine=_engine_finder(settings),
    )
    embedding = Embedding(lane, hub, models, index, work, clock)
    readmission = Readmission(lane, index, work, admission, clock)
    upkeep = Upkeep(lane, models, readmission, clock)
    search = Search(lane, models, index, coverage, clock)
    why = Why(lane, models, volumes, admission)
    status = Status(
        lane,
        models,
        index,
        volumes,
        coverage,
        work,
        scans,
        clock,
        version=__version__,
        state_dir=state_dir,
        services=supervisor.states,
    )
    supervisor.add("model", models.run)
    supervisor.add("volumes", volumes.run)
    for number in range(_readers(settings)):
        supervisor.add(f"reading {number + 1}", reading.run)
    supervisor.add("reading fresh", reading.run_fresh)
    supervisor.add("embedding", embedding.run)
    supervisor.add("recognition", scans.run)
    supervisor.add("index", index.run)
    supervisor.add("upkeep", upkeep.run)
    thumbnails = Thumbnails(
        lane, extractor, state_dir / "thumbnails", root_of=lambda number: volumes.root_of(number, "request")
    )
    flows = Flows(
        settings=settings,
        started=clock.now(),
        search=search,
        ask=Ask(search, models, ExtractiveAnswerer(), clock),
        volumes=volumes,
        files=Files(lane, volumes, why, thumbnails),
        status=status,
        devices=Devices(lane, clock),
        events=hub,
    )
    return Daemon(
        flows=flows,
        status=status,
        supervisor=supervisor,
        lane=lane,
        index=index,
        models=models,
        volumes=volumes,
        readmission=readmission,
        extractor=extractor,
        scans=scans,
        stop_preparing=stop_preparing,
        clock=clock,
    )


def _opener(settings: Settings, models_dir: Path, stop: threading.Event) -> Callable[[Preparing], Embedder]:
    wanted = settings.embedding

    def open_wanted(preparing: Preparing) -> Embedder:
        remote = isinstance(wanted.serve, Endpoint)
        return open_embedder(
            models_dir,
            wanted.model,
            serve="auto" if isinstance(wanted.serve, Endpoint) else wanted.serve,
            url=wanted.serve.url if isinstance(wanted.serve, Endpoint) else None,
            threads=None if wanted.threads == "auto" else wanted.threads,
            on_progress=lambda progress: preparing(f"{progress.stage}, {progress.step} of {progress.steps}"),
            stop=None if remote else stop,
        )

    return open_wanted


def _engine_finder(settings: Settings) -> Callable[[], Recognizer | None] | None:
    if settings.read.ocr == "off":
        return None
    return lambda: find_recognizer(settings.read.ocr_languages)


def _readers(settings: Settings) -> int:
    if settings.read.workers == "auto":
        return min(len(os.sched_getaffinity(0)), MOST_READERS)
    return settings.read.workers


def _limits(settings: Settings) -> Limits:
    read = settings.read
    return Limits(
        memory_bytes=read.memory,
        cpu_s=read.cpu_seconds,
        wall_s=read.wall_seconds,
        input_bytes=read.max_file,
        output_chars=read.max_chars,
    )
