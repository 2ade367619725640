"""Language model servers on loopback, in the wire formats of OpenAI (as vLLM and llama-server have it) and of
Ollama, and the ways such servers go wrong."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

from aiohttp import web

from tests.fakes.tiny_gguf import REPLY

WORDS = [word if position == 0 else f" {word}" for position, word in enumerate(REPLY.split(" "))]
MODEL = "tiny"
CONTEXT = 4096


@dataclass
class Script:
    """What a server does, and what it saw. `seen` are the requests for completions."""

    endless: bool = False
    status: int = 200
    error: str = "no reason"
    breaks_after: int | None = None  # words
    silent: bool = False  # accepts, and says nothing
    counting: Literal["vllm", "llama", "none"] = "none"
    tells_context: bool = True
    thinks: bool = False
    cloud: bool = False
    key: str | None = None
    seen: list[dict[str, Any]] = field(default_factory=list)
    left: asyncio.Event = field(default_factory=asyncio.Event)  # a caller went away before the end
    open: list[asyncio.Transport] = field(default_factory=list)
    answering: int = 0
    most_answering: int = 0


def count(messages: list[dict[str, str]]) -> int:
    return sum(len(one["content"].split()) + 4 for one in messages)


class _Broken(Exception):
    pass


async def _words(script: Script, limit: int) -> AsyncIterator[str]:
    made = 0
    while made < limit and (script.endless or made < len(WORDS)):
        if script.breaks_after is not None and made >= script.breaks_after:
            raise _Broken
        yield WORDS[made % len(WORDS)]
        made += 1
        await asyncio.sleep(0.002 if script.endless else 0)


async def _stream(
    request: web.Request, script: Script, kind: str, lines: AsyncIterator[str]
) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": kind})
    await response.prepare(request)
    transport = request.transport
    assert transport is not None
    script.open.append(transport)
    script.answering += 1
    script.most_answering = max(script.most_answering, script.answering)
    try:
        if script.silent:
            await asyncio.Event().wait()
        async for line in lines:
            await response.write(line.encode())
    except (ConnectionError, asyncio.CancelledError):
        script.left.set()
        raise
    except _Broken:
        transport.abort()
    finally:
        script.open.remove(transport)
        script.answering -= 1
    return response


def _refuses(request: web.Request, script: Script) -> web.Response | None:
    if script.key is not None and request.headers.get("Authorization") != f"Bearer {script.key}":
        return web.json_response({"error": {"message": "wrong key"}}, status=401)
    return None


def openai_app(script: Script) -> web.Application:
    async def models(request: web.Request) -> web.Response:
        if (refusal := _refuses(request, script)) is not None:
            return refusal
        item: dict[str, Any] = {"id": MODEL, "object": "model"}
        if script.tells_context and script.counting == "none":
            item["max_model_len"] = CONTEXT
        return web.json_response({"object": "list", "data": [{"id": "other"}, item]})

    async def tokenize(request: web.Request) -> web.Response:
        asked = await request.json()
        if script.counting == "vllm":
            return web.json_response({"count": count(asked["messages"]), "max_model_len": CONTEXT})
        if script.counting == "llama":
            return web.json_response({"tokens": list(range(len(asked.get("content", "").split())))})
        return web.json_response({"error": "not found"}, status=404)

    async def template(request: web.Request) -> web.Response:
        if script.counting != "llama":
            return web.json_response({"error": "not found"}, status=404)
        messages = (await request.json())["messages"]
        return web.json_response({"prompt": " ".join(f"a b c d {one['content']}" for one in messages)})

    async def props(request: web.Request) -> web.Response:
        if script.counting != "llama":
            return web.json_response({"error": "not found"}, status=404)
        return web.json_response({"default_generation_settings": {"n_ctx": CONTEXT}})

    async def chat(request: web.Request) -> web.StreamResponse:
        if (refusal := _refuses(request, script)) is not None:
            return refusal
        asked = await request.json()
        script.seen.append(asked)
        if script.status != 200:
            return web.json_response({"error": {"message": script.error}}, status=script.status)

        async def lines() -> AsyncIterator[str]:
            made = 0
            yield _event({"choices": [{"index": 0, "delta": {"role": "assistant", "content": None}}]})
            yield ": a comment\n\n"
            if script.thinks:
                yield _event({"choices": [{"index": 0, "delta": {"reasoning_content": "Hm."}}]})
            async for word in _words(script, asked["max_tokens"]):
                made += 1
                yield _event({"choices": [{"index": 0, "delta": {"content": word}, "finish_reason": None}]})
            reason = "stop" if made == len(WORDS) and not script.endless else "length"
            yield _event({"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]})
            usage = {"prompt_tokens": count(asked["messages"]), "completion_tokens": made}
            yield _event({"choices": [], "usage": usage | {"prompt_tokens_details": {"cached_tokens": 1}}})
            yield "data: [DONE]\n\n"

        return await _stream(request, script, "text/event-stream", lines())

    app = web.Application()
    app.router.add_get("/v1/models", models)
    app.router.add_get("/props", props)
    app.router.add_post("/tokenize", tokenize)
    app.router.add_post("/apply-template", template)
    app.router.add_post("/v1/chat/completions", chat)
    return app


def ollama_app(script: Script) -> web.Application:
    async def version(request: web.Request) -> web.Response:
        return web.json_response({"version": "0.13.0"})

    async def show(request: web.Request) -> web.Response:
        if (await request.json())["model"] != MODEL:
            return web.json_response({"error": "model not found"}, status=404)
        told: dict[str, Any] = {
            "model_info": {"general.architecture": "llama", "llama.context_length": 131072}
        }
        if script.cloud:
            told["remote_host"] = "https://example.invalid"
        return web.json_response(told)

    async def chat(request: web.Request) -> web.StreamResponse:
        asked = await request.json()
        script.seen.append(asked)
        if script.status != 200:
            return web.json_response({"error": script.error}, status=script.status)

        async def lines() -> AsyncIterator[str]:
            made = 0
            async for word in _words(script, asked["options"]["num_predict"]):
                made += 1
                message = {"role": "assistant", "content": word}
                yield json.dumps({"model": MODEL, "message": message, "done": False}) + "\n"
            reason = "stop" if made == len(WORDS) and not script.endless else "length"
            told = {
                "message": {"role": "assistant", "content": ""},
                "done": True,
                "done_reason": reason,
                "prompt_eval_count": count(asked["messages"]),
                "prompt_eval_duration": 1_000_000,
                "eval_count": made,
                "eval_duration": 2_000_000,
            }
            yield json.dumps(told) + "\n"

        return await _stream(request, script, "application/x-ndjson", lines())

    app = web.Application()
    app.router.add_get("/api/version", version)
    app.router.add_post("/api/show", show)
    app.router.add_post("/api/chat", chat)
    return app


def _event(chunk: dict[str, Any]) -> str:
    return f"data: {json.dumps({'object': 'chat.completion.chunk', **chunk})}\n\n"


class Serving:
    """A server that can be taken down, with all connections broken, and brought up again at its place."""

    def __init__(self, make_app: Callable[[], web.Application]) -> None:
        self._make_app = make_app
        self._runner: web.AppRunner | None = None
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    async def up(self) -> None:
        self._runner = web.AppRunner(self._make_app(), handler_cancellation=True, shutdown_timeout=0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port, reuse_address=True)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def down(self) -> None:
        if self._runner is not None:
            runner, self._runner = self._runner, None
            await runner.cleanup()


@asynccontextmanager
async def serving(make_app: Callable[[], web.Application]) -> AsyncIterator[Serving]:
    server = Serving(make_app)
    await server.up()
    try:
        yield server
    finally:
        await server.down()
