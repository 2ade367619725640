"""What handlers may call. `nasd.flows` fulfils these; `daemon/assemble.py` puts them together."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from nasd import wire
from nasd.config import Settings
from nasd.domain.events import Event
from nasd.domain.files import FileRecord, FileState, FileText
from nasd.domain.identity import Caller, Device, Scope
from nasd.domain.jobs import Job
from nasd.domain.search import Answer, Filters, Mode, SearchResult


class SearchFlow(Protocol):
    async def search(self, query: str, *, k: int, mode: Mode, filters: Filters) -> SearchResult: ...


class AskFlow(Protocol):
    async def ask(self, question: str, *, filters: Filters, answerer: str) -> Answer:
        """`InvalidRequest` when the answerer asked for is not there."""

    def stream(self, question: str, *, filters: Filters, answerer: str) -> AsyncIterator[tuple[str, object]]:
        """("passages", SearchResult), ("token", str)…, ("citation", Citation)…, ("done", Answer)."""


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

    async def content(self, file_id: int) -> tuple[FileRecord, Path]:
        """The file and where it lies on disk now, with all links in the path resolved (`os.path.realpath`):
        a path that has one is not served. `NotFound` when it is gone or leads out of its volume."""

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
    def models(self) -> Sequence[wire.ModelOut]: ...


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
