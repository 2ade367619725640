"""The routes as methods. Each returns a model of `nasd.wire` and raises what `Connection.send` raises."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

from pydantic import BaseModel, ValidationError

from nasd import wire
from nasd.client.connection import Connection, connect
from nasd.client.problems import error_from
from nasd.client.stream import frames
from nasd.errors import NasdError, Unavailable

M = TypeVar("M", bound=BaseModel)
ASK_TIMEOUT_S = 600.0
"""A language model on a small machine takes minutes for a long answer."""

EVALUATE_TIMEOUT_S = 1800.0
"""Some hundred searches, beside indexing on a slow machine."""


class Client:
    """A daemon, reached over its owner's socket or over the network. Made by `Client.open`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        *,
        socket: Path | None = None,
        url: str | None = None,
        token: str | None = None,
        ca_file: Path | None = None,
    ) -> AsyncIterator[Client]:
        """Either `socket` (no token needed) or `url` with `token`; `ca_file` (PEM) replaces the system's
        trust for https. Connects with the first request. `ConfigError` for an address that is none."""
        async with connect(socket=socket, url=url, token=token, ca_file=ca_file) as connection:
            yield cls(connection)

    @property
    def where(self) -> str:
        """The daemon's address, for a person."""
        return self._connection.where

    async def status(self) -> wire.StatusOut:
        return await self._get("/api/v1/status", wire.StatusOut)

    async def ready(self) -> wire.CheckOut:
        """Not ready is an answer here, with its reasons, and no error."""
        async with self._connection.send("GET", "/readyz", accepted=frozenset({503})) as response:
            return self._parsed(await response.read(), wire.CheckOut)

    async def volumes(self) -> list[wire.VolumeOut]:
        return await self._walk("/api/v1/volumes", wire.Page[wire.VolumeOut])

    async def volume(self, name: str) -> wire.VolumeOut:
        return await self._get(f"/api/v1/volumes/{_segment(name)}", wire.VolumeOut)

    async def add_volume(self, wanted: wire.VolumeIn) -> wire.VolumeOut:
        return await self._send("POST", "/api/v1/volumes", wire.VolumeOut, body=wanted)

    async def remove_volume(self, name: str) -> None:
        async with self._connection.send("DELETE", f"/api/v1/volumes/{_segment(name)}"):
            pass

    async def pause_volume(self, name: str) -> wire.VolumeOut:
        return await self._send("POST", f"/api/v1/volumes/{_segment(name)}/pause", wire.VolumeOut)

    async def resume_volume(self, name: str) -> wire.VolumeOut:
        return await self._send("POST", f"/api/v1/volumes/{_segment(name)}/resume", wire.VolumeOut)

    async def scan_volume(self, name: str) -> wire.VolumeOut:
        """Returns once the scan has begun."""
        return await self._send("POST", f"/api/v1/volumes/{_segment(name)}/scan", wire.VolumeOut)

    async def search(self, wanted: wire.SearchIn) -> wire.SearchOut:
        return await self._send("POST", "/api/v1/search", wire.SearchOut, body=wanted)

    async def ask(self, wanted: wire.AskIn) -> wire.AskOut:
        """The whole answer, whatever `wanted.stream` says."""
        whole = wanted.model_copy(update={"stream": False})
        return await self._send("POST", "/api/v1/ask", wire.AskOut, body=whole, timeout_s=ASK_TIMEOUT_S)

    async def ask_stream(self, wanted: wire.AskIn) -> AsyncGenerator[tuple[str, dict[str, Any]], None]:
        """("passages", SearchOut), ("token", {"text"})…, ("citation", CitationOut)…, ("done", AskOut), each
        as the dictionary of its JSON. An `error` of the daemon is raised, and so is a stream that ends
        before `done`."""
        async with self._connection.send(
            "POST",
            "/api/v1/ask",
            body=wanted.model_copy(update={"stream": True}),
            headers={"Accept": "text/event-stream"},
            timeout_s=None,
        ) as response:
            async for frame in frames(response.content.iter_any()):
                if frame.event == "error":
                    raise error_from(500, frame.data, where=f"The daemon at {self.where}")
                yield frame.event, json.loads(frame.data)
                if frame.event == "done":
                    return
        raise Unavailable(f"The daemon at {self.where} broke the answer off.", cure="Ask again.")

    async def files(
        self,
        *,
        volume: str | None = None,
        path: str | None = None,
        state: str | None = None,
        kind: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> wire.Page[wire.FileEntry]:
        """One page; `path` is a glob over paths within volumes. The next: `cursor=page.next_cursor`."""
        given = {
            "volume": volume,
            "path": path,
            "state": state,
            "kind": kind,
            "limit": None if limit is None else str(limit),
            "cursor": cursor,
        }
        query = {name: value for name, value in given.items() if value is not None}
        return await self._get("/api/v1/files", wire.Page[wire.FileEntry], query=query)

    async def file(self, file_id: str) -> wire.FileDetail:
        return await self._get(f"/api/v1/files/{_segment(file_id)}", wire.FileDetail)

    async def file_text(self, file_id: str) -> wire.FileTextOut:
        return await self._get(f"/api/v1/files/{_segment(file_id)}/text", wire.FileTextOut)

    async def why(self, path: str) -> wire.WhyOut:
        """`path` is absolute on the daemon's machine, or "volume:path"; bytes that are not UTF-8 go as
        `\\xNN`, as they come back everywhere."""
        shown = path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
        return await self._get("/api/v1/why", wire.WhyOut, query={"path": shown})

    async def events(self, after: int | None = None) -> AsyncGenerator[wire.EventOut, None]:
        """What happens, as it happens; with `after`, first what is still remembered after that event. Ends
        when the daemon stops; connecting again (after the last id seen) is the caller's."""
        headers = {"Accept": "text/event-stream"}
        if after is not None:
            headers["Last-Event-ID"] = str(after)
        async with self._connection.send(
            "GET", "/api/v1/events", headers=headers, timeout_s=None
        ) as response:
            async for frame in frames(response.content.iter_any()):
                yield self._parsed(frame.data, wire.EventOut)

    async def jobs(self) -> list[wire.JobOut]:
        return await self._walk("/api/v1/jobs", wire.Page[wire.JobOut])

    async def models(self) -> list[wire.ModelOut]:
        return await self._walk("/api/v1/models", wire.Page[wire.ModelOut])

    async def use_model(self, wanted: wire.ModelUse) -> wire.ModelOut:
        """Returns once the change has begun."""
        return await self._send("POST", "/api/v1/models/use", wire.ModelOut, body=wanted)

    async def evaluations(self) -> list[wire.EvaluationOut]:
        return await self._walk("/api/v1/evaluations", wire.Page[wire.EvaluationOut])

    async def evaluate(self) -> wire.EvaluationOut:
        """Measures search on the owner's own documents, now."""
        return await self._send(
            "POST", "/api/v1/evaluations", wire.EvaluationOut, timeout_s=EVALUATE_TIMEOUT_S
        )

    async def devices(self) -> list[wire.DeviceOut]:
        return await self._walk("/api/v1/devices", wire.Page[wire.DeviceOut])

    async def device(self, name: str) -> wire.DeviceOut:
        return await self._get(f"/api/v1/devices/{_segment(name)}", wire.DeviceOut)

    async def add_device(self, wanted: wire.DeviceIn) -> wire.DeviceToken:
        """The only time its token is shown."""
        return await self._send("POST", "/api/v1/devices", wire.DeviceToken, body=wanted)

    async def revoke_device(self, name: str) -> wire.DeviceOut:
        return await self._send("DELETE", f"/api/v1/devices/{_segment(name)}", wire.DeviceOut)

    async def openapi(self) -> dict[str, Any]:
        async with self._connection.send("GET", "/openapi.json") as response:
            document: dict[str, Any] = json.loads(await response.read())
        return document

    async def _get(self, path: str, model: type[M], *, query: Mapping[str, str] | None = None) -> M:
        return await self._send("GET", path, model, query=query)

    async def _send(
        self,
        method: str,
        path: str,
        model: type[M],
        *,
        query: Mapping[str, str] | None = None,
        body: BaseModel | None = None,
        timeout_s: float = 60.0,
    ) -> M:
        async with self._connection.send(
            method, path, query=query, body=body, timeout_s=timeout_s
        ) as response:
            return self._parsed(await response.read(), model)

    async def _walk(self, path: str, form: type[wire.Page[M]]) -> list[M]:
        found: list[M] = []
        query = {"limit": "200"}
        while True:
            page = await self._get(path, form, query=query)
            found += page.items
            if page.next_cursor is None:
                return found
            query["cursor"] = page.next_cursor

    def _parsed(self, body: bytes | str, model: type[M]) -> M:
        try:
            return model.model_validate_json(body)
        except ValidationError as error:
            raise NasdError(
                f"The daemon at {self.where} answered in a form that this program does not know.",
                cure="Use the same version of nasd on both sides.",
            ) from error


def _segment(text: str) -> str:
    """One path segment, whatever is in it. "", "." and ".." would name another route, so that they are asked
    for as names that nothing has."""
    return quote(text if text.strip(".") else f"{text} ", safe="")
