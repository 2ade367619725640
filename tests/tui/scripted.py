"""A daemon that follows a script: what it answers, a record of what it was asked, and what goes wrong."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from nasd import wire
from nasd.errors import NasdError, Unavailable
from tests.tui.specimens import NOW, WARRANTY, answer, coverage, events, file, hits, status, volume


class ScriptedDaemon:
    """Answers from its attributes. `calls` records what was asked; `refusals` maps a method to the error that
    it raises; `away` makes it unreachable."""

    def __init__(self) -> None:
        self.answers_status = status()
        self.found = wire.SearchOut(hits=hits(), coverage=coverage(1204, 1204, 1180, failed=3), took_ms=18.4)
        self.answers = answer()
        self.text = "Chapter one.\n" + "x" * 5107 + WARRANTY + "\nThe end."
        self.calls: list[tuple[str, Any]] = []
        self.refusals: dict[str, NasdError] = {}
        self.away: NasdError | None = None
        self.remembered = events()
        self.connections = 0
        self._news = asyncio.Condition()

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[ScriptedDaemon]:
        self.connections += 1
        yield self

    def asked(self, name: str) -> list[Any]:
        return [given for called, given in self.calls if called == name]

    async def happen(self, *news: wire.EventOut) -> None:
        async with self._news:
            self.remembered += news
            self._news.notify_all()

    async def leave(self) -> None:
        self.away = Unavailable("No daemon answers at /run/nasd/nasd.sock.", cure="Start it with `nasd run`.")
        await self.happen()

    def come_back(self) -> None:
        self.away = None

    def _called(self, name: str, given: Any = None) -> None:
        self.calls.append((name, given))
        if self.away is not None:
            raise self.away
        if name in self.refusals:
            raise self.refusals[name]

    async def status(self) -> wire.StatusOut:
        self._called("status")
        return self.answers_status

    async def add_volume(self, wanted: wire.VolumeIn, /) -> wire.VolumeOut:
        self._called("add_volume", wanted)
        added = volume(wanted.name or wanted.path.rsplit("/", 1)[-1], path=wanted.path, scanning=True)
        self._replace_volumes([*self.answers_status.volumes, added])
        return added

    async def remove_volume(self, name: str, /) -> None:
        self._called("remove_volume", name)
        self._replace_volumes([one for one in self.answers_status.volumes if one.name != name])

    async def pause_volume(self, name: str, /) -> wire.VolumeOut:
        self._called("pause_volume", name)
        return self._change(name, state="paused")

    async def resume_volume(self, name: str, /) -> wire.VolumeOut:
        self._called("resume_volume", name)
        return self._change(name, state="active")

    async def scan_volume(self, name: str, /) -> wire.VolumeOut:
        self._called("scan_volume", name)
        return self._change(name, scanning=True)

    async def search(self, wanted: wire.SearchIn, /) -> wire.SearchOut:
        self._called("search", wanted)
        return self.found

    async def ask_stream(self, wanted: wire.AskIn, /) -> AsyncIterator[tuple[str, dict[str, Any]]]:
        self._called("ask_stream", wanted)
        yield "passages", self.found.model_dump(mode="json")
        for word in self.answers.answer.split(" "):
            yield "token", {"text": word + " "}
        for citation in self.answers.citations:
            yield "citation", citation.model_dump(mode="json")
        yield "done", self.answers.model_dump(mode="json")

    async def files(
        self, *, volume: str | None = None, state: str | None = None, limit: int | None = None
    ) -> wire.Page[wire.FileEntry]:
        self._called("files", (volume, state))
        entries = [
            wire.FileEntry(
                **file(failed.path, volume=failed.volume).model_dump(),
                state="failed",
                reason=failed.reason,
                detail=failed.detail,
                first_seen=failed.at,
                changed=failed.at,
            )
            for failed in self.answers_status.recent_failures
            if failed.volume == volume
        ]
        return wire.Page[wire.FileEntry](items=entries[:limit])

    async def file_text(self, file_id: str, /) -> wire.FileTextOut:
        self._called("file_text", file_id)
        return wire.FileTextOut(id=file_id, text=self.text, passages=9, reader="pdf/1", digest="0" * 64)

    async def why(self, path: str, /) -> wire.WhyOut:
        self._called("why", path)
        name, _, inside = path.partition(":")
        return wire.WhyOut(
            path=inside,
            volume=name,
            verdict="failed",
            summary="It was found, but reading it failed.",
            steps=[
                wire.WhyStep(what="seen", at=NOW - timedelta(minutes=13), detail="Found by the scan."),
                wire.WhyStep(
                    what="read", at=NOW - timedelta(minutes=12), detail="The document asks for a password."
                ),
            ],
        )

    async def events(self, after: int | None = None, /) -> AsyncIterator[wire.EventOut]:
        told = after or 0
        while True:
            self._called("events", after)
            for event in [one for one in self.remembered if one.id > told]:
                told = event.id
                yield event
            async with self._news:
                await self._news.wait()

    def _replace_volumes(self, volumes: list[wire.VolumeOut]) -> None:
        self.answers_status = self.answers_status.model_copy(update={"volumes": volumes})

    def _change(self, name: str, **changes: Any) -> wire.VolumeOut:
        changed = [
            one.model_copy(update=changes) if one.name == name else one for one in self.answers_status.volumes
        ]
        self._replace_volumes(changed)
        return next(one for one in changed if one.name == name)
