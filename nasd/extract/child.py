"""The confined child: a warm process that has imported every reader and forks once per file.

`python -m nasd.extract.child DESCRIPTOR` serves jobs that arrive on a Unix socket. It runs one thread and
never reads a file itself; each fork gives up its rights (`confine`), reads its one file and ends. Forking a
warm process costs milliseconds where starting Python and importing the parsers costs most of a second.
"""

from __future__ import annotations

import array
import contextlib
import encodings
import gc
import importlib
import io
import os
import pkgutil
import resource
import select
import signal
import socket
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NoReturn

from nasd.domain.passages import Block
from nasd.errors import ReadError
from nasd.extract import confine
from nasd.extract.base import Notes, Reader, Source
from nasd.extract.frames import JOB_BYTES, NEAR_LIMIT, Exit, Job, batches, frame, pack_block
from nasd.extract.kinds import HEAD_BYTES, sniff
from nasd.extract.registry import READERS, load_reader
from nasd.extract.samples import samples

FRAME_CHARS = 64_000
_DESCRIPTORS = 4  # file, result, errors, life line


class _OutputLimit(Exception):
    pass


@dataclass(slots=True)
class _Running:
    pid: int
    life: socket.socket


def main(descriptor: int) -> None:
    """Serves until the other end of the socket closes, then kills what still runs."""
    control = socket.socket(fileno=descriptor)
    readers = {kind: load_reader(kind) for kind in READERS}
    _warm_up(readers)
    gc.collect()
    gc.freeze()  # keeps collections in the forks from copying the shared pages
    control.send(b"ready")
    wake, woken = os.pipe()
    for end in (wake, woken):
        os.set_blocking(end, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(woken, warn_on_full_buffer=False)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal's Ctrl-C is the daemon's to handle
    running: dict[int, _Running] = {}
    poll = select.poll()
    poll.register(control, select.POLLIN)
    poll.register(wake, select.POLLIN)
    while True:
        for fd, _ in poll.poll():
            if fd == control.fileno():
                if not _start(control, running, poll, readers, (wake, woken)):
                    for other in running.values():
                        _kill(other.pid)
                    return
            elif fd == wake:
                with contextlib.suppress(BlockingIOError):
                    while os.read(wake, 512):
                        pass
                _reap(running, poll)
            elif (child := running.get(fd)) is not None:
                # A byte or a hang-up: nobody wants the result any more. The byte is taken, because a socket
                # that is closed over unread data resets the other end and the report would be lost.
                with contextlib.suppress(OSError):
                    child.life.recv(16)
                _kill(child.pid)
                poll.unregister(fd)


def _warm_up(readers: dict[str, Reader]) -> None:
    """Has everything imported that readers import late: in a fork, no file can be opened any more.

    A sample that a reader refuses is a fault of this installation, and ends the process with a traceback.
    """
    for module in pkgutil.iter_modules(encodings.__path__):
        with contextlib.suppress(ImportError):  # some belong to other systems
            importlib.import_module(f"encodings.{module.name}")
    for kind, data in samples().items():
        source = Source(name="sample", size=len(data), kind=kind, stream=io.BytesIO(data))
        blocks = list(readers[kind].read(source, Notes()))
        assert blocks, kind
        frame({"blocks": [pack_block(block) for block in blocks]})


def _start(
    control: socket.socket,
    running: dict[int, _Running],
    poll: select.poll,
    readers: dict[str, Reader],
    pipe: tuple[int, int],
) -> bool:
    """Takes one job and forks for it. False when the parent is gone."""
    data, ancillary, _, _ = control.recvmsg(JOB_BYTES, socket.CMSG_SPACE(_DESCRIPTORS * 4))
    if not data:
        return False
    fds = _descriptors(ancillary)
    if len(fds) != _DESCRIPTORS:
        for fd in fds:
            os.close(fd)
        return True
    file, result, errors, life_fd = fds
    parent = os.getpid()
    try:
        pid = os.fork()
    except OSError:  # no process to be had: the closed life line tells the parent
        for fd in fds:
            os.close(fd)
        return True
    if pid == 0:
        with contextlib.suppress(BaseException):
            control.close()
            for other in (*pipe, life_fd, *(child.life.fileno() for child in running.values())):
                os.close(other)
            _become(parent, file, result, errors, Job.decode(data), readers)
        os._exit(70)
    for fd in (file, result, errors):
        os.close(fd)
    life = socket.socket(fileno=life_fd)
    running[life.fileno()] = _Running(pid, life)
    poll.register(life, select.POLLIN)
    return True


def _descriptors(ancillary: list[tuple[int, int, bytes]]) -> list[int]:
    fds = array.array("i")
    for level, kind, payload in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            fds.frombytes(payload[: len(payload) - len(payload) % fds.itemsize])
    return list(fds)


def _kill(pid: int) -> None:
    for target in (os.killpg, os.kill):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            target(pid, signal.SIGKILL)


def _reap(running: dict[int, _Running], poll: select.poll) -> None:
    """Tells each parent how its child ended. Only this process may wait for it, so no pid is ever reused
    between the decision to kill and the kill."""
    for fd, child in list(running.items()):
        pid, status, usage = os.wait4(child.pid, os.WNOHANG)
        if pid == 0:
            continue
        _kill_group(child.pid)
        code = os.waitstatus_to_exitcode(status)
        report = Exit(
            code=code if code >= 0 else None,
            signal=-code if code < 0 else None,
            peak_bytes=usage.ru_maxrss * 1024,
            cpu_s=usage.ru_utime + usage.ru_stime,
        )
        with contextlib.suppress(OSError):
            child.life.send(report.encode())
        with contextlib.suppress(KeyError):
            poll.unregister(fd)
        child.life.close()
        del running[fd]


def _kill_group(group: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)


# --- in the fork --------------------------------------------------------------------------------------------


def _become(
    parent: int, file: int, result: int, errors: int, job: Job, readers: dict[str, Reader]
) -> NoReturn:
    """Confines this process, reads the file and ends."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()
    confine.die_with_parent(parent)
    os.set_blocking(errors, False)  # nobody reads it before the end; what does not fit is dropped
    os.dup2(errors, 1)
    os.dup2(errors, 2)
    os.close(errors)
    confine.limit(memory_bytes=job.memory_bytes, cpu_s=job.cpu_s, open_files=job.open_files)
    confine.give_up_files_and_network()
    out = socket.socket(fileno=result)
    try:
        _deliver(out, file, job, readers)
    except BaseException as error:  # a native parser may raise what is no Exception
        reason, detail = _explain(error, job)
        del error
        out.sendall(frame({"error": {"reason": reason, "detail": detail}}))
    os._exit(0)


def _explain(error: BaseException, job: Job) -> tuple[str, str]:
    """Reason and detail. Native parsers report a failed allocation as they like ("cannot parse"): near the
    limit, it is memory."""
    if isinstance(error, ReadError):
        return error.reason, error.detail
    if isinstance(error, _OutputLimit):
        return "output", "The file holds more text than a file may yield."
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    if isinstance(error, MemoryError) or peak > job.memory_bytes * NEAR_LIMIT:
        return "memory", "Reading the file needs more memory than a file may use."
    return "malformed", f"{type(error).__name__}: {str(error)[:300]}"


def _deliver(out: socket.socket, file: int, job: Job, readers: dict[str, Reader]) -> None:
    stream = io.BufferedReader(io.FileIO(file, "rb"), 1 << 16)
    stream.seek(0)
    head = stream.read(HEAD_BYTES)
    stream.seek(0)
    kind = sniff(head, job.kind)
    reader = readers.get(kind)
    if reader is None:
        raise _unreadable(kind, job.kind)
    notes = Notes()
    blocks = reader.read(Source(name=job.name, size=job.size, kind=kind, stream=stream), notes)
    for lot in batches(_counted(blocks, job.output_chars), FRAME_CHARS):
        out.sendall(frame({"blocks": [pack_block(block) for block in lot]}))
    if kind != job.kind:
        notes.metadata["kind"] = kind
    end: dict[str, Any] = {
        "title": notes.title or None,
        "reader": READERS[kind].label,
        "notes": notes.warnings,
        "metadata": notes.metadata,
    }
    out.sendall(frame({"end": end}))


def _counted(blocks: Iterator[Block], most: int) -> Iterator[Block]:
    total = 0
    for block in blocks:
        total += len(block.text) + len(block.after)
        if total > most:
            raise _OutputLimit
        yield block


def _unreadable(kind: str, promised: str) -> ReadError:
    if kind == "locked":
        return ReadError("The file is protected by a password.", reason="encrypted")
    if kind == "binary":
        return ReadError("The file is no text and of no known format.", reason="unsupported")
    if kind == promised:
        return ReadError(f"Files of kind {kind} cannot be read yet.", reason="unsupported")
    return ReadError(
        f"By its content the file is of kind {kind}, which cannot be read yet.", reason="unsupported"
    )


if __name__ == "__main__":
    main(int(sys.argv[1]))
