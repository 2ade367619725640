"""Fetching a model from a hub: from where the last attempt ended, and nothing but what was asked for."""

from __future__ import annotations

import fcntl
import hashlib
import http.client
import os
import re
import shutil
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Generator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote, urlsplit

from nasd.errors import ConfigError, Conflict, ModelError, StateError, Unavailable
from nasd.llm.store import (
    WEIGHTS,
    Stored,
    check_name,
    check_room,
    home,
    make_home,
    settle,
)
from nasd.llm.suggested import Source

CHUNK = 1 << 20
SILENCE_S = 60.0
ATTEMPTS, FIRST_ATTEMPTS = 6, 3
"""In a row without a new byte; and before there was any. What was fetched stays, and the next pull goes on
from there."""

FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 30.0

OnProgress = Callable[[int, int | None], None]
"""Bytes that are here, and bytes in all where they are known."""

_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+)")


def pull(
    models: Path,
    source: Source,
    hub: str,
    *,
    name: str | None = None,
    on_progress: OnProgress = lambda done, total: None,
    pause: Callable[[float], None] = time.sleep,
) -> Stored:
    """Fetches, checks and puts in place. Blocks, and may be broken off at any point. `hub` is the address of
    a model hub that serves files under /OWNER/REPOSITORY/resolve/REVISION/FILE.

    Raises Conflict: it is there, or is being pulled; ModelError: the hub does not have it, or sends something
    else; Unavailable: the hub cannot be reached or breaks off again and again; DiskFull; StateError.
    """
    chosen = check_name(models, name or source.name)
    address = _address(hub, source)
    make_home(models)
    # Named by its content: a part of another file is never gone on with.
    work = home(models) / f".{chosen}-{source.sha256[:16]}.part"
    try:
        work.mkdir(exist_ok=True)
        with _locked(work, chosen):
            with (work / WEIGHTS).open("ab+") as part:
                digest = _fetch(models, part, source, address, on_progress, pause)
            try:
                return _settle(models, work, chosen, source, digest)
            except ModelError:  # going on with this would lead nowhere
                shutil.rmtree(work, ignore_errors=True)
                raise
    except OSError as error:
        raise StateError(f"The model cannot be written: {error.strerror or error}.") from error


def _settle(models: Path, work: Path, name: str, source: Source, digest: str) -> Stored:
    if digest != source.sha256:
        raise ModelError(
            f"What came for {source.origin} is another file: its SHA-256 is {digest}, not {source.sha256}.",
            cure="Try again; if it is the same, check the digest and llm.hub.",
        )
    return settle(models, work, name, sha256=digest, licence=source.licence, origin=source.origin)


@contextmanager
def _locked(work: Path, name: str) -> Generator[None, None, None]:
    """The folder itself is locked, so that nothing of it is left behind."""
    handle = os.open(work, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise Conflict(f"{name} is being pulled already.", cure="Wait for it.") from None
    finally:
        os.close(handle)


def _address(hub: str, source: Source) -> str:
    parts = urlsplit(hub)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigError("llm.hub needs the address of a model hub.")
    return f"{hub.rstrip('/')}/{source.repository}/resolve/{source.revision}/{quote(source.file)}"


def _fetch(
    models: Path,
    part: IO[bytes],
    source: Source,
    address: str,
    on_progress: OnProgress,
    pause: Callable[[float], None],
) -> str:
    """Goes on with `part` until it is whole; its SHA-256."""
    part.seek(0)
    digest = hashlib.sha256()
    while data := part.read(CHUNK):
        digest.update(data)
    total, attempts, at_first = source.bytes, 0, part.tell()
    while total is None or part.tell() < total:
        before = part.tell()
        on_progress(before, total)
        try:
            with closing(_ask(address, before)) as reply:
                start, total = _extent(reply, before, source)
                if start != before:
                    part.truncate(start)
                    part.seek(start)
                    digest, before = hashlib.sha256(), 0
                check_room(models, total - start)
                _copy(reply, part, digest, total, on_progress)
        except _WholeError:
            break
        except (http.client.HTTPException, urllib.error.URLError, ConnectionError, TimeoutError) as error:
            reason = _reason(error, address)
        else:
            reason = "it breaks off"
        attempts = 0 if part.tell() > before else attempts + 1
        if total is not None and part.tell() >= total:
            break
        if attempts >= (ATTEMPTS if part.tell() > at_first else FIRST_ATTEMPTS):
            raise Unavailable(
                f"The model hub at {urlsplit(address).hostname} cannot be read: {reason}.",
                cure="What is here stays: run the same command again to go on.",
            )
        pause(min(FIRST_PAUSE_S * 2**attempts, LONGEST_PAUSE_S))
    part.flush()
    os.fsync(part.fileno())
    on_progress(part.tell(), total)
    return digest.hexdigest()


class _WholeError(Exception):
    """All that the hub has is here already."""


class _Careful(urllib.request.HTTPRedirectHandler):
    """Hubs hand downloads on to where the bytes lie; from an encrypted hub never to an open line."""

    def redirect_request(
        self, req: urllib.request.Request, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        if urlsplit(req.full_url).scheme == "https" and urlsplit(newurl).scheme != "https":
            raise ModelError("The model hub hands the download on to an address without encryption.")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _ask(address: str, start: int) -> http.client.HTTPResponse:
    headers = {"Accept-Encoding": "identity", "User-Agent": "nasd"}
    if start:
        headers["Range"] = f"bytes={start}-"
    request = urllib.request.Request(address, headers=headers)  # noqa: S310 - `_address` checked the scheme
    try:
        reply: http.client.HTTPResponse = urllib.request.build_opener(_Careful()).open(
            request, timeout=SILENCE_S
        )
    except urllib.error.HTTPError as error:
        error.close()
        if error.code in (401, 403, 404, 410):
            raise ModelError(
                f"The model hub does not give {urlsplit(address).path} (status {error.code}).",
                cure="Check the name, the revision and llm.hub.",
            ) from None
        if error.code == 416:
            if error.headers.get("Content-Range") == f"bytes */{start}":
                raise _WholeError from None
            return _ask(address, 0)  # what is here is longer than what there is
        raise
    return reply


def _extent(reply: http.client.HTTPResponse, asked: int, source: Source) -> tuple[int, int]:
    """Where the bytes of this reply begin, and how many the whole file has."""
    length = reply.headers.get("Content-Length") or ""
    found = _RANGE.fullmatch(reply.headers.get("Content-Range") or "")
    if reply.status == 206 and found is not None and int(found[1]) == asked:
        start, total = asked, int(found[2])
    elif reply.status == 200 and length.isdigit():
        start, total = 0, int(length)
    else:
        raise ModelError("The model hub does not say how long the file is.", cure="Check llm.hub.")
    if source.bytes is not None and total != source.bytes:
        raise ModelError(
            f"The model hub has another file under this name: {total:,} bytes, not {source.bytes:,}.",
            cure="Check llm.hub.",
        )
    return start, total


def _copy(
    reply: http.client.HTTPResponse, part: IO[bytes], digest: Any, total: int, on_progress: OnProgress
) -> None:
    with suppress(http.client.IncompleteRead):
        while (left := total - part.tell()) > 0 and (data := reply.read(min(CHUNK, left))):
            part.write(data)
            digest.update(data)
            on_progress(part.tell(), total)


def _reason(error: Exception, address: str) -> str:
    if isinstance(error, urllib.error.HTTPError):
        return f"status {error.code}"
    if isinstance(error, urllib.error.URLError):
        return str(getattr(error.reason, "strerror", None) or error.reason)[:200]
    return type(error).__name__
