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
import select
import signal
import socket
import sys
from dataclasses import dataclass
from itertools import product
from typing import NoReturn

from nasd.errors import ReadError
from nasd.extract import confine, lots, samples_media
from nasd.extract.base import Container, Notes, Reader, Source
from nasd.extract.frames import (
    JOB_BYTES,
    Exit,
    Job,
    frame,
    pack_block,
    pack_picture,
    pack_sound,
)
from nasd.extract.kinds import HEAD_BYTES, sniff
from nasd.extract.pictured import DRAWN_KINDS, FORMS
from nasd.extract.pictures import draw
from nasd.extract.registry import CONTAINERS, READERS, load_container, load_reader
from nasd.extract.samples import packed_samples, samples
from nasd.extract.sounds import listen
from nasd.extract.taking import Taking
from nasd.extract.telling import explain, tell_blocks, tell_end, tell_error, unreadable
from nasd.extract.unpacking import Unpacking, Weary

_DESCRIPTORS = 4  # file, result, errors, life line


@dataclass(slots=True)
class _Running:
    pid: int
    life: socket.socket


def main(descriptor: int) -> None:
    """Serves until the other end of the socket closes, then kills what still runs."""
    control = socket.socket(fileno=descriptor)
    readers = {kind: load_reader(kind) for kind in READERS}
    containers = {kind: load_container(kind) for kind in CONTAINERS}
    _warm_up(readers, containers)
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
                if not _start(control, running, poll, readers, containers, (wake, woken)):
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


def _warm_up(readers: dict[str, Reader], containers: dict[str, Container]) -> None:
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
        lot = samples_media.pictures() if kind == "image" else [data] if kind in DRAWN_KINDS else []
        for picture, form in product(lot, FORMS):
            source = Source(name="sample", size=len(picture), kind=kind, stream=io.BytesIO(picture))
            frame({"picture": pack_picture(draw(source, page=1, edge=32, form=form))})
    for data in samples_media.recordings():
        source = Source(name="sample", size=len(data), kind="audio", stream=io.BytesIO(data))
        frame({"sound": pack_sound(listen(source, start_ms=0, span_ms=100))})
    for kind, examples in packed_samples().items():
        for data in examples:
            source = Source(name="sample", size=len(data), kind=kind, stream=io.BytesIO(data))
            for member in containers[kind].members(source, Notes(), lambda count: None):
                member.open().read()


def _start(
    control: socket.socket,
    running: dict[int, _Running],
    poll: select.poll,
    readers: dict[str, Reader],
    containers: dict[str, Container],
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
            _become(parent, file, result, errors, Job.decode(data), readers, containers)
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
    parent: int,
    file: int,
    result: int,
    errors: int,
    job: Job,
    readers: dict[str, Reader],
    containers: dict[str, Container],
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
        _deliver(out, file, job, readers, containers)
    except BaseException as error:  # a native parser may raise what is no Exception
        reason, detail = explain(error, job)
        del error
        tell_error(out, reason, detail)
    os._exit(0)


def _deliver(
    out: socket.socket,
    file: int,
    job: Job,
    readers: dict[str, Reader],
    containers: dict[str, Container],
) -> None:
    stream = io.BufferedReader(io.FileIO(file, "rb"), 1 << 16)
    stream.seek(0)
    if job.texts:
        for text in lots.unpacked(stream):
            out.sendall(lots.told(text, readers, job.output_chars))
        return
    head = stream.read(HEAD_BYTES)
    stream.seek(0)
    kind = sniff(head, job.kind)
    if job.page:
        if kind not in DRAWN_KINDS:
            raise ReadError(f"Files of kind {kind} have no pages to draw.", reason="unsupported")
        source = Source(name=job.name, size=job.size, kind=kind, stream=stream)
        picture = draw(source, page=job.page, edge=job.edge, form=job.form)
        out.sendall(frame({"picture": pack_picture(picture)}))
        return
    source = Source(name=job.name, size=job.size, kind=kind, stream=stream)
    if job.span_ms:
        sound = listen(source, start_ms=job.start_ms, span_ms=job.span_ms)
        out.sendall(frame({"sound": pack_sound(sound)}))
        return
    if job.members:
        if kind not in containers:
            raise unreadable(kind, job.kind)
        try:
            if job.taken_bytes:
                Taking(out, job, containers).run(source)
            else:
                Unpacking(out, job, readers, containers).run(source)
        except Weary:
            out.sendall(frame({"again": True}))
        except ConnectionError:
            pass  # nobody listens any more
        return
    reader = readers.get(kind)
    if reader is None:
        raise unreadable(kind, job.kind)
    notes = Notes()
    tell_blocks(out, reader.read(source, notes), job.output_chars)
    if kind != job.kind:
        notes.metadata["kind"] = kind
    tell_end(out, READERS[kind].label, notes)


if __name__ == "__main__":
    main(int(sys.argv[1]))
