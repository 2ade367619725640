"""In-memory flows: what handlers call, with a little world to answer from."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from fnmatch import fnmatch
from pathlib import Path

import numpy as np
import numpy.typing as npt

from nasd import render, wire
from nasd.config import Paths, Settings
from nasd.domain.chat import ChatEnd, ChatModel, ChatPiece, ChatWish
from nasd.domain.events import Event
from nasd.domain.files import FileBytes, FileRecord, FileState, FileText, display_path
from nasd.domain.identity import Caller, Device, Scope
from nasd.domain.jobs import Job, JobKind, JobState
from nasd.domain.known import Evaluation
from nasd.domain.passages import Passage, Place, StoredPassage
from nasd.domain.search import (
    Answer,
    Citation,
    Coverage,
    Elsewhere,
    Filters,
    Hit,
    Lane,
    Mode,
    SearchResult,
    Sentence,
)
from nasd.errors import Conflict, InvalidRequest, NotFound, Unauthenticated
from nasd.server.base import Flows

NOW = datetime(2024, 5, 2, 10, 11, 12, tzinfo=UTC)
COVERAGE = Coverage(files=3, searchable=2, semantic=1, pending=1, failed=0, skipped=0)


def file_record(number: int, path: bytes, **changed: object) -> FileRecord:
    known = FileRecord(
        id=number,
        volume_id=1,
        volume="home",
        path=path,
        size=10,
        mtime_ns=1_714_644_672_123_456_789,
        inode=number,
        kind="text",
        media_type="text/plain",
        state=FileState.INDEXED,
        content_id=number,
        first_seen=NOW,
        changed=NOW,
    )
    return replace(known, **changed)  # type: ignore[arg-type]


def passage(number: int, text: str) -> StoredPassage:
    cut = Passage(
        ordinal=0, text=text, gap="", char_start=0, char_end=len(text), place=Place(page=3), tokens=5
    )
    return StoredPassage(id=number, content_id=number, title=None, passage=cut)


class FakeSearch:
    """Finds the word it is told in the first file. `error` is raised instead, once set."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, int, Mode, Filters]] = []
        self.error: Exception | None = None

    async def search(
        self, query: str, *, k: int, mode: Mode, filters: Filters, newest: bool = False
    ) -> SearchResult:
        self.asked.append((query, k, mode, filters))
        if self.error is not None:
            raise self.error
        hit = Hit(
            rank=1,
            score=0.03,
            file=file_record(1, b"Documents/a.txt"),
            passage=passage(35, "the dishwasher warranty"),
            highlights=((4, 14),),
            lanes={Lane.SEMANTIC: 1, Lane.LEXICAL: 4},
            copies=1,
            also=(
                Elsewhere(
                    file=file_record(2, b"Copies/a.txt"), passage=passage(35, "the dishwasher warranty")
                ),
            ),
        )
        return SearchResult(hits=(hit,), coverage=COVERAGE, took_ms=1.5, notes=("by words alone",))


class FakeAsk:
    """Cites one sentence, or abstains for a question about nothing. `breaks` is raised after a token."""

    def __init__(self) -> None:
        self.breaks: Exception | None = None
        self.proceed: asyncio.Event | None = None
        self.ended = asyncio.Event()

    async def ask(self, question: str, *, filters: Filters, answerer: str) -> Answer:
        if answerer == "llm":
            raise InvalidRequest("There is no language model.", fields={"answerer": "extractive is allowed"})
        if "nothing" in question:
            return Answer(text="Nothing found.", abstained=True, answerer="extractive", coverage=COVERAGE)
        found = passage(35, "It runs five years.")
        cited = Citation(
            n=1,
            file=file_record(1, b"Documents/a.txt"),
            passage=found,
            quote="five years",
            quote_start=8,
            quote_end=18,
        )
        return Answer(
            text="It runs five years [1].",
            abstained=False,
            answerer="extractive",
            sentences=(Sentence(text="It runs five years [1].", citations=(1,), supported=True),),
            citations=(cited,),
            coverage=COVERAGE,
            took_ms=2.0,
        )

    async def stream(
        self, question: str, *, filters: Filters, answerer: str
    ) -> AsyncIterator[tuple[str, object]]:
        try:
            answer = await self.ask(question, filters=filters, answerer=answerer)
            yield "passages", await FakeSearch().search(question, k=8, mode=Mode.HYBRID, filters=filters)
            yield "token", "It runs "
            if self.breaks is not None:
                raise self.breaks
            if self.proceed is not None:
                await self.proceed.wait()
            yield "token", "five years\n[1]."
            for citation in answer.citations:
                yield "citation", citation
            yield "done", answer
        finally:
            self.ended.set()


