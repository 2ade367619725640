"""In the confined child: members taken out of a container as they are, byte for byte.

The walk is that of `unpacking`, so the same members have the same names; what nobody asked for is not
inflated, where the format lets it be passed over.
"""

from __future__ import annotations

import io
import socket
from collections.abc import Iterable, Iterator, Mapping

from nasd.domain.files import INSIDE
from nasd.errors import ReadError
from nasd.extract.base import Container, Notes, Packed, Source
from nasd.extract.containers.naming import Names
from nasd.extract.frames import BOTH, INTO, NO, YES, Job, frame, pack_bytes
from nasd.extract.kinds import HEAD_BYTES, kind_of, sniff
from nasd.extract.telling import explain, peak_bytes, tell_error, unreadable
from nasd.extract.unpacking import held, inflated

_PORTION = 1 << 18


class Taking:
    """One walk through a container. `out` is the result stream, on which answers come back."""

    def __init__(self, out: socket.socket, job: Job, containers: Mapping[str, Container]) -> None:
        self._out = out
        self._job = job
        self._containers = containers
        self._names = Names()
        self._inflated = 0
        self._held = 0

    def run(self, source: Source) -> None:
        """Raises when the container cannot be opened, or is damaged before its end."""
        self._members(source, "", 1)
        self._out.sendall(frame({"end": {}}))

    def _members(self, source: Source, prefix: str, depth: int) -> None:
        for packed in self._containers[source.kind].members(source, Notes(), self._spend):
            if len(self._names) >= self._job.members:
                raise ReadError(f"It holds more than {self._job.members:,} files.", reason="too_large")
            self._member(packed, self._names.give(prefix, packed.name), depth)

    def _member(self, packed: Packed, name: str, depth: int) -> None:
        answer = self._ask(name, packed)
        if answer == NO:
            return
        before, peak = self._held, peak_bytes()
        try:
            if answer == YES:
                self._send(inflated(packed, self._job.taken_bytes))
            else:
                self._walk(packed, name, depth, whole=answer == BOTH)
            self._out.sendall(frame({"end": {}}))
        except ConnectionError:
            raise
        except BaseException as error:  # a native decoder may raise what is no Exception
            reason, detail = explain(error, self._job, peak)
            del error
            tell_error(self._out, reason, detail)
        finally:
            self._held = before

    def _walk(self, packed: Packed, name: str, depth: int, *, whole: bool) -> None:
        """What lies in a member, which is held in memory meanwhile."""
        data = held(packed, min(self._job.member_bytes, self._job.held_bytes - self._held))
        if whole:
            self._send(_portions(data))
        promised = kind_of(name).name
        kind = sniff(bytes(data.getbuffer()[:HEAD_BYTES]), promised)
        if kind not in self._containers:
            raise unreadable(kind, promised)
        if depth >= self._job.depth:
            raise ReadError(f"It lies in more than {depth} containers.", reason="too_large")
        self._held += data.getbuffer().nbytes
        source = Source(name=name, size=data.getbuffer().nbytes, kind=kind, stream=data)
        self._members(source, name + INSIDE, depth + 1)

    def _send(self, chunks: Iterable[bytes]) -> None:
        for chunk in chunks:
            self._out.sendall(frame({"bytes": pack_bytes(chunk)}))
        self._out.sendall(frame({"whole": True}))

    def _spend(self, count: int) -> None:
        self._inflated += count
        if self._inflated > self._job.inflated_bytes:
            raise ReadError(
                f"It inflates to more than {self._job.inflated_bytes >> 20:,} MiB.", reason="too_large"
            )

    def _ask(self, name: str, packed: Packed) -> bytes:
        size = min(max(packed.size, 0), 1 << 60)
        self._out.sendall(frame({"member": [name, size, packed.mtime_ns, kind_of(name).name]}))
        answer = self._out.recv(1)
        if answer not in (YES, NO, INTO, BOTH):
            raise ConnectionError("nobody wants to know")
        return answer


def _portions(data: io.BytesIO) -> Iterator[bytes]:
    while chunk := data.read(_PORTION):
        yield chunk
    data.seek(0)
