"""The official OpenAI client against a real daemon."""

from __future__ import annotations

from pathlib import Path

import openai
import pytest

from tests.wired.process import DaemonProcess, settled


async def test_the_official_client_talks_to_the_files(daemon: DaemonProcess, folder: Path) -> None:
    daemon.cli("volume", "add", str(folder), "--name", "home")
    token = daemon.cli_json("device", "pair", "chat", "--scope", "ask")["token"]
    async with daemon.client() as client:
        status = await settled(client)
    async with openai.AsyncOpenAI(base_url=f"http://127.0.0.1:{status.port}/v1", api_key=token) as chat:
        names = [model.id async for model in chat.models.list()]
        assert names == ["nasd", "all-MiniLM-L6-v2"]
        asked = [{"role": "user", "content": "How long is the guarantee period of the dishwasher?"}]
        reply = await chat.chat.completions.create(model="nasd", messages=asked)  # type: ignore[arg-type]
        text = reply.choices[0].message.content or ""
        assert "five years" in text
        assert "**Sources**\n\n- [1] home:Letters/warranty.md" in text
        assert reply.model_extra is not None
        assert "five years" in reply.model_extra["nasd"]["citations"][0]["quote"]
        stream = await chat.chat.completions.create(model="nasd", messages=asked, stream=True)  # type: ignore[arg-type]
        assert isinstance(stream, openai.AsyncStream)
        pieces = [chunk.choices[0].delta.content or "" async for chunk in stream if chunk.choices]
        assert "".join(pieces) == text
        vectors = await chat.embeddings.create(model="all-MiniLM-L6-v2", input=["a loaf", "a lease"])
        assert [len(one.embedding) for one in vectors.data] == [384, 384]
        with pytest.raises(openai.NotFoundError):
            await chat.chat.completions.create(model="gpt-9", messages=asked)  # type: ignore[arg-type]
