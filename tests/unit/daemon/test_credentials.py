"""The key of an embedding server: read where it is kept, sent, and nowhere to be seen."""

from __future__ import annotations

import logging
import threading
from pathlib import Path
from typing import Any

import pytest

from nasd.config import load
from nasd.daemon.embedders import embedder_opener
from nasd.embed.source import DEFAULT_MODEL
from nasd.errors import ConfigError, ModelError
from tests.fakes.embedding_server import Reply, embedding_server, embeddings

SECRET = "sk-very-secret"


def test_the_key_reaches_the_server_and_no_log_or_error(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    sent: list[str | None] = []

    def answer(request: dict[str, Any], headers: dict[str, str]) -> Reply:
        sent.append(headers.get("Authorization"))
        return embeddings(request, headers) if len(sent) == 1 else (401, {}, SECRET.encode())

    with embedding_server(answer) as url:
        config = tmp_path / "nasd.toml"
        config.write_text(f'[embedding]\nserve = {{url = "{url}", credentials = "embedder"}}\n', "utf-8")
        settings = load(config, tmp_path / "state", {})
        opener = embedder_opener(settings, tmp_path / "models", threading.Event(), 1)
        with pytest.raises(ConfigError, match="embedder is not there"):
            opener(DEFAULT_MODEL, lambda stage: None)
        key = tmp_path / "credentials" / "embedder"
        key.parent.mkdir()
        key.write_text(f"{SECRET}\n", "ascii")
        key.chmod(0o600)
        embedder = opener(DEFAULT_MODEL, lambda stage: None)
        with pytest.raises(ModelError, match="status 401") as raised:
            embedder.embed_query("words")
        embedder.close()
    assert sent == [f"Bearer {SECRET}"] * 2
    assert SECRET not in caplog.text + str(raised.value) + repr(raised.value) + str(embedder.info)
