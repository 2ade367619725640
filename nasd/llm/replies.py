"""Replies as they come over HTTP: bounded lines, and the chunks of the OpenAI wire format."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Mapping
from typing import Any

import aiohttp

from nasd.errors import ModelError
from nasd.llm.base import Finish, ModelGone, Piece, Reason, Usage

MOST_LINE = 1 << 20
MOST_REPLY = 64 << 20
"""Bytes. A chunk has a few hundred, and a reply of some thousand tokens a few hundred thousand."""


async def lines(response: aiohttp.ClientResponse) -> AsyncGenerator[bytes, None]:
    """Lines without their ends, as they come. Raises ModelError for more than any reply has."""
    held = bytearray()
    seen = 0
    async for data in response.content.iter_any():
        seen += len(data)
        held += data
        *whole, rest = held.split(b"\n")
        if seen > MOST_REPLY or len(rest) > MOST_LINE:
            raise ModelError("The language model's reply does not end.")
        for line in whole:
            yield bytes(line.rstrip(b"\r"))
        held = bytearray(rest)
    if held:
        yield bytes(held)


async def body(response: aiohttp.ClientResponse, most: int = MOST_LINE) -> bytes:
    """Raises ModelError when it is longer than `most` bytes."""
    held = bytearray()
    async for data in response.content.iter_any():
        held += data
        if len(held) > most:
            raise ModelError("The language model's reply is too long.")
    return bytes(held)


def parsed(data: bytes) -> dict[str, Any]:
    """A JSON object. Raises ModelError."""
    try:
        found = json.loads(data)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise ModelError("The language model's server replies something else than JSON.")
    return found


async def pieces(response: aiohttp.ClientResponse) -> AsyncGenerator[Piece, None]:
    """The pieces of a streamed chat completion, `Finish` the last. Raises ModelGone when it breaks off, and
    ModelError for anything else than such a stream."""
    reason: Reason | None = None
    usage: Usage | None = None
    characters = 0
    async for line in lines(response):
        if not line.startswith(b"data:"):
            continue  # comments and blank lines between events
        data = line[5:].strip()
        if data == b"[DONE]":
            break
        chunk = parsed(data)
        if "error" in chunk:
            raise ModelError(f"The language model failed: {complaint(chunk)}")
        text, ended = _choice(chunk)
        reason = ended or reason
        usage = _usage(chunk) or usage
        if text:
            characters += len(text)
            yield text
    if reason is None:
        raise ModelGone("The language model broke off in the middle of its reply.")
    yield Finish(reason=reason, usage=usage or Usage(prompt_tokens=0, completion_tokens=0))


def complaint(told: Mapping[str, Any]) -> str:
    """What an error reply says, on one line."""
    error = told.get("error", told)
    message = error.get("message") if isinstance(error, dict) else error
    return " ".join(str(message or "no reason is given").split())[:300]


def _choice(chunk: Mapping[str, Any]) -> tuple[str, Reason | None]:
    try:
        choice = chunk["choices"][0]
        text = choice["delta"].get("content") or ""
        ended = choice.get("finish_reason")
    except (KeyError, IndexError, TypeError, AttributeError):
        return "", None  # the last chunk holds the usage alone
    if not isinstance(text, str):
        raise ModelError("The language model replies something else than text.")
    return text, None if not ended else "length" if ended == "length" else "stop"


def _usage(chunk: Mapping[str, Any]) -> Usage | None:
    told, timings = chunk.get("usage"), chunk.get("timings")
    if not isinstance(told, dict):
        return None
    timings = timings if isinstance(timings, dict) else {}
    details = told.get("prompt_tokens_details")
    reused = details.get("cached_tokens") if isinstance(details, dict) else None
    return Usage(
        prompt_tokens=whole(told.get("prompt_tokens")) or 0,
        reused_tokens=whole(reused),
        completion_tokens=whole(told.get("completion_tokens")) or 0,
        prompt_s=_seconds(timings.get("prompt_ms")),
        generate_s=_seconds(timings.get("predicted_ms")),
    )


def whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _seconds(milliseconds: object) -> float | None:
    return milliseconds / 1000 if isinstance(milliseconds, (int, float)) and milliseconds >= 0 else None
