"""What the terminal UI asks of a daemon. `nasd.client.Client` fulfils it; tests script it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

from nasd import wire


class Daemon(Protocol):
    """Every method raises `nasd.errors.NasdError`; `Unavailable` when no daemon can be reached."""

    async def status(self) -> wire.StatusOut: ...
    async def add_volume(self, wanted: wire.VolumeIn, /) -> wire.VolumeOut: ...
    async def remove_volume(self, name: str, /) -> None: ...
    async def pause_volume(self, name: str, /) -> wire.VolumeOut: ...
    async def resume_volume(self, name: str, /) -> wire.VolumeOut: ...
    async def scan_volume(self, name: str, /) -> wire.VolumeOut: ...
    async def search(self, wanted: wire.SearchIn, /) -> wire.SearchOut: ...
    def ask_stream(self, wanted: wire.AskIn, /) -> AsyncIterator[tuple[str, dict[str, Any]]]:
        """("passages", SearchOut), ("token", {"text"})…, ("citation", CitationOut)…, ("done", AskOut), each
        as the dictionary of its JSON."""

    async def files(
        self, *, volume: str | None = None, state: str | None = None, limit: int | None = None
    ) -> wire.Page[wire.FileEntry]: ...
    async def file_text(self, file_id: str, /) -> wire.FileTextOut: ...

    async def why(self, path: str, /) -> wire.WhyOut: ...
    def events(self, after: int | None = None, /) -> AsyncIterator[wire.EventOut]:
        """Events still remembered after that id, then those that happen."""


Connect = Callable[[], AbstractAsyncContextManager[Daemon]]
