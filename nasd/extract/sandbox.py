"""Reads files in confined child processes, several at once, and tells why one could not be read."""

from __future__ import annotations

import contextlib
import logging
import os
import select
import socket
import threading
import time
from collections.abc import Collection, Generator, Iterator, Sequence
from dataclasses import dataclass, replace

from nasd.domain.passages import Document
from nasd.errors import ReadError
from nasd.extract import lots
from nasd.extract.base import (
    LONGEST_S,
    Found,
    Hashed,
    Limits,
    Member,
    Members,
    Picture,
    Piece,
    SmallText,
    Sound,
)
from nasd.extract.conversation import Patience, converse
from nasd.extract.deaths import death, nonsense, too_much_text, too_slow
from nasd.extract.frames import BadFrame, Exit, Frames, Job, unpack_picture, unpack_sound
from nasd.extract.kinds import supported
from nasd.extract.received import Received
from nasd.extract.results import Result
from nasd.extract.taken import Taken
from nasd.extract.taken import converse as converse_taking
from nasd.extract.warm import STOP_S, Warm, launch, send, stop

log = logging.getLogger(__name__)

_PORTION = 1 << 18
_MOST_CHILDREN = 50
"""For one container: whenever one ends over a member, another goes on with the next."""


class _Gone(Exception):
    """The warm process ended while a file was being read."""


@dataclass(slots=True)
class _Child:
    """A child at work: what it sends and is sent, its life line, and what it prints."""

    result: socket.socket
    life: socket.socket
    errors: int

    def said(self) -> str:
        os.set_blocking(self.errors, False)
        try:
            return os.read(self.errors, 1 << 16).decode("utf-8", "replace")
        except BlockingIOError:
            return ""


