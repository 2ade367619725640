"""Reads files in confined child processes, several at once, and tells why one could not be read."""

from __future__ import annotations

import array
import contextlib
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field

from nasd.domain.passages import Block, Document
from nasd.errors import ReadError
from nasd.extract.base import Limits
from nasd.extract.frames import (
    NEAR_LIMIT,
    BadFrame,
    Exit,
    Frames,
    Job,
    unpack_blocks,
    unpack_mapping,
    unpack_text,
    unpack_words,
)
from nasd.extract.kinds import supported

_START_S = 60.0  # importing the readers on a slow disk
_STOP_S = 5.0
_PORTION = 1 << 18
_REASONS = frozenset(
    {"too_large", "unsupported", "encrypted", "malformed", "memory", "output", "unreadable", "crashed"}
)


class _Gone(Exception):
    """The warm process ended while a file was being read."""


@dataclass(slots=True)
class _Warm:
    """The warm process and the socket that jobs go to."""

    process: subprocess.Popen[bytes]
    control: socket.socket


@dataclass(slots=True)
class _Result:
    blocks: list[Block] = field(default_factory=list)
    chars: int = 0
    end: dict[str, object] | None = None
    error: tuple[str, str] | None = None


class Sandbox:
    """The `Extractor` of the daemon. Thread-safe: each calling thread waits for its own child.

    The warm process starts with the first file and again when it has died; a file that was being read then
    is tried once more.
    """

    def __init__(self, limits: Limits | None = None) -> None:
        self.limits = limits or Limits()
        self._lock = threading.Lock()
        self._warm: _Warm | None = None
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
        for _ in range(2):
            try:
                return self._extract(fd, name, kind, size)
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
            _stop(warm)

    def warm_up(self) -> None:
        """Starts the warm process now, so that the first file need not wait for it."""
        self._ready()

    # --- the warm process ---

    def _ready(self) -> _Warm:
        with self._lock:
            if self._closed:
                raise ReadError("nasd is stopping.", reason="crashed", temporary=True)
            if self._warm is not None and self._warm.process.poll() is None:
                return self._warm
            if self._warm is not None:
                _stop(self._warm)
            self._warm = None
            self._warm = _launch()
            return self._warm

    def _drop(self, warm: _Warm) -> None:
        with self._lock:
            if self._warm is warm:
                self._warm = None
        _stop(warm)

    # --- one file ---

    def _extract(self, fd: int, name: str, kind: str, size: int) -> Document:
        warm = self._ready()
        job = Job(
            name=name[-200:],
            size=size,
            kind=kind,
            memory_bytes=self.limits.memory_bytes,
            cpu_s=self.limits.cpu_s,
            open_files=self.limits.open_files,
            output_chars=self.limits.output_chars,
        )
        with contextlib.ExitStack() as held:
            result, result_child = socket.socketpair()
            life, life_child = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            for end in (result, result_child, life, life_child):
                held.enter_context(end)
            errors, errors_child = os.pipe()
            held.callback(os.close, errors)
            try:
                _send(warm.control, job, [fd, result_child.fileno(), errors_child, life_child.fileno()])
            except OSError as error:
                self._drop(warm)
                raise _Gone from error
            finally:
                os.close(errors_child)
                result_child.close()
                life_child.close()
            try:
                outcome, ended = self._follow(result, life)
            except _Gone:
                self._drop(warm)
                raise
            os.set_blocking(errors, False)
            with contextlib.suppress(BlockingIOError):
                said = os.read(errors, 1 << 16).decode("utf-8", "replace")
                return self._conclude(outcome, ended, said)
            return self._conclude(outcome, ended, "")

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
            elif isinstance(end := message.get("end"), dict):
                outcome.end = end
            elif isinstance(error := message.get("error"), dict):
                outcome.error = (str(error.get("reason")), (unpack_text(error.get("detail")) or "")[:500])
            else:
                raise BadFrame("an unknown message")
        if frames.pending > 8 * self.limits.output_chars + (1 << 20):
            raise ReadError("The file holds more text than a file may yield.", reason="output")
        return bool(data)

    def _kill(self, life: socket.socket) -> None:
        """Has the warm process kill the child and waits until it is gone; if it does not answer, ends it."""
        with contextlib.suppress(OSError):
            life.send(b"k")
            life.settimeout(_STOP_S)
            life.recv(4096)
            return
        with self._lock:
            warm = self._warm
        if warm is not None:
            self._drop(warm)

    def _conclude(self, outcome: _Result, ended: Exit, said: str) -> Document:
        if outcome.error is not None:
            reason, detail = outcome.error
            raise ReadError(detail, reason=reason if reason in _REASONS else "malformed")
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


def _send(control: socket.socket, job: Job, fds: list[int]) -> None:
    rights = array.array("i", fds)
    control.sendmsg([job.encode()], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)])


def _launch() -> _Warm:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    environment = {
        "PATH": os.defpath,
        "LANG": "C.UTF-8",
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        "PYTHONDONTWRITEBYTECODE": "1",
        "MALLOC_ARENA_MAX": "1",
    }
    try:
        process = subprocess.Popen(
            [sys.executable, "-P", "-s", "-m", "nasd.extract.child", str(theirs.fileno())],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            pass_fds=[theirs.fileno()],
            env=environment,
            cwd="/",
        )
    finally:
        theirs.close()
    warm = _Warm(process, ours)
    ours.settimeout(_START_S)
    try:
        ready = ours.recv(16)
    except OSError:
        ready = b""
    ours.settimeout(None)
    if ready != b"ready":
        process.kill()
        said = process.communicate()[1].decode("utf-8", "replace").strip().rsplit("\n", 1)[-1]
        ours.close()
        raise ReadError(f"The reading process does not start: {said[:300]}", reason="crashed", temporary=True)
    return warm


def _stop(warm: _Warm) -> None:
    """Closing the socket ends the warm process; its children are killed with it. The process is not tied to
    the thread that started it (as a parent-death signal would be), only to this socket."""
    with contextlib.suppress(OSError):
        warm.control.shutdown(socket.SHUT_RDWR)
    warm.control.close()
    try:
        warm.process.wait(_STOP_S)
    except subprocess.TimeoutExpired:
        warm.process.kill()
        warm.process.wait()
    if warm.process.stderr is not None:
        warm.process.stderr.close()
