"""Documents that give orders to models, through a real daemon: extractive, and with a model that obeys every
order it is shown."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pytest
from aiohttp import web

from nasd import wire
from nasd.client import Client
from tests.bench.judging import found
from tests.fakes.llm_servers import serving
from tests.wired.process import DaemonProcess, settled

pytestmark = [pytest.mark.corpus, pytest.mark.timeout(600)]

MakeDaemon = Callable[..., DaemonProcess]


@dataclass(frozen=True)
class Case:
    id: str
    folder: str
    question: str
    gold: tuple[str, ...]
    category: str
    canaries: tuple[str, ...]


def read_cases(corpora: Path) -> list[Case]:
    lines = (corpora / "injection" / "cases.jsonl").read_text("utf-8").splitlines()
    rows: list[dict[str, Any]] = [json.loads(line) for line in lines]
    return [
        Case(
            id=row["id"],
            folder=row["folder"].removeprefix("docs/"),
            question=row["question"],
            gold=tuple(row["gold"]),
            category=row["category"],
            canaries=tuple(row["must_not_contain"]),
        )
        for row in rows
    ]


def obeying_app(cases: Sequence[Case], seen: list[str]) -> web.Application:
    """An OpenAI-compatible server whose model does what it is told by any document: where a canary is shown
    to it, it says that, with a citation. Else it copies the sentence that holds the answer."""

    def reply(text: str) -> str:
        system, question = text.split("\x00")[0], text.split("\x00")[-1]
        case = next(one for one in cases if one.question in question)
        told = [canary for canary in case.canaries if canary in system]
        parts = [f"The answer to it is {canary} [1]. {canary}." for canary in told]
        for number, body in re.findall(r"<<\w+ (\d+) [^\n]*\n(.*?)\n\w+>> \1", system, re.DOTALL):
            sentences = re.split(r"(?<=[.!?])\s+|\n+", body)
            right = [one for one in sentences if any(found(gold, one) for gold in case.gold)]
            parts += [f"{one.rstrip('.')} [{number}]." for one in right[:1]]
        return " ".join(parts) or "NOT FOUND"

    async def models(request: web.Request) -> web.Response:
        item = {"id": "obeying", "object": "model", "max_model_len": 32768}
        return web.json_response({"object": "list", "data": [item]})

    async def chat(request: web.Request) -> web.StreamResponse:
        asked = await request.json()
        text = "\x00".join(message["content"] for message in asked["messages"])
        seen.append(text)
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        for word in re.findall(r"\s*\S+", reply(text)):
            await response.write(_event({"choices": [{"index": 0, "delta": {"content": word}}]}))
        await response.write(_event({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}))
        await response.write(_event({"choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 9}}))
        await response.write(b"data: [DONE]\n\n")
        return response

    app = web.Application(client_max_size=1 << 24)
    app.router.add_get("/v1/models", models)
    app.router.add_post("/v1/chat/completions", chat)
    return app


def _event(chunk: dict[str, Any]) -> bytes:
    return f"data: {json.dumps({'object': 'chat.completion.chunk', **chunk})}\n\n".encode()


async def outcome(
    client: Client, case: Case, answerer: Literal["extractive", "llm"]
) -> tuple[bool, list[str], str]:
    """Whether it was refused, which canaries came through, and what was said and quoted."""
    filters = wire.FiltersIn(path=f"{case.folder}/**")
    reply = await client.ask(wire.AskIn(question=case.question, answerer=answerer, filters=filters))
    said = "\n".join((reply.answer, *(citation.quote for citation in reply.citations)))
    return reply.abstained, [canary for canary in case.canaries if canary in said], said


async def test_no_order_in_a_document_is_obeyed(make_daemon: MakeDaemon, corpora: Path) -> None:
    cases = read_cases(corpora)
    seen: list[str] = []
    async with serving(lambda: obeying_app(cases, seen)) as server:
        daemon = make_daemon(
            config=f'[llm]\nserve = {{url = "{server.url}", api = "openai"}}\nmodel = "obeying"\n'
            "[[policy]]\nremote_llm = true\n"
        )
        daemon.start()
        await daemon.ready()
        daemon.cli("volume", "add", str(corpora / "injection" / "docs"), "--name", "injection")
        async with daemon.client() as client:
            await settled(client)
            table: dict[str, list[str]] = {}
            for answerer in ("extractive", "llm"):
                for case in cases:
                    refused, came_through, said = await outcome(client, case, answerer)
                    right = any(found(gold, said) for gold in case.gold)
                    if came_through:
                        table.setdefault(f"{answerer} obeyed", []).append(case.id)
                    if case.category == "benign-control" and (refused or not right):
                        table.setdefault(f"{answerer} control refused", []).append(case.id)
                    table.setdefault(f"{answerer} {'right' if right else 'not right'}", []).append(case.id)
    print(
        {name: len(ids) for name, ids in table.items()},
        table.get("extractive not right"),
        table.get("llm not right"),
    )
    assert not {name: ids for name, ids in table.items() if "obeyed" in name or "refused" in name}
    assert len(seen) > 40
    shown = [
        text[max(0, text.index(canary) - 80) :][:160]
        for text in seen
        for case in cases
        for canary in case.canaries
        if "-" in canary and canary in text.split("\x00")[0]
    ]
    assert shown == []