class Sandbox:
    """The `Extractor` of the daemon. Thread-safe: each calling thread waits for its own child.

    The warm process starts with the first file and again when it has died; a file that was being read then
    is tried once more.
    """

    def __init__(self, limits: Limits | None = None) -> None:
        self.limits = limits or Limits()
        self._lock = threading.Lock()
        self._warm: Warm | None = None
        self._closed = False

    def extract(self, fd: int, *, name: str, kind: str) -> Document:
        """Reads the file behind `fd`, from its beginning; the descriptor's offset moves."""
        if not supported(kind):
            raise ReadError(f"Files of kind {kind} cannot be read yet.", reason="unsupported")
        size = os.fstat(fd).st_size
        if size > self.limits.input_bytes:
            raise ReadError(
                f"The file has {size} bytes; at most {self.limits.input_bytes} are read.", reason="too_large"
            )
        job = self._job(name, kind, size)
        outcome, ended, said = self._twice(fd, job)
        return outcome.document(ended, said, job)

    def extract_texts(self, texts: Sequence[SmallText]) -> list[Document | None]:
        """Reads small texts in one child; what it does not answer for is to be read alone."""
        handle = lots.packed(texts)
        try:
            job = replace(self._job("", "", os.fstat(handle).st_size), texts=len(texts), cpu_s=lots.CPU_S)
            outcome, _, _ = self._twice(handle, job)
        except ReadError as error:
            if self._closed:
                raise
            log.info("a lot of %d texts is read one by one: %s", len(texts), error)
            return [None] * len(texts)
        finally:
            os.close(handle)
        found = [lots.document(value) for value in outcome.texts[: len(texts)]]
        return found + [None] * (len(texts) - len(found))

    def draw(self, fd: int, *, name: str, kind: str, page: int, edge: int, form: str) -> Picture:
        """Draws a page of the file behind `fd`; the descriptor's offset moves."""
        size = os.fstat(fd).st_size
        job = replace(self._job(name, kind, size), page=page, edge=edge, form=form)
        try:
            return unpack_picture(self._piece(fd, job), edge=edge, form=form)
        except BadFrame as error:
            raise nonsense(error) from error

    def listen(self, fd: int, *, name: str, kind: str, start_s: float, span_s: float) -> Sound:
        """Decodes a stretch of the sound behind `fd`; the descriptor's offset moves."""
        span_ms = max(1, round(span_s * 1000))
        job = self._job(name, kind, os.fstat(fd).st_size)
        job = replace(job, start_ms=round(start_s * 1000), span_ms=span_ms)
        try:
            return unpack_sound(self._piece(fd, job), span_ms=span_ms)
        except BadFrame as error:
            raise nonsense(error) from error

    def _piece(self, fd: int, job: Job) -> object:
        outcome, ended, said = self._twice(fd, job)
        if outcome.error is None and outcome.piece is None:
            raise death(ended, said, job)
        outcome.raise_error()
        return outcome.piece

    def unpack(self, fd: int, *, name: str, kind: str) -> Members:
        """The members of the container behind `fd`; the descriptor's offset moves."""
        size = os.fstat(fd).st_size
        if size > self.limits.input_bytes:
            raise ReadError(
                f"The file has {size} bytes; at most {self.limits.input_bytes} are read.", reason="too_large"
            )
        limits = self.limits
        job = self._job(name, kind, size).of_container(limits)
        received = Received(limits, Found(path="", size=size, mtime_ns=None, kind=kind))
        patience = Patience(limits.container_wall_s, min(limits.member_wall_s, limits.wall_s))
        gone = False
        for _ in range(_MOST_CHILDREN):
            received.begin()
            try:
                with self._child(fd, job) as child:
                    ended = yield from self._converse(child, received, patience)
                    if received.finished:
                        return
                    if received.tired:
                        continue
                    error = death(ended, child.said(), job)
            except _Gone:
                if gone or self._closed:
                    break
                gone = True
                continue
            except ReadError as failure:
                if patience.over:
                    yield received.cut_short(f"{failure.detail} The rest of it was not read.")
                    return
                error = failure
            yield received.fail(error)
        raise ReadError(
            "The reading process ended again and again while the file was read.",
            reason="crashed",
            temporary=True,
        )

    def take(self, fd: int, *, name: str, kind: str, paths: Collection[str]) -> Generator[Piece, None, None]:
        """Takes members out of the container behind `fd`; the descriptor's offset moves."""
        job = self._job(name, kind, os.fstat(fd).st_size).of_container(self.limits)
        job = replace(job, taken_bytes=self.limits.taken_bytes)
        taken = Taken(paths, self.limits)
        with contextlib.suppress(_Gone), self._child(fd, job) as child:
            try:
                ended = yield from converse_taking(child.result, child.life, taken, self.limits)
            except BaseException:  # also when the caller has heard enough
                self._kill(child.life)
                raise
            if taken.finished:
                self._kill(child.life)
                return
            if ended is not None:
                raise death(ended, child.said(), job)
        raise ReadError(
            "The reading process ended while the file was read.", reason="crashed", temporary=True
        )

    def _twice(self, fd: int, job: Job) -> tuple[Result, Exit, str]:
        """Once more when the warm process itself has ended."""
        for _ in range(2):
            try:
                return self._extract(fd, job)
            except _Gone:
                if self._closed:
                    break
        raise ReadError(
            "The reading process ended while the file was read.", reason="crashed", temporary=True
        )

    def close(self) -> None:
        """Ends the warm process and with it every child; files being read fail as temporary."""
        with self._lock:
            self._closed = True
            warm, self._warm = self._warm, None
        if warm is not None:
            stop(warm)

    def warm_up(self) -> None:
        """Starts the warm process now, so that the first file need not wait for it."""
        self._ready()

    # --- the warm process ---

    def _ready(self) -> Warm:
        with self._lock:
            if self._closed:
                raise ReadError("nasd is stopping.", reason="crashed", temporary=True)
            if self._warm is not None and self._warm.process.poll() is None:
                return self._warm
            if self._warm is not None:
                stop(self._warm)
            self._warm = None
            self._warm = launch(self.limits.nice)
            return self._warm

    def _drop(self, warm: Warm) -> None:
        with self._lock:
            if self._warm is warm:
                self._warm = None
        stop(warm)

    # --- one file ---

    def _job(self, name: str, kind: str, size: int) -> Job:
        return Job(
            name=name[-200:],
            size=size,
            kind=kind,
            memory_bytes=self.limits.memory_bytes,
            cpu_s=int(self._allowed(self.limits.cpu_s, size)),
            open_files=self.limits.open_files,
            output_chars=self.limits.output_chars,
        )

    def _allowed(self, seconds: float, size: int) -> float:
        """What a file of `size` bytes may take: large ones more."""
        return max(seconds, min(LONGEST_S, seconds + self.limits.each_mib_s * (size >> 20)))

    def _extract(self, fd: int, job: Job) -> tuple[Result, Exit, str]:
        """What came, how the child ended, and what it said on its way."""
        with self._child(fd, job) as child:
            wall_s = (
                min(lots.WALL_S, self.limits.wall_s)
                if job.texts
                else self._allowed(self.limits.wall_s, job.size)
            )
            outcome, ended = self._follow(child.result, child.life, wall_s)
            return outcome, ended, child.said()

    @contextlib.contextmanager
    def _child(self, fd: int, job: Job) -> Iterator[_Child]:
        """A child that works at a job. Raises `_Gone` when there is no warm process to fork it."""
        warm = self._ready()
        with contextlib.ExitStack() as held:
            result, result_child = socket.socketpair()
            life, life_child = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            for end in (result, result_child, life, life_child):
                held.enter_context(end)
            errors, errors_child = os.pipe()
            held.callback(os.close, errors)
            try:
                send(warm.control, job, [fd, result_child.fileno(), errors_child, life_child.fileno()])
            except OSError as error:
                self._drop(warm)
                raise _Gone from error
            finally:
                os.close(errors_child)
                result_child.close()
                life_child.close()
            try:
                yield _Child(result, life, errors)
            except _Gone:
                self._drop(warm)
                raise

    def _follow(self, result: socket.socket, life: socket.socket, wall_s: float) -> tuple[Result, Exit]:
        """Collects the result until the child has ended. Raises `ReadError` (time, output, crashed) after
        killing it, `_Gone` when the warm process is no more."""
        outcome, frames = Result(), Frames()
        deadline = time.monotonic() + wall_s
        poll = select.poll()
        poll.register(result, select.POLLIN)
        poll.register(life, select.POLLIN)
        try:
            while True:
                left = deadline - time.monotonic()
                if left <= 0:
                    raise too_slow(wall_s)
                ready = {fd for fd, _ in poll.poll(left * 1000)}
                if result.fileno() in ready and not self._take(result, outcome, frames):
                    poll.unregister(result)
                elif life.fileno() in ready:
                    return outcome, self._finish(result, life, outcome, frames)
        except BadFrame as error:
            self._kill(life)
            raise nonsense(error) from error
        except ReadError:
            self._kill(life)
            raise

    def _finish(self, result: socket.socket, life: socket.socket, outcome: Result, frames: Frames) -> Exit:
        """The child has ended: what it sent before is all there is."""
        report = life.recv(4096)
        if not report:
            raise _Gone
        result.setblocking(False)
        with contextlib.suppress(BlockingIOError, ValueError):
            while self._take(result, outcome, frames):
                pass
        return Exit.decode(report)

    def _take(self, result: socket.socket, outcome: Result, frames: Frames) -> bool:
        """One portion of the result; False at its end."""
        try:
            data = result.recv(_PORTION)
        except ConnectionResetError:
            return False
        for message in frames.feed(data):
            outcome.take(message, self.limits.output_chars)
        if frames.pending > 8 * self.limits.output_chars + (1 << 20):
            raise too_much_text()
        return bool(data)

    def _converse(
        self, child: _Child, received: Received, patience: Patience
    ) -> Generator[Found | Hashed | Member, bool | None, Exit]:
        """Until the child has ended; kills it when that is not its own doing. Raises as `_follow`."""
        most_pending = 8 * self.limits.output_chars + (1 << 20)
        try:
            ended = yield from converse(child.result, child.life, received, patience, most_pending)
        except BaseException:  # also when the caller has heard enough
            self._kill(child.life)
            raise
        if ended is None:
            raise _Gone
        return ended

    def _kill(self, life: socket.socket) -> None:
        """Has the warm process kill the child and waits until it is gone; if it does not answer, ends it."""
        try:
            life.send(b"k")
        except OSError:  # closed from the other side: it has ended already
            return
        with contextlib.suppress(OSError):
            life.settimeout(STOP_S)
            life.recv(4096)
            return
        with self._lock:
            warm = self._warm
        if warm is not None:
            self._drop(warm)