class FakeVolumes:
    def __init__(self) -> None:
        self.kept: dict[str, wire.VolumeOut] = {}

    async def list(self) -> Sequence[wire.VolumeOut]:
        return list(self.kept.values())

    async def get(self, name: str) -> wire.VolumeOut:
        if name not in self.kept:
            raise NotFound(f"There is no volume {name!r}.", cure="nasd volume list shows all.")
        return self.kept[name]

    async def add(self, wanted: wire.VolumeIn) -> wire.VolumeOut:
        name = wanted.name or Path(wanted.path).name
        if name in self.kept:
            raise Conflict(f"There is a volume {name!r} already.", cure="Choose another name.")
        if not wanted.path.startswith("/"):
            raise InvalidRequest("The path is not absolute.", fields={"path": "not absolute"})
        self.kept[name] = wire.VolumeOut(
            name=name,
            path=wanted.path,
            state="active",
            source="api",
            watch=wanted.watch,
            poll_seconds=wanted.poll_seconds,
            ignore=wanted.ignore,
            added=NOW,
            coverage=render.coverage_out(COVERAGE),
        )
        return self.kept[name]

    async def remove(self, name: str) -> None:
        await self.get(name)
        del self.kept[name]

    async def pause(self, name: str) -> wire.VolumeOut:
        return await self._change(name, state="paused")

    async def resume(self, name: str) -> wire.VolumeOut:
        return await self._change(name, state="active")

    async def scan(self, name: str) -> wire.VolumeOut:
        return await self._change(name, scanning=True)

    async def _change(self, name: str, **changed: object) -> wire.VolumeOut:
        self.kept[name] = (await self.get(name)).model_copy(update=changed)
        return self.kept[name]


