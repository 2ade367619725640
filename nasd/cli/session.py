"""What the global options come to: the settings, and a client of the daemon they point at."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from pydantic import BaseModel

    from nasd.client import Client
    from nasd.config import Settings

    M = TypeVar("M", bound=BaseModel)
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One run of the command line."""

    config: Path | None = None
    state_dir: Path | None = None
    url: str | None = None
    token: str | None = None

    def settings(
        self, *, state_dir: Path | None = None, overrides: Mapping[str, Any] | None = None
    ) -> Settings:
        """`state_dir` replaces the one of the options."""
        from nasd.config import load

        return load(self.config, state_dir or self.state_dir, os.environ, overrides=overrides)

    def client(self) -> AbstractAsyncContextManager[Client]:
        """The daemon at --url, else the one of these settings, by its local socket."""
        from nasd.client import Client

        if self.url:
            return Client.open(url=self.url, token=self.token)
        return Client.open(socket=self.settings().paths.socket)

    def call(self, use: Callable[[Client], Awaitable[T]]) -> T:
        """Runs `use` with a client to its end."""
        import asyncio

        async def main() -> T:
            async with self.client() as client:
                return await use(client)

        return asyncio.run(main())


def session_from(
    config: Path | None,
    state_dir: Path | None,
    url: str | None,
    token: str | None,
    environ: Mapping[str, str],
) -> Session:
    """Options before the environment: a place named on the command line is not overruled by NASD_URL."""
    if url is None and config is None and state_dir is None:
        url = environ.get("NASD_URL") or None
    return Session(
        config=config, state_dir=state_dir, url=url, token=token or environ.get("NASD_TOKEN") or None
    )


def request(model: type[M], options: Mapping[str, str], /, **fields: object) -> M:
    """A request from what was typed. `options` gives a field's name on the command line. InvalidRequest,
    which is wrong usage, for what the model does not allow."""
    from pydantic import ValidationError

    from nasd.errors import InvalidRequest

    try:
        return model(**fields)
    except ValidationError as error:
        wrong = {".".join(str(part) for part in item["loc"]): item["msg"] for item in error.errors()}
        sentences = [f"{options.get(name.split('.')[0], name)}: {text}." for name, text in wrong.items()]
        raise InvalidRequest(" ".join(sentences), fields=wrong) from None


def typed_text(text: str) -> str:
    """What was typed, as text that can be sent: bytes that are not UTF-8 become U+FFFD."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def typed_path(text: str) -> str:
    """A path that was typed, as paths are written in JSON (see `nasd.domain.files.display_path`)."""
    from nasd.domain.files import display_path

    return display_path(os.fsencode(text))
