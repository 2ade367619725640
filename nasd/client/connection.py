"""One daemon's address and the requests sent to it; what goes wrong on the way becomes our errors."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
from pydantic import BaseModel
from yarl import URL

from nasd.client.problems import error_from
from nasd.errors import ConfigError, NasdError, NotPermitted, Unavailable


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """`where` names the daemon for a person: a socket's path or a URL."""

    session: aiohttp.ClientSession
    where: str
    local: bool

    @asynccontextmanager
    async def send(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: BaseModel | None = None,
        headers: Mapping[str, str] | None = None,
        timeout_s: float | None = 60.0,
        accepted: frozenset[int] = frozenset(),
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """The reply, once its status says that all is well; the body is the caller's to read, inside.

        Raises the `NasdError` that a problem document stands for, `Unavailable` when nobody answers,
        `NotPermitted` when the socket is another user's. `timeout_s` bounds the whole exchange; None only the
        time to connect. `accepted` are error statuses that are answers here.
        """
        sent = dict(headers or {})
        if body is not None:
            sent["Content-Type"] = "application/json"
        try:
            async with self.session.request(
                method,
                path,
                params=query,
                data=None if body is None else body.model_dump_json(exclude_unset=True),
                headers=sent,
                timeout=aiohttp.ClientTimeout(total=timeout_s, sock_connect=10),
                allow_redirects=False,
            ) as response:
                if response.status >= 300 and response.status not in accepted:
                    raise error_from(
                        response.status,
                        await response.read(),
                        where=f"The daemon at {self.where}",
                        retry_after=response.headers.get("Retry-After"),
                    )
                yield response
        except NasdError:
            raise
        except TimeoutError as error:
            raise Unavailable(f"The daemon at {self.where} did not answer in time.") from error
        except aiohttp.ClientError as error:
            raise self._translated(error) from error

    def _translated(self, error: aiohttp.ClientError) -> NasdError:
        if isinstance(error, aiohttp.ClientConnectorCertificateError | aiohttp.ClientConnectorSSLError):
            return Unavailable(
                f"The certificate of {self.where} is not trusted.",
                cure="Give the certificate of the authority that signed it, or use the name it was made for.",
            )
        if isinstance(error, aiohttp.ClientConnectorError) and isinstance(error.os_error, PermissionError):
            return NotPermitted(
                f"The socket {self.where} belongs to another user.",
                cure="Run the command as that user or as root, or use --url with a token.",
            )
        if isinstance(error, aiohttp.ClientConnectorError):
            cure = (
                "start it with `nasd run`"
                if self.local
                else "check the address and that `nasd run` is running"
            )
            return Unavailable(f"No daemon answers at {self.where}; {cure}.")
        return Unavailable(f"The daemon at {self.where} broke the connection off.")


@asynccontextmanager
async def connect(
    *, socket: Path | None, url: str | None, token: str | None, ca_file: Path | None
) -> AsyncIterator[Connection]:
    """A session with the daemon behind a Unix socket, or at a URL. Nothing is sent yet.

    `ConfigError` unless exactly one of both is given, for a URL that is none, and for a `ca_file` that holds
    no certificate.
    """
    if (socket is None) == (url is None):
        raise ConfigError("The daemon's address is missing or given twice.", cure="Give a socket or a URL.")
    headers = {"Accept": "application/json", "User-Agent": "nasd"}
    connector: aiohttp.BaseConnector
    if socket is not None:
        connector = aiohttp.UnixConnector(path=str(socket))
        base, where = URL("http://localhost"), str(socket)
    else:
        base = _base(url or "")
        where = str(base).rstrip("/")
        connector = aiohttp.TCPConnector(ssl=_trust(ca_file) if base.scheme == "https" else True)
        if token:
            headers["Authorization"] = f"Bearer {_token(token)}"
    async with aiohttp.ClientSession(base, connector=connector, headers=headers) as session:
        yield Connection(session=session, where=where, local=socket is not None)
    await asyncio.sleep(0)  # lets the transports close before the loop may end


def _base(url: str) -> URL:
    try:
        base = URL(url)
    except ValueError as error:
        raise ConfigError(f"{url!r} is not a URL.", cure="Write it like https://nas.local:8477.") from error
    if (
        base.scheme not in ("http", "https")
        or not base.host
        or base.user
        or base.query
        or base.path not in ("", "/")
    ):
        raise ConfigError(
            f"{url!r} is not the address of a daemon.", cure="Write it like https://nas.local:8477."
        )
    return base.origin()


def _token(token: str) -> str:
    if not token.isascii() or not token.isprintable() or " " in token:
        raise ConfigError("The token holds characters that no token has.", cure="Copy it again, whole.")
    return token


def _trust(ca_file: Path | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=None if ca_file is None else str(ca_file))
    except OSError as error:
        raise ConfigError(
            f"The certificate file {ca_file} cannot be used: {error.strerror or error}.",
            cure="Give a readable PEM file with the certificate authority's certificate.",
        ) from error
