"""An embedding server that speaks the OpenAI protocol: `POST {url}/embeddings`."""

from __future__ import annotations

import hashlib
import json
import math
import urllib.error
import urllib.request
from collections.abc import Sequence
from http.client import HTTPException
from typing import IO, Any
from urllib.parse import urlsplit

import numpy as np

from nasd.embed.base import ModelInfo, Vectors
from nasd.embed.text import encodable
from nasd.errors import ConfigError, ModelError

BATCH = 32
MAX_REPLY = 64 << 20
BYTES_PER_TOKEN = 3
"""Such a server does not say how it counts. English has some four bytes a token; three keeps passages in
other languages, and code, below the limit as well."""


class RemoteEmbedder:
    """Implements `Embedder`. Stateless, so safe from any thread; no proxy and no redirection is followed,
    so texts reach the configured server or none.

    The fingerprint is of server, model name and dimension: that the server changes its weights under the
    same name cannot be seen from here.
    """

    def __init__(
        self,
        url: str,
        model: str,
        *,
        api_key: str | None = None,
        max_tokens: int = 512,
        timeout_seconds: float = 60.0,
    ) -> None:
        """`url` such as "http://127.0.0.1:8080/v1". Embeds one word to learn the dimension. Raises
        ConfigError for an unusable url and ModelError when the server does not serve."""
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None:
            raise ConfigError(
                "embedding.serve needs the url of a server.",
                cure='Such as {url = "http://127.0.0.1:8080/v1"}.',
            )
        self._url = f"{url.rstrip('/')}/embeddings"
        self._where = f"The embedding server at {parts.hostname}"
        self._model = model
        self._headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if api_key is not None:
            self._headers["Authorization"] = f"Bearer {api_key}"
        self._timeout = timeout_seconds
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirection())
        dimension = self._request(["dimension"]).shape[1]
        identity = json.dumps([self._url, model, dimension])
        self._info = ModelInfo(
            name=model,
            fingerprint=hashlib.sha256(identity.encode()).hexdigest()[:32],
            dimension=dimension,
            max_tokens=max_tokens,
            serving="remote",
        )

    @property
    def info(self) -> ModelInfo:
        return self._info

    def embed_documents(self, texts: Sequence[str]) -> Vectors:
        vectors = np.empty((len(texts), self._info.dimension), np.float32)
        for start in range(0, len(texts), BATCH):
            batch = list(texts[start : start + BATCH])
            vectors[start : start + len(batch)] = self._embed(batch)
        return vectors

    def embed_query(self, text: str) -> Vectors:
        return np.asarray(self._embed([text])[0], np.float32)

    def count_tokens(self, text: str) -> int:
        """An estimate from above."""
        return math.ceil(len(text.encode("utf-8", "replace")) / BYTES_PER_TOKEN)

    def close(self) -> None:
        self._opener.close()

    def _embed(self, texts: list[str]) -> Vectors:
        vectors = self._request(texts)
        if vectors.shape[1] != self._info.dimension:
            raise ModelError(f"{self._where} changed its dimension.", cure="Restart nasd.")
        return vectors

    def _request(self, texts: list[str]) -> Vectors:
        """float32 (len(texts), whatever dimension came), rows of unit length."""
        texts = [encodable(text) or " " for text in texts]
        body = json.dumps({"model": self._model, "input": texts, "encoding_format": "float"}).encode()
        request = urllib.request.Request(  # noqa: S310 - the scheme was checked
            self._url, data=body, headers=self._headers, method="POST"
        )
        try:
            with self._opener.open(request, timeout=self._timeout) as response:
                reply = response.read(MAX_REPLY + 1)
        except urllib.error.HTTPError as error:
            error.close()
            cure = "Check its key." if error.code in (401, 403) else f"Check that it serves {self._model!r}."
            raise ModelError(f"{self._where} answered with status {error.code}.", cure=cure) from None
        except (OSError, HTTPException) as error:  # URLError and timeouts are OSErrors
            reason = getattr(error, "reason", None) or error or "the connection broke"
            raise ModelError(
                f"{self._where} is out of reach: {reason}.", cure="Check that it runs."
            ) from None
        if len(reply) > MAX_REPLY:
            raise ModelError(f"{self._where} answered with more than {MAX_REPLY >> 20} MiB.")
        return self._vectors(reply, len(texts))

    def _vectors(self, reply: bytes, count: int) -> Vectors:
        try:
            data = json.loads(reply)["data"]
            rows = [item["embedding"] for item in sorted(data, key=lambda item: int(item["index"]))]
            vectors = np.asarray(rows, np.float32)
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise ModelError(f"{self._where} sent no embeddings.", cure="Check embedding.serve.") from error
        if vectors.ndim != 2 or vectors.shape[0] != count or vectors.shape[1] == 0:
            raise ModelError(f"{self._where} sent {len(vectors)} embeddings for {count} texts.")
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        if not np.isfinite(lengths).all() or not lengths.all():
            raise ModelError(f"{self._where} sent an embedding without a direction.")
        return np.asarray(vectors / lengths, np.float32)


class _NoRedirection(urllib.request.HTTPRedirectHandler):
    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Any, newurl: str
    ) -> None:
        """Answering None leaves the redirection an HTTPError."""
