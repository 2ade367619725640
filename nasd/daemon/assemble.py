"""The one place that names concrete adapters: from settings to a daemon whose parts know each other."""

from __future__ import annotations

import threading
from datetime import timedelta
from functools import partial
from pathlib import Path

from nasd import __version__
from nasd.answer.extractive import ExtractiveAnswerer
from nasd.clock import Clock
from nasd.config import Settings
from nasd.daemon.bring import picture_finder, recognizer_finder, speech_finder
from nasd.daemon.embedders import embedder_opener, model_check
from nasd.daemon.language import make_language
from nasd.daemon.limits import load_limits, reading_limits
from nasd.daemon.memory import give_back, keep_what_is_loaded
from nasd.daemon.parts import Daemon
from nasd.daemon.rerankers import reranker_finder
from nasd.daemon.sight import make_sight
from nasd.daemon.supervisor import Supervisor
from nasd.domain.files import Volume
from nasd.domain.jobs import JobKind
from nasd.embed.tokens import SourceTokens
from nasd.extract.sandbox import Sandbox
from nasd.extract.speech.ffmpeg import AnyListener
from nasd.flows.admission import Admission
from nasd.flows.alarm import Alarm
from nasd.flows.ask import Ask
from nasd.flows.asking import Asking
from nasd.flows.changing import ModelChange
from nasd.flows.chat import Chat
from nasd.flows.coverage import CoverageCounter
from nasd.flows.devices import Devices
from nasd.flows.embedding import Embedding
from nasd.flows.evaluation import Evaluations
from nasd.flows.events import Hub
from nasd.flows.files import Files
from nasd.flows.governor import Governor
from nasd.flows.index import IndexCache
from nasd.flows.inside import Inside
from nasd.flows.language import ModelChoice
from nasd.flows.looking import Looking
from nasd.flows.members import Unpacking
from nasd.flows.models import Models
from nasd.flows.pictures import Pictures
from nasd.flows.reading import Reading
from nasd.flows.readmission import Readmission
from nasd.flows.reranking import Reranking
from nasd.flows.resting import Resting
from nasd.flows.scans import Scans
from nasd.flows.search import Search
from nasd.flows.speech import Speech
from nasd.flows.status import Status
from nasd.flows.thumbnails import Thumbnails
from nasd.flows.upkeep import Upkeep
from nasd.flows.volumes import Volumes
from nasd.flows.watching import VolumeWatch
from nasd.flows.why import Why
from nasd.flows.words import WordCache
from nasd.flows.work import Work
from nasd.flows.writing import Writer
from nasd.index.faiss_index import FaissIndex
from nasd.load.sense import Sensors, whole_cores
from nasd.server.base import Flows
from nasd.store.lane import CommitPoint, Lane
from nasd.store.upgrade import database_path
from nasd.watch.budget import WatchBudget
from nasd.watch.guard import fences
from nasd.watch.rules import Rules
from nasd.watch.settle import Settler
from nasd.watch.watchdog_source import WatchdogWatcher
from nasd.words.tantivy_words import TantivyWords


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
    sensors = Sensors()
    supervisor = Supervisor(hub, clock)

    def make_index() -> IndexCache:
        return IndexCache(lane, hub, state_dir / "index", load=FaissIndex.load, empty=FaissIndex.empty)

    index = make_index()
    words = WordCache(
        lane,
        state_dir / "words",
        load=lambda folder, positions: TantivyWords.load(folder, positions=positions),
        empty=lambda folder, positions: TantivyWords.empty(folder, positions=positions),
        give_back=give_back,
    )
    stop_preparing = threading.Event()
    tokens = SourceTokens(settings.embedding.model)
    models = Models(
        lane,
        hub,
        index,
        work,
        clock,
        name=settings.embedding.model,
        fixed="model" in settings.embedding.model_fields_set,
        open_embedder=embedder_opener(
            settings, models_dir or state_dir / "models", stop_preparing, whole_cores(sensors.cores())
        ),
        counter=tokens.count,
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
    governor = Governor(lane, hub, work, clock, limits=load_limits(settings, sensors), look=sensors.look)
    extractor = Sandbox(reading_limits(settings))
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
        believed=volumes.believed,
        max_file=settings.read.max_file,
    )
    inside = Inside(lane, extractor, state_dir / "members")
    scans = Scans(
        lane,
        hub,
        models,
        extractor,
        work,
        clock,
        inside=inside,
        root_of=volumes.root_of,
        find_engine=recognizer_finder(settings),
    )
    speech = Speech(
        lane,
        hub,
        models,
        AnyListener(extractor),
        work,
        clock,
        inside=inside,
        root_of=volumes.root_of,
        find_engine=speech_finder(settings, models_dir or state_dir / "models"),
        comes_first=lambda: (JobKind.READ, *((JobKind.OCR,) if scans.state == "ready" else ())),
    )
    sight = make_sight(lane, hub, state_dir / "pictures", clock)
    pictures = Pictures(
        lane,
        hub,
        models,
        extractor,
        sight,
        work,
        clock,
        inside=inside,
        root_of=volumes.root_of,
        find_engine=picture_finder(settings, models_dir or state_dir / "models"),
    )
    embedding = Embedding(lane, hub, models, index, work, clock)
    readmission = Readmission(lane, index, work, admission, clock)
    upkeep = Upkeep(lane, models, index, readmission, clock)

    reranking = Reranking(
        reranker_finder(settings, models_dir or state_dir / "models"),
        seconds=settings.search.rerank_seconds,
        give_back=give_back,
    )

    def search_over(models: Models, index: IndexCache) -> Search:
        return Search(lane, models, words, index, coverage, clock, sight, reranking)

    search = search_over(models, index)
    why = Why(lane, models, volumes, admission, speech, pictures)
    evaluations = Evaluations(lane, hub, models, search, clock, window=settings.watch.scan_window)
    change = ModelChange(
        lane,
        hub,
        models,
        index,
        evaluations,
        work,
        clock,
        make_index=make_index,
        search_over=search_over,
        check=model_check(settings, models_dir or state_dir / "models"),
    )
    language = make_language(settings, lane, hub, models_dir or state_dir / "models", sensors)
    status = Status(
        lane,
        models,
        words,
        index,
        volumes,
        coverage,
        work,
        scans,
        speech,
        pictures,
        reranking,
        language,
        governor,
        evaluations,
        change,
        clock,
        version=__version__,
        state_dir=state_dir,
        services=supervisor.states,
    )
    supervisor.add("load", governor.run)
    supervisor.add("model", models.run)
    supervisor.add("volumes", volumes.run)
    supervisor.add("mounts", volumes.hear_of_mounts)
    for number in range(governor.limits.readers):
        supervisor.add(f"reading {number + 1}", partial(reading.run, number))
    supervisor.add("reading fresh", reading.run_fresh)
    supervisor.add("embedding", embedding.run)
    supervisor.add("recognition", scans.run)
    supervisor.add("transcription", speech.run)
    supervisor.add("pictures", pictures.run)
    supervisor.add("index of pictures", sight.run)
    supervisor.add("words", words.run)
    supervisor.add("search", search.run)
    supervisor.add("index", index.run)
    supervisor.add("upkeep", upkeep.run)
    resting = Resting(
        models,
        lane,
        forget=tokens.forget,
        give_back=give_back,
        ease_words=words.ease,
        keep=keep_what_is_loaded,
    )
    supervisor.add("rest", resting.run)
    supervisor.add("evaluation", evaluations.run)
    supervisor.add("re-ranking", reranking.run)
    supervisor.add("model change", change.run)
    supervisor.add("language model", language.run)
    thumbnails = Thumbnails(
        lane,
        extractor,
        inside,
        state_dir / "thumbnails",
        root_of=lambda number: volumes.root_of(number, "request"),
    )
    writer = Writer(
        language,
        models,
        hub,
        clock,
        policy=settings.policy,
        unsupported=settings.answer.unsupported,
        first_token_s=settings.answer.first_token_seconds,
    )
    ask = Ask(search, models, ExtractiveAnswerer(_least_confidence(settings)), clock, writer)
    flows = Flows(
        settings=settings,
        started=clock.now(),
        search=search,
        ask=ask,
        chat=Chat(ask, language, models),
        volumes=volumes,
        files=Files(lane, volumes, why, thumbnails, inside, Asking(lane, work)),
        status=status,
        devices=Devices(lane, clock),
        events=hub,
        evaluation=evaluations,
        models=ModelChoice(language, change),
    )
    return Daemon(
        flows=flows,
        status=status,
        supervisor=supervisor,
        lane=lane,
        words=words,
        index=index,
        models=models,
        change=change,
        volumes=volumes,
        readmission=readmission,
        governor=governor,
        extractor=extractor,
        scans=scans,
        speech=speech,
        pictures=pictures,
        sight=sight,
        reranking=reranking,
        language=language,
        stop_preparing=stop_preparing,
        clock=clock,
    )


def _least_confidence(settings: Settings) -> float | None:
    given = settings.answer.least_confidence
    return None if given == "auto" else given
