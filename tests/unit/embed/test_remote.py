from __future__ import annotations

import json
import socket
from typing import Any

import numpy as np
import pytest

from nasd.embed.remote import RemoteEmbedder
from nasd.errors import ConfigError, ModelError
from tests.fakes.embedder import HashingEmbedder
from tests.fakes.embedding_server import Reply, embedding_server, embeddings

KEY = "sk-a-secret-key"


def test_vectors_are_the_servers_put_in_order_and_normalised() -> None:
    texts = [f"text number {number}" for number in range(70)]
    with embedding_server() as url:
        embedder = RemoteEmbedder(url + "/", "hashing")
        vectors = embedder.embed_documents(texts)
        embedder.close()
    assert np.allclose(vectors, HashingEmbedder(64).embed_documents(texts), atol=1e-5)
    assert embedder.info.dimension == 64


def test_the_fingerprint_names_server_and_model() -> None:
    with embedding_server() as one, embedding_server() as other:
        prints = {
            RemoteEmbedder(one, "a").info.fingerprint,
            RemoteEmbedder(one, "b").info.fingerprint,
            RemoteEmbedder(other, "a").info.fingerprint,
        }
        assert len(prints) == 3
        assert RemoteEmbedder(one, "a").info.fingerprint in prints


def test_the_key_is_sent_and_never_told() -> None:
    seen = []

    def checked(request: dict[str, Any], headers: dict[str, str]) -> Reply:
        seen.append(headers.get("Authorization"))
        return embeddings(request, headers) if headers.get("Authorization") else (401, {}, KEY.encode())

    with embedding_server(checked) as url:
        RemoteEmbedder(url, "hashing", api_key=KEY)
        with pytest.raises(ModelError, match="status 401") as refused:
            RemoteEmbedder(url, "hashing")
    assert seen == [f"Bearer {KEY}", None]
    assert KEY not in str(refused.value)


@pytest.mark.parametrize(
    ("status", "body", "complaint"),
    [
        (500, b"", "status 500"),
        (404, b"{}", "status 404"),
        (200, b"", "no embeddings"),
        (200, b"<html>", "no embeddings"),
        (200, b"[]", "no embeddings"),
        (200, b'{"data": null}', "no embeddings"),
        (200, b'{"data": [{"index": 0, "embedding": "AAAA"}]}', "no embeddings"),
        (200, b'{"data": [{"index": 0, "embedding": [1, null]}]}', "without a direction"),
        (200, b'{"data": []}', "0 embeddings for 1"),
        (200, b'{"data": [{"index": 0, "embedding": []}]}', "1 embeddings for 1"),
        (200, b'{"data": [{"index": 0, "embedding": [0, 0]}]}', "without a direction"),
        (200, b'{"data": [{"index": 0, "embedding": [1e300, 1]}]}', "without a direction"),
    ],
)
@pytest.mark.filterwarnings("ignore:overflow encountered in cast:RuntimeWarning")
def test_what_is_no_answer_is_a_model_error(status: int, body: bytes, complaint: str) -> None:
    with (
        embedding_server(lambda _request, _headers: (status, {}, body)) as url,
        pytest.raises(ModelError, match=complaint),
    ):
        RemoteEmbedder(url, "hashing")


def test_a_redirection_is_not_followed() -> None:
    with (
        embedding_server() as elsewhere,
        embedding_server(lambda *_: (307, {"Location": f"{elsewhere}/embeddings"}, b"")) as url,
        pytest.raises(ModelError, match="status 307"),
    ):
        RemoteEmbedder(url, "hashing")


def test_a_proxy_of_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("no_proxy", "")
    with embedding_server() as url:
        assert RemoteEmbedder(url, "hashing").info.dimension == 64


def test_a_server_that_is_not_there_or_silent_is_a_model_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/v1"
        with pytest.raises(ModelError, match="out of reach"):
            RemoteEmbedder(url, "hashing", timeout_seconds=0.1)
    with pytest.raises(ModelError, match="out of reach"):
        RemoteEmbedder(url, "hashing")


def test_another_dimension_later_is_refused() -> None:
    dimensions = iter([64, 32])

    def changing(request: dict[str, Any], _headers: dict[str, str]) -> Reply:
        vector = [1.0] * next(dimensions)
        return 200, {}, json.dumps({"data": [{"index": 0, "embedding": vector}]}).encode()

    with embedding_server(changing) as url:
        embedder = RemoteEmbedder(url, "hashing")
        with pytest.raises(ModelError, match="dimension"):
            embedder.embed_query("x")


@pytest.mark.parametrize(
    "url", ["", "127.0.0.1:8080", "ftp://127.0.0.1/v1", "file:///etc/passwd", "http://me:word@127.0.0.1/v1"]
)
def test_an_unusable_url_is_a_config_error(url: str) -> None:
    with pytest.raises(ConfigError) as refused:
        RemoteEmbedder(url, "hashing")
    assert "word" not in str(refused.value)
