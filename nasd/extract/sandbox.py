"""Reads files in confined child processes, several at once, and tells why one could not be read."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import threading
import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field, replace

from nasd.domain.passages import Block, Document
from nasd.errors import ReadError
from nasd.extract.base import Found, Hashed, Limits, Member, Members, Picture
from nasd.extract.conversation import Patience, converse
from nasd.extract.frames import (
    NEAR_LIMIT,
    BadFrame,
    Exit,
    Frames,
    Job,
    unpack_blocks,
    unpack_mapping,
    unpack_picture,
    unpack_text,
    unpack_words,
)
from nasd.extract.kinds import supported
from nasd.extract.received import REASONS, Received
from nasd.extract.warm import STOP_S, Warm, launch, send, stop

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


@dataclass(slots=True)
class _Result:
    blocks: list[Block] = field(default_factory=list)
    chars: int = 0
    end: dict[str, object] | None = None
    error: tuple[str, str] | None = None
    picture: object = None


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
        return self._document(*self._twice(fd, self._job(name, kind, size)))

    def draw(self, fd: int, *, name: str, kind: str, page: int, edge: int, form: str) -> Picture:
        """Draws a page of the file behind `fd`; the descriptor's offset moves."""
        size = os.fstat(fd).st_size
        job = replace(self._job(name, kind, size), page=page, edge=edge, form=form)
        outcome, ended, said = self._twice(fd, job)
        if outcome.error is None and outcome.picture is None:
            raise self._death(ended, said)
        self._raise_error(outcome)
        try:
            return unpack_picture(outcome.picture, edge=edge, form=form)
        except BadFrame as error:
            raise ReadError(f"The reading process sent {error}.", reason="crashed") from error

    def unpack(self, fd: int, *, name: str, kind: str) -> Members:
        """The members of the container behind `fd`; the descriptor's offset moves."""
        size = os.fstat(fd).st_size
        if size > self.limits.input_bytes:
            raise ReadError(
                f"The file has {size} bytes; at most {self.limits.input_bytes} are read.", reason="too_large"
            )
        limits = self.limits
        job = replace(
            self._job(name, kind, size),
            cpu_s=max(limits.cpu_s, int(limits.container_wall_s)),
            members=limits.members,
            depth=limits.depth,
            member_bytes=limits.member_bytes,
            held_bytes=limits.held_bytes,
            inflated_bytes=limits.inflated_bytes,
        )
        received = Received(limits, Found(path="", size=size, mtime_ns=None, kind=kind))
        patience = Patience(limits.container_wall_s, limits.wall_s)
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
                    error = self._death(ended, child.said())
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

    def _twice(self, fd: int, job: Job) -> tuple[_Result, Exit, str]:
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
            self._warm = launch()
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
            cpu_s=self.limits.cpu_s,
            open_files=self.limits.open_files,
            output_chars=self.limits.output_chars,
        )

    def _extract(self, fd: int, job: Job) -> tuple[_Result, Exit, str]:
        """What came, how the child ended, and what it said on its way."""
        with self._child(fd, job) as child:
            outcome, ended = self._follow(child.result, child.life)
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

    def _follow(self, result: socket.socket, life: socket.socket) -> tuple[_Result, Exit]:
        """Collects the result until the child has ended. Raises `ReadError` (time, output, crashed) after
        killing it, `_Gone` when the warm process is no more."""
        outcome, frames = _Result(), Frames()
        deadline = time.monotonic() + self.limits.wall_s
        poll = select.poll()
        poll.register(result, select.POLLIN)
        poll.register(life, select.POLLIN)
        try:
            while True:
                left = deadline - time.monotonic()
                if left <= 0:
                    raise ReadError(
                        f"Reading the file takes longer than {self.limits.wall_s:g} s.", reason="time"
                    )
                ready = {fd for fd, _ in poll.poll(left * 1000)}
                if result.fileno() in ready and not self._take(result, outcome, frames):
                    poll.unregister(result)
                elif life.fileno() in ready:
                    return outcome, self._finish(result, life, outcome, frames)
        except BadFrame as error:
            self._kill(life)
            raise ReadError(f"The reading process sent {error}.", reason="crashed") from error
        except ReadError:
            self._kill(life)
            raise

    def _finish(self, result: socket.socket, life: socket.socket, outcome: _Result, frames: Frames) -> Exit:
        """The child has ended: what it sent before is all there is."""
        report = life.recv(4096)
        if not report:
            raise _Gone
        result.setblocking(False)
        with contextlib.suppress(BlockingIOError, ValueError):
            while self._take(result, outcome, frames):
                pass
        return Exit.decode(report)

    def _take(self, result: socket.socket, outcome: _Result, frames: Frames) -> bool:
        """One portion of the result; False at its end."""
        try:
            data = result.recv(_PORTION)
        except ConnectionResetError:
            return False
        for message in frames.feed(data):
            if "blocks" in message:
                blocks = unpack_blocks(message["blocks"])
                outcome.chars += sum(len(block.text) + len(block.after) for block in blocks)
                if outcome.chars > self.limits.output_chars:
                    raise ReadError("The file holds more text than a file may yield.", reason="output")
                outcome.blocks.extend(blocks)
            elif "picture" in message:
                outcome.picture = message["picture"]
            elif isinstance(end := message.get("end"), dict):
                outcome.end = end
            elif isinstance(error := message.get("error"), dict):
                outcome.error = (str(error.get("reason")), (unpack_text(error.get("detail")) or "")[:500])
            else:
                raise BadFrame("an unknown message")
        if frames.pending > 8 * self.limits.output_chars + (1 << 20):
            raise ReadError("The file holds more text than a file may yield.", reason="output")
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
        with contextlib.suppress(OSError):
            life.send(b"k")
            life.settimeout(STOP_S)
            life.recv(4096)
            return
        with self._lock:
            warm = self._warm
        if warm is not None:
            self._drop(warm)

    def _raise_error(self, outcome: _Result) -> None:
        if outcome.error is not None:
            reason, detail = outcome.error
            raise ReadError(detail, reason=reason if reason in REASONS else "malformed")

    def _document(self, outcome: _Result, ended: Exit, said: str) -> Document:
        self._raise_error(outcome)
        if outcome.end is None:
            raise self._death(ended, said)
        end = outcome.end
        try:
            return Document(
                blocks=tuple(outcome.blocks),
                title=unpack_text(end.get("title")),
                reader=unpack_text(end.get("reader")) or "",
                notes=unpack_words(end.get("notes")),
                metadata=unpack_mapping(end.get("metadata")),
            )
        except BadFrame as error:
            raise ReadError(f"The reading process sent {error}.", reason="crashed") from error

    def _death(self, ended: Exit, said: str) -> ReadError:
        """Why a child ended without a word. A parser in native code aborts when memory runs out: it either
        says so or had come near its limit."""
        cpu = ended.signal == signal.SIGXCPU or ended.cpu_s >= self.limits.cpu_s
        if cpu:
            return ReadError(
                f"Reading the file takes more than {self.limits.cpu_s} s of processor time.", reason="time"
            )
        words = said.lower()
        if (
            ended.signal == signal.SIGKILL  # not by us: the kernel was out of memory
            or "memory" in words
            or "bad_alloc" in words
            or ended.peak_bytes > self.limits.memory_bytes * NEAR_LIMIT
        ):
            return ReadError("Reading the file needs more memory than a file may use.", reason="memory")
        last = said.strip().rsplit("\n", 1)[-1][:200]
        how = f"signal {ended.signal}" if ended.signal else f"code {ended.code}"
        return ReadError(f"The parser crashed ({how}){': ' + last if last else ''}.", reason="crashed")
