"""/v1: chats, models and embeddings for OpenAI's clients."""

from __future__ import annotations

import base64
import json
import logging
import secrets
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Any

from aiohttp import web

from nasd import render
from nasd.domain.chat import ChatEnd, ChatPiece, ChatWish, Said
from nasd.domain.identity import Scope
from nasd.errors import InvalidRequest, NasdError
from nasd.server import streams
from nasd.server.parts import PARTS
from nasd.server.problems import problem_of
from nasd.server.routes import Call, Routes
from nasd.wire_openai import (
    ChatIn,
    ChatOut,
    Choice,
    Embedding,
    EmbeddingsIn,
    EmbeddingsOut,
    ModelCard,
    ModelCards,
    ReplyMessage,
    Usage,
)

log = logging.getLogger(__name__)
routes = Routes("openai")

MOST_TEXTS = 256
_ROLES = {"system": "system", "developer": "system", "user": "user", "assistant": "assistant"}


@routes.route(
    "GET", "/v1/models", scope=Scope.ASK, summary="The models that can be asked for", reply=ModelCards
)
async def models(call: Call) -> ModelCards:
    created = int(call.flows.started.timestamp())
    return ModelCards(
        data=[ModelCard(id=one.id, created=created, owned_by=one.owner) for one in call.flows.chat.models()]
    )


@routes.route(
    "POST",
    "/v1/chat/completions",
    scope=Scope.ASK,
    summary="A reply of the files (model nasd) or of the bare language model; with `stream` bit by bit",
    body=ChatIn,
    reply=ChatOut,
    media=(streams.EVENT_STREAM,),
    cost=10,
    stream=True,
)
async def chat(call: Call) -> ChatOut | web.StreamResponse:
    given = call.given(ChatIn)
    wish = _wish(given, "" if call.caller is None else call.caller.name)
    reply_id, created = f"chatcmpl-{secrets.token_hex(12)}", int(call.flows.started.timestamp())
    pieces = call.flows.chat.reply(wish)
    if not given.stream:
        return await _whole(pieces, reply_id, created, given.model)
    try:
        first = await anext(pieces, None)  # what is wrong from the start is answered by its status
    except BaseException:
        await streams.close(pieces)
        raise
    frames = _frames(first, pieces, given, reply_id, created)
    return await streams.send(call.request, frames, keep_alive_s=call.request.app[PARTS].keep_alive_s)


@routes.route(
    "POST",
    "/v1/embeddings",
    scope=Scope.ASK,
    summary="Vectors of texts by the model that search uses",
    body=EmbeddingsIn,
    reply=EmbeddingsOut,
    cost=5,
)
async def embeddings(call: Call) -> EmbeddingsOut:
    given = call.given(EmbeddingsIn)
    texts = [given.input] if isinstance(given.input, str) else given.input
    if not 0 < len(texts) <= MOST_TEXTS:
        raise InvalidRequest(
            f"From one to {MOST_TEXTS} texts are embedded at once.", fields={"input": "too few or too many"}
        )
    vectors = await call.flows.chat.embed(given.model, texts)
    as_text = given.encoding_format == "base64"
    data = [
        Embedding(
            index=index,
            embedding=base64.b64encode(row.astype("<f4").tobytes()).decode() if as_text else row.tolist(),
        )
        for index, row in enumerate(vectors)
    ]
    words = sum(len(text.split()) for text in texts)
    return EmbeddingsOut(data=data, model=given.model, usage={"prompt_tokens": words, "total_tokens": words})


def _wish(given: ChatIn, asker: str) -> ChatWish:
    said: list[Said] = []
    for one in given.messages:
        role = _ROLES.get(one.role)
        if role == "system":
            said.append(Said(role="system", text=one.words))
        elif role == "user":
            said.append(Said(role="user", text=one.words))
        elif role == "assistant":
            said.append(Said(role="assistant", text=one.words))
    stop = (given.stop,) if isinstance(given.stop, str) else tuple(given.stop or ())
    return ChatWish(
        model=given.model,
        messages=said,
        max_tokens=given.max_completion_tokens or given.max_tokens,
        temperature=given.temperature or 0.0,
        top_p=1.0 if given.top_p is None else given.top_p,
        seed=given.seed,
        stop=stop,
        asker=asker,
    )


async def _whole(pieces: AsyncGenerator[ChatPiece, None], reply_id: str, created: int, model: str) -> ChatOut:
    text: list[str] = []
    end = ChatEnd(reason="stop")
    async with aclosing(pieces):
        async for piece in pieces:
            if isinstance(piece, str):
                text.append(piece)
            else:
                end = piece
    return ChatOut(
        id=reply_id,
        created=created,
        model=model,
        choices=[Choice(message=ReplyMessage(content="".join(text)), finish_reason=end.reason)],
        usage=_usage(end),
        nasd=None if end.answer is None else render.answer_out(end.answer),
    )


async def _frames(
    first: ChatPiece | None,
    pieces: AsyncGenerator[ChatPiece, None],
    given: ChatIn,
    reply_id: str,
    created: int,
) -> AsyncIterator[bytes]:
    def chunk(delta: dict[str, Any] | None, reason: str | None = None, **more: Any) -> bytes:
        choices = [] if delta is None else [{"index": 0, "delta": delta, "finish_reason": reason}]
        told = {
            "id": reply_id,
            "object": "chat.completion.chunk",
            "created": created,
            "model": given.model,
            "choices": choices,
            **more,
        }
        return f"data: {json.dumps(told, ensure_ascii=False)}\n\n".encode()

    def of(piece: ChatPiece) -> list[bytes]:
        if isinstance(piece, str):
            return [chunk({"content": piece})]
        answer = None if piece.answer is None else render.answer_out(piece.answer).model_dump(mode="json")
        more = {} if answer is None else {"nasd": answer}
        told = [chunk({}, piece.reason, **more)]
        if given.stream_options is not None and given.stream_options.include_usage:
            told.append(chunk(None, usage=_usage(piece).model_dump()))
        return told

    try:
        yield chunk({"role": "assistant", "content": ""})
        if first is not None:
            for told in of(first):
                yield told
        async for piece in pieces:
            for told in of(piece):
                yield told
        yield b"data: [DONE]\n\n"
    except NasdError as error:
        yield _broken(error)
    except Exception:
        log.exception("a reply broke off")
        yield _broken(NasdError("The reply broke off."))
    finally:
        await streams.close(pieces)


def _broken(error: NasdError) -> bytes:
    problem = problem_of(error)
    told = {"error": {"message": problem.detail, "type": problem.code, "code": problem.code}}
    return f"data: {json.dumps(told, ensure_ascii=False)}\n\n".encode()


def _usage(end: ChatEnd) -> Usage:
    return Usage(
        prompt_tokens=end.prompt_tokens,
        completion_tokens=end.completion_tokens,
        total_tokens=end.prompt_tokens + end.completion_tokens,
    )
