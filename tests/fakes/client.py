"""A client without a daemon: each method answers with what the test has put there, or raises it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from nasd import wire

MOMENT = datetime(2024, 5, 2, 10, 11, 12, tzinfo=UTC)


class Steps(list[Any]):
    """Answers for one call after another; the last one stays."""


class ScriptedClient:
    """`answers` maps a method's name to what it returns, to an exception, to a function of its
    arguments, or to `Steps` of these. `calls` records (method, arguments)."""

    def __init__(self, **answers: Any) -> None:
        self.answers = answers
        self.calls: list[tuple[str, tuple[Any, ...]]] = []

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name not in self.answers:
            raise AttributeError(name)

        async def answer(*arguments: Any) -> Any:
            self.calls.append((name, arguments))
            given = self.answers[name]
            if isinstance(given, Steps):
                given = given.pop(0) if len(given) > 1 else given[0]
            if callable(given):
                given = given(*arguments)
            if isinstance(given, BaseException):
                raise given
            return given

        return answer

    async def ask_stream(self, wanted: wire.AskIn) -> AsyncIterator[tuple[str, dict[str, Any]]]:
        self.calls.append(("ask_stream", (wanted,)))
        for event in self.answers["stream"]:
            yield event

    @asynccontextmanager
    async def open(self) -> AsyncIterator[ScriptedClient]:
        yield self


def file_out(path: str = "Documents/bosch.pdf", **fields: Any) -> wire.FileOut:
    given: dict[str, Any] = {
        "id": "f_1",
        "volume": "home",
        "path": path,
        "kind": "pdf",
        "media_type": "application/pdf",
        "size": 83112,
        "modified": MOMENT,
    }
    return wire.FileOut(**given | fields)


def passage_out(text: str, **place: Any) -> wire.PassageOut:
    return wire.PassageOut(
        id="p_1", text=text, place=wire.PlaceOut(**place), char_start=0, char_end=len(text)
    )


def hit_out(rank: int = 1, text: str = "The warranty runs five years.", **fields: Any) -> wire.HitOut:
    given: dict[str, Any] = {
        "rank": rank,
        "score": 0.03,
        "file": file_out(),
        "passage": passage_out(text, page=3),
        "highlights": [(4, 12)],
        "lanes": {"semantic": 1},
    }
    return wire.HitOut(**given | fields)


def search_out(*hits: wire.HitOut, **fields: Any) -> wire.SearchOut:
    coverage = wire.CoverageOut(files=12, searchable=12, semantic=10, pending=2)
    given: dict[str, Any] = {"hits": list(hits), "coverage": coverage, "took_ms": 18.4}
    return wire.SearchOut(**given | fields)


def answer_out(*, abstained: bool = False) -> wire.AskOut:
    citation = wire.CitationOut(
        n=1,
        file=file_out(),
        passage=passage_out("Guarantee period: 5 years", page=3),
        quote="5 years",
        quote_start=18,
        quote_end=25,
    )
    return wire.AskOut(
        answer="No evidence in the files." if abstained else "Five years [1].",
        abstained=abstained,
        answerer="extractive",
        citations=[] if abstained else [citation],
        nearest=[hit_out()] if abstained else [],
        coverage=wire.CoverageOut(files=1),
        took_ms=5,
    )


def volume_out(name: str = "home", **fields: Any) -> wire.VolumeOut:
    given: dict[str, Any] = {
        "name": name,
        "path": f"/srv/{name}",
        "state": "active",
        "source": "api",
        "watch": "auto",
        "poll_seconds": 300,
        "ignore": [],
        "added": MOMENT,
    }
    return wire.VolumeOut(**given | fields)


def status_out(**fields: Any) -> wire.StatusOut:
    given: dict[str, Any] = {
        "version": "0.1.0",
        "started": MOMENT,
        "uptime_s": 90.0,
        "state": "ready",
        "host": "127.0.0.1",
        "port": 8477,
        "state_dir": "/var/lib/nasd",
        "index": wire.IndexOut(state="ready", vectors=7, kind="flat"),
    }
    return wire.StatusOut(**given | fields)


def model_out(state: str = "ready", **fields: Any) -> wire.ModelOut:
    given: dict[str, Any] = {
        "name": "all-MiniLM-L6-v2",
        "purpose": "embedding",
        "state": state,
        "active": True,
    }
    return wire.ModelOut(**given | fields)
