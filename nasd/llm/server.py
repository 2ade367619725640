"""A language model server on the network: one url, an optional key, and what goes wrong on the way to it."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from nasd.errors import ConfigError, ModelError, NasdError
from nasd.llm.base import ModelAbsent, ModelBusy, ModelGone
from nasd.llm.replies import body, complaint, parsed
from nasd.llm.trouble import Trouble

CONNECT_S = 10.0
SILENCE_S = 300.0
"""Without a single byte. A server that has to load the model first, or reads a long prompt, says nothing
meanwhile."""

CHECK = "Check that it runs and that llm.serve.url is right."


class Server:
    """No proxy and no redirection is followed, so prompts reach the configured server or none. The key is
    sent there and stands in no message."""

    def __init__(self, url: str, *, api_key: str | None = None, silence_s: float = SILENCE_S) -> None:
        """`url` without a trailing path beyond its API's root. Raises ConfigError for an unusable one."""
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None:
            raise ConfigError(
                "llm.serve needs the url of a server.", cure='Such as {url = "http://127.0.0.1:11434/v1"}.'
            )
        self.url = url.rstrip("/")
        self.where = f"The language model server at {parts.hostname}"
        self.elsewhere = not _is_loopback(parts.hostname)
        self._headers = {} if api_key is None else {"Authorization": f"Bearer {api_key}"}
        self._timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_S, sock_read=silence_s)
        self._session: aiohttp.ClientSession | None = None
        self._closed = False
        self._trouble = Trouble()

    @property
    def trouble(self) -> str | None:
        """Why it failed a short while ago."""
        return self._trouble.detail

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Notes whether what is done here fails for a reason that lies with the server."""
        try:
            yield
        except (ModelAbsent, ModelGone, ModelError) as error:
            self._trouble.note(str(error))
            raise
        self._trouble.end()

    async def get(self, path: str) -> tuple[int, dict[str, Any]]:
        """The status and the reply, empty where it is no JSON object. Raises ModelGone."""
        async with self._open("GET", path, None) as response:
            return response.status, _lenient(await body(response))

    async def post(self, path: str, asked: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
        async with self._open("POST", path, asked) as response:
            return response.status, _lenient(await body(response, most=64 << 20))

    @asynccontextmanager
    async def stream(
        self, path: str, asked: Mapping[str, Any]
    ) -> AsyncGenerator[aiohttp.ClientResponse, None]:
        """A reply that is read as it comes, whatever its status. Leaving the block closes the connection."""
        async with self._open("POST", path, asked) as response:
            yield response

    async def close(self) -> None:
        self._closed = True
        if self._session is not None:
            await self._session.close()

    @asynccontextmanager
    async def _open(
        self, method: str, path: str, asked: Mapping[str, Any] | None
    ) -> AsyncGenerator[aiohttp.ClientResponse, None]:
        if self._closed:
            raise ModelGone("The language model was closed.")
        if self._session is None:
            self._session = aiohttp.ClientSession(
                headers=self._headers,
                timeout=self._timeout,
                connector=aiohttp.TCPConnector(force_close=True),
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        data = None if asked is None else json.dumps(asked).encode()
        headers = None if data is None else {"Content-Type": "application/json"}
        try:
            async with self._session.request(
                method, f"{self.url}{path}", data=data, headers=headers, allow_redirects=False
            ) as response:
                try:
                    yield response
                finally:
                    response.close()
        except TimeoutError as error:
            raise ModelGone(f"{self.where} does not answer in time.", cure=CHECK) from error
        except aiohttp.ClientPayloadError as error:
            raise ModelGone(f"{self.where} broke off in the middle of its reply.") from error
        except (aiohttp.ClientError, OSError, RuntimeError) as error:
            if self._closed:
                raise ModelGone("The language model was closed.") from error
            raise ModelGone(f"{self.where} does not answer: {_short(error)}.", cure=CHECK) from error


def refusal(server: Server, model: str, status: int, told: Mapping[str, Any]) -> NasdError:
    """What a status other than 200 means."""
    if status in (401, 403):
        return ModelError(
            f"{server.where} wants another key.", cure="Check the key that llm.serve.credentials names."
        )
    if status == 404:
        return ModelAbsent(
            f"{server.where} has no model {model}.",
            cure="Set llm.model to one that it has, or load it there.",
        )
    if status == 429:
        return ModelBusy(f"{server.where} is busy.", retry_after_s=10)
    if status >= 500:
        return ModelGone(f"{server.where} failed: {complaint(told)}.", cure="Look into its own log.")
    return ModelError(f"{server.where} replies {status}: {complaint(told)}.", cure=CHECK)


async def told_by(response: aiohttp.ClientResponse) -> dict[str, Any]:
    return _lenient(await body(response))


def _lenient(data: bytes) -> dict[str, Any]:
    try:
        return parsed(data)
    except ModelError:
        return {}


def _short(error: Exception) -> str:
    if isinstance(error, aiohttp.ClientConnectorError):
        return error.os_error.strerror or "no connection"
    return type(error).__name__


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
