"""/v1 as OpenAI's clients call it."""

from __future__ import annotations

import asyncio
import base64
import json
import struct
from typing import Any

import pytest

from nasd.domain.identity import Scope
from tests.unit.server.conftest import Site

ASKED = [
    {"role": "system", "content": "Be brief."},
    {
        "role": "user",
        "content": [{"type": "text", "text": "How long?"}, {"type": "image_url", "image_url": {}}],
    },
]


def body(**more: Any) -> dict[str, Any]:
    return {"model": "nasd", "messages": ASKED, "frequency_penalty": 0.1, **more}


async def test_models_are_listed(site: Site) -> None:
    reply = (await site.send("GET", "/v1/models", Scope.ASK)).json()
    assert reply["object"] == "list"
    assert [(one["id"], one["object"]) for one in reply["data"]] == [("nasd", "model"), ("tiny", "model")]


async def test_the_files_answer_with_citations_in_a_field(site: Site) -> None:
    reply = (await site.send("POST", "/v1/chat/completions", Scope.ASK, json=body())).json()
    assert reply["object"] == "chat.completion"
    assert reply["choices"][0]["message"] == {"role": "assistant", "content": "It runs five years [1]."}
    assert reply["choices"][0]["finish_reason"] == "stop"
    assert reply["nasd"]["citations"][0]["quote"] == "five years"
    assert reply["usage"] == {"prompt_tokens": 7, "completion_tokens": 2, "total_tokens": 9}
    assert [(one.role, one.text) for one in site.world.chat.wishes[0].messages] == [
        ("system", "Be brief."),
        ("user", "How long?"),
    ]


async def test_a_reply_bit_by_bit(site: Site) -> None:
    headers = {"Authorization": f"Bearer {await site.world.token(Scope.ASK)}"}
    asked = body(model="tiny", stream=True, stream_options={"include_usage": True}, stop="x", max_tokens=5)
    async with site.http.post(f"{site.url}/v1/chat/completions", json=asked, headers=headers) as response:
        assert response.content_type == "text/event-stream"
        lines = [line.removeprefix("data: ") for line in (await response.text()).split("\n\n") if line]
    assert lines[-1] == "[DONE]"
    chunks = [json.loads(line) for line in lines[:-1]]
    text = [one["choices"][0]["delta"].get("content") for one in chunks if one["choices"]]
    assert text == ["", "It runs ", "five years [1].", None]
    assert chunks[-2]["choices"][0]["finish_reason"] == "stop"
    assert chunks[-1]["usage"]["total_tokens"] == 9
    wish = site.world.chat.wishes[0]
    assert (wish.stop, wish.max_tokens) == (("x",), 5)


async def test_a_reader_that_leaves_ends_the_reply(site: Site) -> None:
    site.world.chat.proceed = asyncio.Event()
    headers = {"Authorization": f"Bearer {await site.world.token(Scope.ASK)}"}
    url = f"{site.url}/v1/chat/completions"
    async with site.http.post(url, json=body(stream=True), headers=headers) as response:
        await response.content.readuntil(b"It runs")
    site.world.chat.proceed.set()
    await asyncio.wait_for(site.world.chat.ended.wait(), 10)


@pytest.mark.parametrize("stream", [False, True])
async def test_a_model_that_is_not_there_is_told_by_the_status(site: Site, stream: bool) -> None:
    asked = body(model="gpt-9", stream=stream)
    reply = await site.send("POST", "/v1/chat/completions", Scope.ASK, json=asked)
    assert reply.status == 404


async def test_vectors_as_numbers_and_as_bytes(site: Site) -> None:
    asked = {"model": "all-MiniLM-L6-v2", "input": ["a", "b"]}
    plain = (await site.send("POST", "/v1/embeddings", Scope.ASK, json=asked)).json()
    packed = (
        await site.send("POST", "/v1/embeddings", Scope.ASK, json=asked | {"encoding_format": "base64"})
    ).json()
    assert [one["index"] for one in plain["data"]] == [0, 1]
    vector = struct.unpack("<2f", base64.b64decode(packed["data"][0]["embedding"]))
    assert plain["data"][0]["embedding"] == pytest.approx(vector)


async def test_too_many_texts_are_refused(site: Site) -> None:
    asked = {"model": "all-MiniLM-L6-v2", "input": ["a"] * 257}
    assert (await site.send("POST", "/v1/embeddings", Scope.ASK, json=asked)).status == 422
