"""A child process that loads a model once and answers one question after another; it ends when none has come
for a while, because it is large.

Frames of a 4-byte big-endian length and that many bytes come from its standard output; what it is asked is
written to its standard input as it is. Its first frame says `"ready"`.
"""

from __future__ import annotations

import contextlib
import os
import select
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

from nasd.errors import ReadError

_START_S, _IDLE_S = 120.0, 60.0
_MOST_REPLY = 16 << 20
_LENGTH = struct.Struct(">I")


class ServingChild:
    """Thread-safe as long as one caller at a time holds `turn`, which `ask` needs."""

    def __init__(
        self, module: str, *arguments: str, what: str, wall_s: float, idle_s: float = _IDLE_S
    ) -> None:
        """`module` is run with `arguments`; `what` it does, as in "The recognising process"; `wall_s` is how
        long an answer may take, and `idle_s` how long it is kept when nothing is asked."""
        self._command = [sys.executable, "-P", "-s", "-m", module, *arguments]
        self._what = what
        self._wall_s = wall_s
        self._idle_s = idle_s
        self._lock = threading.Lock()  # one question at a time
        self._child: subprocess.Popen[bytes] | None = None
        self._idle: threading.Timer | None = None
        self._closed = False

    @contextlib.contextmanager
    def turn(self) -> Iterator[None]:
        """Held for the questions about one thing; the child is not ended meanwhile, but by `close`."""
        with self._lock:
            self._stay()
            try:
                yield
            finally:
                self._leave_later()

    def ask(self, question: bytes) -> bytes:
        """The answer. Starts the child if it does not run. Raises `ReadError`: time, crashed; temporary when
        that is not the question's fault."""
        child = self._started()
        assert child.stdin is not None
        try:
            child.stdin.write(question)
            child.stdin.flush()
            return self._answer(child, self._wall_s)
        except (OSError, EOFError) as error:
            self._kill()
            raise ReadError(
                f"{self._what} ended while it was at work.", reason="crashed", temporary=self._closed
            ) from error
        except TimeoutError as error:
            self._kill()
            raise ReadError(f"{self._what} takes longer than {self._wall_s:g} s.", reason="time") from error

    def close(self) -> None:
        """Ends the child, whatever it does; what it is asked fails as temporary."""
        self._closed = True
        self._stay()
        self._kill()

    def _started(self) -> subprocess.Popen[bytes]:
        if self._closed:
            raise ReadError("nasd is stopping.", reason="crashed", temporary=True)
        if self._child is not None and self._child.poll() is None:
            return self._child
        environment = {
            "PATH": os.defpath,
            "LANG": "C.UTF-8",
            "HOME": "/nonexistent",
            "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
            "PYTHONDONTWRITEBYTECODE": "1",
            "MALLOC_ARENA_MAX": "2",
        }
        self._child = subprocess.Popen(
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            cwd="/",
        )
        try:
            if self._answer(self._child, _START_S) != b'"ready"':
                raise EOFError
        except (OSError, EOFError, TimeoutError) as error:
            self._kill()
            raise ReadError(f"{self._what} does not start.", reason="crashed", temporary=True) from error
        return self._child

    def _answer(self, child: subprocess.Popen[bytes], within_s: float) -> bytes:
        deadline = time.monotonic() + within_s
        (length,) = _LENGTH.unpack(_exactly(child, _LENGTH.size, deadline))
        if length > _MOST_REPLY:
            raise EOFError
        return _exactly(child, length, deadline)

    def _stay(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None

    def _leave_later(self) -> None:
        self._idle = threading.Timer(self._idle_s, self._leave)
        self._idle.daemon = True
        self._idle.start()

    def _leave(self) -> None:
        with self._lock:
            self._kill()

    def _kill(self) -> None:
        child, self._child = self._child, None
        if child is None:
            return
        child.kill()
        child.wait()
        for pipe in (child.stdin, child.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()


def _exactly(child: subprocess.Popen[bytes], count: int, deadline: float) -> bytes:
    assert child.stdout is not None
    handle = child.stdout.fileno()
    data = bytearray()
    while len(data) < count:
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([handle], [], [], left)[0]:
            raise TimeoutError
        piece = os.read(handle, count - len(data))
        if not piece:
            raise EOFError
        data += piece
    return bytes(data)
