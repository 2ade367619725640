"""What handlers may call. `nasd.flows` fulfils these; `daemon/assemble.py` puts them together."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import numpy as np
import numpy.typing as npt

from nasd import wire
from nasd.config import Settings
from nasd.domain.chat import ChatModel, ChatPiece, ChatWish
from nasd.domain.events import Event
from nasd.domain.files import FileBytes, FileRecord, FileState, FileText
from nasd.domain.identity import Caller, Device, Scope
from nasd.domain.jobs import Job
from nasd.domain.known import Evaluation
from nasd.domain.search import Answer, Filters, Mode, SearchResult


class SearchFlow(Protocol):
    async def search(
        self, query: str, *, k: int, mode: Mode, filters: Filters, newest: bool = False
    ) -> SearchResult: ...


class AskFlow(Protocol):
    async def ask(self, question: str, *, filters: Filters, answerer: str) -> Answer:
        """`InvalidRequest` when the answerer asked for is not there."""

    def stream(self, question: str, *, filters: Filters, answerer: str) -> AsyncIterator[tuple[str, object]]:
        """("passages", SearchResult), ("token", str)…, ("citation", Citation)…, ("done", Answer)."""


class ChatFlow(Protocol):
    def models(self) -> Sequence[ChatModel]: ...
    def reply(self, wish: ChatWish) -> AsyncGenerator[ChatPiece, None]:
        """Text bit by bit, last a `ChatEnd`. `NotFound` for a model that is not there, `InvalidRequest`
        without a question."""

    async def embed(self, model: str, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """float32 (n, dimension). `NotFound` for a model that is not there."""


class VolumesFlow(Protocol):
    """`NotFound` for a name that is not there; `Conflict` or `InvalidRequest` for a bad new one."""

    async def list(self) -> Sequence[wire.VolumeOut]: ...
    async def get(self, name: str) -> wire.VolumeOut: ...
    async def add(self, wanted: wire.VolumeIn) -> wire.VolumeOut: ...
    async def remove(self, name: str) -> None: ...
    async def pause(self, name: str) -> wire.VolumeOut: ...
    async def resume(self, name: str) -> wire.VolumeOut: ...
    async def scan(self, name: str) -> wire.VolumeOut:
        """Begins a scan (parked and failed files are tried again) and returns at once."""


class FilesFlow(Protocol):
    """Ids are the catalogue's integers; `NotFound` for one that is not there."""

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
        """Files with id > after_id in the order of their ids. `path` is a glob."""

    async def detail(self, file_id: int) -> wire.FileDetail: ...
    async def text(self, file_id: int) -> FileText:
        """`NotFound` as well when the file has no text yet."""

    async def content(self, file_id: int) -> FileBytes:
        """Where it lies on disk now, with all links in the path resolved (`os.path.realpath`): a path that
        has one is not served. `NotFound` when it is gone or leads out of its volume; `Conflict` for a member
        that cannot be taken out of its container."""

    async def thumbnail(self, file_id: int) -> tuple[bytes, str]:
        """A WebP picture and a digest that changes with it. `NotFound` when there is none."""

    async def why(self, path: str) -> wire.WhyOut:
        """`path` is absolute, or relative to a volume as "volume:path". Never raises for unknown paths."""

    async def why_file(self, file_id: int) -> wire.WhyOut: ...
    async def jobs(self, *, after_id: int, limit: int) -> Sequence[tuple[Job, str]]:
        """Jobs with what they are about, in the order of their ids."""


class StatusFlow(Protocol):
    async def status(self) -> wire.StatusOut: ...
    async def ready(self) -> wire.CheckOut: ...
    async def models(self) -> Sequence[wire.ModelOut]: ...


class ModelsFlow(Protocol):
    async def use(self, name: str, *, force: bool) -> wire.ModelOut:
        """Begins to change the embedding model, in the background. `Conflict` when the settings name another
        one, `NotFound` when there is no such model."""


class EvaluationFlow(Protocol):
    async def measure(self) -> Evaluation:
        """Measures search on the known-item set, now: some seconds. `Conflict` when there is nothing to ask
        for yet, `Unavailable` without an embedding model."""

    async def page(self, *, after_id: int, limit: int) -> Sequence[Evaluation]:
        """Measurements with id > after_id in the order of their ids."""


class DevicesFlow(Protocol):
    async def list(self) -> Sequence[Device]: ...
    async def get(self, name: str) -> Device: ...
    async def add(self, name: str, scopes: frozenset[Scope]) -> tuple[Device, str]:
        """The new device and its token, which is not kept. `Conflict` when the name is taken."""

    async def revoke(self, name: str) -> Device: ...
    async def by_token(self, token: str) -> Caller:
        """`Unauthenticated` for an unknown or revoked token."""


class EventsFlow(Protocol):
    def subscribe(self, after_id: int | None = None) -> AsyncIterator[Event]:
        """Events as they happen; with `after_id`, first those still remembered after it. A subscriber that
        falls far behind loses the oldest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Flows:
    settings: Settings
    started: datetime
    search: SearchFlow
    ask: AskFlow
    volumes: VolumesFlow
    files: FilesFlow
    status: StatusFlow
    devices: DevicesFlow
    events: EventsFlow
    evaluation: EvaluationFlow
    models: ModelsFlow
    chat: ChatFlow
