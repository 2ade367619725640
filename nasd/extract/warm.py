"""The warm process that children are forked from, as its parent sees it."""

from __future__ import annotations

import array
import contextlib
import os
import socket
import subprocess
import sys
from dataclasses import dataclass

from nasd.errors import ReadError
from nasd.extract.frames import Job

START_S = 60.0  # importing the readers on a slow disk
STOP_S = 5.0


@dataclass(slots=True)
class Warm:
    """The warm process and the socket that jobs go to."""

    process: subprocess.Popen[bytes]
    control: socket.socket


def send(control: socket.socket, job: Job, fds: list[int]) -> None:
    """A job with its descriptors. OSError when the warm process is no more."""
    rights = array.array("i", fds)
    control.sendmsg([job.encode()], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)])


def launch(nice: int = 0) -> Warm:
    """Starts it, with this niceness at least, and waits until it is ready. Raises `ReadError` (crashed) when
    it does not start."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    environment = {
        "PATH": os.defpath,
        "LANG": "C.UTF-8",
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        "PYTHONDONTWRITEBYTECODE": "1",
        "MALLOC_ARENA_MAX": "1",
        "OPENBLAS_NUM_THREADS": "1",  # the warm process forks: it must not have threads
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
    with contextlib.suppress(OSError):  # it may have ended already
        os.setpriority(os.PRIO_PROCESS, process.pid, max(nice, os.nice(0)))
    warm = Warm(process, ours)
    ours.settimeout(START_S)
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


def stop(warm: Warm) -> None:
    """Closing the socket ends the warm process; its children are killed with it. The process is not tied to
    the thread that started it (as a parent-death signal would be), only to this socket."""
    with contextlib.suppress(OSError):
        warm.control.shutdown(socket.SHUT_RDWR)
    warm.control.close()
    try:
        warm.process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        warm.process.kill()
        warm.process.wait()
    if warm.process.stderr is not None:
        warm.process.stderr.close()