class FakeFiles:
    """`root` holds the bytes of the files whose paths are known here."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.known: dict[int, FileRecord] = {}
        self.texts: dict[int, str] = {}
        self.tags: dict[int, str] = {}

    def put(self, number: int, path: bytes, data: bytes, **changed: object) -> FileRecord:
        target = Path(self.root, display_path(path))
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
        self.known[number] = file_record(number, path, size=len(data), **changed)
        return self.known[number]

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
        return [
            file
            for number, file in sorted(self.known.items())
            if number > after_id
            and volume in (None, file.volume)
            and state in (None, file.state)
            and kind in (None, file.kind)
            and (path is None or fnmatch(display_path(file.path), path))
        ][:limit]

    async def detail(self, file_id: int) -> wire.FileDetail:
        return render.file_detail(self._get(file_id), digest="00", passages=1, chars=5, reader="text/1")

    async def text(self, file_id: int) -> FileText:
        file = self._get(file_id)
        if file_id not in self.texts:
            raise NotFound("The file has no text yet.")
        return FileText(
            file=file,
            digest="00",
            text=self.texts[file_id],
            passages=1,
            reader="text/1",
            notes=("3 pages have no text",),
            metadata={"author": "A"},
        )

    async def content(self, file_id: int) -> FileBytes:
        file = self._get(file_id)
        return FileBytes(file=file, path=self.root / display_path(file.path), tag=self.tags.get(file_id))

    async def thumbnail(self, file_id: int) -> tuple[bytes, str]:
        file = self._get(file_id)
        if file.kind != "image":
            raise NotFound(f"Files of kind {file.kind} have no thumbnail.")
        return b"RIFF\0\0\0\0WEBP", "d1" * 32

    async def why(self, path: str) -> wire.WhyOut:
        return wire.WhyOut(path=path, verdict="unknown", summary="It lies on no volume.")

    async def why_file(self, file_id: int) -> wire.WhyOut:
        file = self._get(file_id)
        return wire.WhyOut(path=display_path(file.path), verdict="searchable", summary="Read.")

    async def jobs(self, *, after_id: int, limit: int) -> Sequence[tuple[Job, str]]:
        return [
            (
                Job(
                    id=number,
                    kind=JobKind.READ,
                    subject_id=number,
                    state=JobState.WAITING,
                    attempts=0,
                    not_before=NOW,
                    lease_until=None,
                    error=None,
                    created=NOW,
                ),
                display_path(file.path),
            )
            for number, file in sorted(self.known.items())
            if number > after_id
        ][:limit]

    def _get(self, file_id: int) -> FileRecord:
        if file_id not in self.known:
            raise NotFound("There is no such file.")
        return self.known[file_id]


class FakeStatus:
    def __init__(self, volumes: FakeVolumes) -> None:
        self.volumes = volumes
        self.reasons: list[str] = []

    async def status(self) -> wire.StatusOut:
        return wire.StatusOut(
            version="0",
            started=NOW,
            uptime_s=1.0,
            state="ready",
            host="127.0.0.1",
            state_dir="/state",
            memory_bytes=4096,
            volumes=list(self.volumes.kept.values()),
            index=wire.IndexOut(state="ready", vectors=7),
        )

    async def ready(self) -> wire.CheckOut:
        return wire.CheckOut(ready=not self.reasons, reasons=self.reasons)

    async def models(self) -> Sequence[wire.ModelOut]:
        return [
            wire.ModelOut(name="minilm", purpose="embedding", state="ready", dimension=384, active=True),
            wire.ModelOut(name="qwen", purpose="language", state="missing"),
        ]


class FakeEvaluations:
    """Measures the same at once."""

    def __init__(self) -> None:
        self.kept: list[Evaluation] = []

    async def measure(self) -> Evaluation:
        figures = {"recall_at_10": 0.9, "mrr_at_10": 0.8, "p50_ms": 12.0, "p95_ms": 30.0}
        self.kept.append(
            Evaluation(
                id=len(self.kept) + 1,
                at=NOW,
                model="minilm",
                fingerprint="f1",
                queries=150,
                took_s=3.0,
                modes=dict.fromkeys(("hybrid", "semantic", "lexical"), figures),
            )
        )
        return self.kept[-1]

    async def page(self, *, after_id: int, limit: int) -> Sequence[Evaluation]:
        return self.kept[after_id : after_id + limit]


class FakeModels:
    """Knows one model that can be changed to."""

    async def use(self, name: str, *, force: bool) -> wire.ModelOut:
        if name != "other":
            raise NotFound(f"There is no embedding model {name!r}.")
        return wire.ModelOut(
            name=name, purpose="embedding", state="preparing", role="next", detail="forced" if force else None
        )


class FakeDevices:
    def __init__(self) -> None:
        self.kept: dict[str, tuple[Device, str]] = {}

    async def list(self) -> Sequence[Device]:
        return [device for device, _ in self.kept.values()]

    async def get(self, name: str) -> Device:
        if name not in self.kept:
            raise NotFound(f"There is no device {name!r}.")
        return self.kept[name][0]

    async def add(self, name: str, scopes: frozenset[Scope]) -> tuple[Device, str]:
        if name in self.kept:
            raise Conflict(f"There is a device {name!r} already.")
        device = Device(id=len(self.kept) + 1, name=name, scopes=scopes, created=NOW)
        self.kept[name] = device, f"token-of-{name}"
        return self.kept[name]

    async def revoke(self, name: str) -> Device:
        device = replace(await self.get(name), revoked=NOW)
        self.kept[name] = device, self.kept[name][1]
        return device

    async def by_token(self, token: str) -> Caller:
        for device, its_token in self.kept.values():
            if its_token == token and device.revoked is None:
                return Caller(name=device.name, scopes=device.scopes, device_id=device.id)
        raise Unauthenticated("The token is not known, or was revoked.")


class FakeEvents:
    """Remembers what `emit` was given, and passes it on to whoever listens."""

    def __init__(self) -> None:
        self.past: list[Event] = []
        self.queues: list[asyncio.Queue[Event]] = []
        self.subscribed = asyncio.Event()
        self.ended = asyncio.Event()

    def emit(self, kind: str, **data: str | int) -> None:
        event = Event(id=len(self.past) + 1, type=kind, at=NOW, data=data)
        self.past.append(event)
        for queue in self.queues:
            queue.put_nowait(event)

    async def subscribe(self, after_id: int | None = None) -> AsyncIterator[Event]:
        queue: asyncio.Queue[Event] = asyncio.Queue()
        self.queues.append(queue)
        self.subscribed.set()
        try:
            if after_id is not None:
                for event in [event for event in self.past if event.id > after_id]:
                    yield event
            while True:
                yield await queue.get()
        finally:
            self.queues.remove(queue)
            self.ended.set()


class FakeChat:
    """Says `replies` bit by bit, then what the files answered when the model is nasd. `ended` when left."""

    def __init__(self) -> None:
        self.wishes: list[ChatWish] = []
        self.replies = ["It runs ", "five years [1]."]
        self.proceed: asyncio.Event | None = None
        self.ended = asyncio.Event()

    def models(self) -> Sequence[ChatModel]:
        return [
            ChatModel(id="nasd", owner="nasd", purpose="chat"),
            ChatModel(id="tiny", owner="local", purpose="chat"),
        ]

    async def reply(self, wish: ChatWish) -> AsyncGenerator[ChatPiece, None]:
        self.wishes.append(wish)
        if wish.model not in ("nasd", "tiny"):
            raise NotFound(f"There is no model {wish.model!r}.")
        try:
            for piece in self.replies:
                yield piece
                if self.proceed is not None:
                    await self.proceed.wait()
            answer = None
            if wish.model == "nasd":
                answer = await FakeAsk().ask("how long?", filters=Filters(), answerer="auto")
            yield ChatEnd(reason="stop", prompt_tokens=7, completion_tokens=2, answer=answer)
        finally:
            self.ended.set()

    async def embed(self, model: str, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        if model != "all-MiniLM-L6-v2":
            raise NotFound(f"There is no embedding model {model!r}.")
        return np.array([[0.6, 0.8]] * len(texts), np.float32)


class World:
    """All fakes at hand, and `flows` of them as the server takes them. Make it inside a running loop."""

    def __init__(self, root: Path) -> None:
        self.search = FakeSearch()
        self.ask = FakeAsk()
        self.volumes = FakeVolumes()
        self.files = FakeFiles(root)
        self.status = FakeStatus(self.volumes)
        self.devices = FakeDevices()
        self.events = FakeEvents()
        self.evaluation = FakeEvaluations()
        self.models = FakeModels()
        self.chat = FakeChat()
        state = root / "state"
        self.flows = Flows(
            settings=Settings(
                paths=Paths(config_file=root / "nasd.toml", state_dir=state, socket=state / "nasd.sock")
            ),
            started=NOW,
            search=self.search,
            ask=self.ask,
            volumes=self.volumes,
            files=self.files,
            status=self.status,
            devices=self.devices,
            events=self.events,
            evaluation=self.evaluation,
            models=self.models,
            chat=self.chat,
        )

    async def token(self, *scopes: Scope) -> str:
        """The token of a device with these scopes."""
        name = "-".join(["device", *(scope.value for scope in scopes)])
        if name not in self.devices.kept:
            await self.devices.add(name, frozenset(scopes))
        return self.devices.kept[name][1]
