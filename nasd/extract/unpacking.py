"""In the confined child: a container's members, one after the other, each asked for before it costs anything.

Nothing is written anywhere: a member lies in memory while it is read, within limits on its size, on what all
of them inflate to, on their number and on their depth. What goes wrong with a member is told of that member.
"""

from __future__ import annotations

import io
import socket
from collections.abc import Iterator, Mapping
from typing import BinaryIO

from blake3 import blake3

from nasd.domain.files import INSIDE
from nasd.domain.passages import Block
from nasd.errors import ReadError
from nasd.extract.base import Container, Notes, Packed, Reader, Source
from nasd.extract.containers.naming import Names
from nasd.extract.frames import NO, YES, Job, frame
from nasd.extract.kinds import HEAD_BYTES, kind_of, sniff
from nasd.extract.registry import entry_of
from nasd.extract.telling import explain, peak_bytes, tell_blocks, tell_end, tell_error, unreadable

_CHUNK = 1 << 16
_TEXT_RATIO = 4  # how many times the characters of one file all members together may yield
RATIO, RATIO_BYTES = 200, 32 << 20
"""A member that inflates to more than this many times its size, and to more than this, is taken for a bomb:
text shrinks to a fifth, logs to a fiftieth at most."""


class Enough(ReadError):
    """A limit of the whole container: what was read stays, the rest is left out."""

    def __init__(self, detail: str) -> None:
        super().__init__(f"{detail} The rest of it was not read.", reason="too_large")


class Weary(Exception):
    """This process has used up its memory on what it has read so far; a fresh one is to go on."""


class Unpacking:
    """One walk through a container. `out` is the result stream, on which answers come back."""

    def __init__(
        self, out: socket.socket, job: Job, readers: Mapping[str, Reader], containers: Mapping[str, Container]
    ) -> None:
        self._out = out
        self._job = job
        self._readers = readers
        self._containers = containers
        self._names = Names()
        self._inflated = 0
        self._held = 0
        self._chars_left = _TEXT_RATIO * job.output_chars

    def run(self, source: Source) -> None:
        """Tells of everything in the container, at last of the container itself. Raises when it cannot be
        opened at all."""
        notes = Notes()
        self._blocks(source, notes)
        try:
            self._members(source, notes, "", 1)
        except Enough as error:
            notes.warnings.append(error.detail)
        self._end(source.kind, notes)

    def _members(self, source: Source, notes: Notes, prefix: str, depth: int) -> None:
        """Damage after the first member costs the rest, not what was read."""
        container = self._containers[source.kind]
        members = container.members(source, notes, self._spend)
        found = 0
        while True:
            try:
                packed = next(members, None)
            except (Enough, ConnectionError):
                raise
            except BaseException as error:  # a native decoder may raise what is no Exception
                if not found:
                    raise
                notes.warnings.append(
                    f"Only {found} files in it could be read: {explain(error, self._job)[1]}"
                )
                return
            if packed is None:
                return
            found += 1
            self._member(packed, prefix, depth)

    def _member(self, packed: Packed, prefix: str, depth: int) -> None:
        if len(self._names) >= self._job.members:
            raise Enough(f"It holds more than {self._job.members:,} files.")
        name = self._names.give(prefix, packed.name)
        promised = kind_of(name).name
        size = min(max(packed.size, 0), 1 << 60)
        if not self._ask({"member": [name, size, packed.mtime_ns, promised]}):
            return
        before, peak = self._held, peak_bytes()
        notes = Notes()
        kind, opened = promised, False
        try:
            data = self._inflate(packed)
            self._held += data.getbuffer().nbytes
            source = self._judged(data, name, promised)
            kind = source.kind
            if depth >= self._job.depth and kind in self._containers and kind not in self._readers:
                raise ReadError(
                    f"It lies in {depth} containers; no more are opened within one another.",
                    reason="too_large",
                )
            entry = entry_of(kind)
            assert entry is not None
            wanted = self._ask(
                {"hashed": [data.getbuffer().nbytes, kind, blake3(data.getbuffer()).hexdigest(), entry.label]}
            )
            if wanted:
                self._blocks(source, notes)
            opened = True
            if kind in self._containers and depth < self._job.depth:
                self._members(source, notes, name + INSIDE, depth + 1)
            self._end(kind, notes)
        except Enough as error:
            if opened:
                notes.warnings.append(error.detail)
                self._end(kind, notes)
            else:
                tell_error(self._out, error.reason, error.detail)
            raise
        except (ConnectionError, Weary):
            raise
        except BaseException as error:
            reason, detail = explain(error, self._job, peak)
            del error
            tell_error(self._out, reason, detail)
            if reason == "memory":
                raise Weary from None
        finally:
            self._held = before

    def _judged(self, data: io.BytesIO, name: str, promised: str) -> Source:
        kind = sniff(bytes(data.getbuffer()[:HEAD_BYTES]), promised)
        if kind not in self._readers and kind not in self._containers:
            raise unreadable(kind, promised)
        return Source(name=name, size=data.getbuffer().nbytes, kind=kind, stream=data)

    def _inflate(self, packed: Packed) -> io.BytesIO:
        """A member's bytes, in memory."""
        return held(packed, min(self._job.member_bytes, self._job.held_bytes - self._held))

    def _blocks(self, source: Source, notes: Notes) -> None:
        reader = self._readers.get(source.kind)
        if reader is None:
            return
        tell_blocks(self._out, self._counted(reader.read(source, notes)), self._job.output_chars)
        source.stream.seek(0)

    def _counted(self, blocks: Iterator[Block]) -> Iterator[Block]:
        for block in blocks:
            self._chars_left -= len(block.text)
            if self._chars_left < 0:
                raise Enough("It holds more text than a container may yield.")
            yield block

    def _spend(self, count: int) -> None:
        self._inflated += count
        if self._inflated > self._job.inflated_bytes:
            raise Enough(f"It inflates to more than {self._job.inflated_bytes >> 20:,} MiB.")

    def _ask(self, question: Mapping[str, object]) -> bool:
        self._out.sendall(frame(question))
        answer = self._out.recv(1)
        if answer not in (YES, NO):
            raise ConnectionError("nobody wants to know")
        return answer == YES

    def _end(self, kind: str, notes: Notes) -> None:
        entry = entry_of(kind)
        assert entry is not None
        tell_end(self._out, entry.label, notes)


def held(packed: Packed, most: int) -> io.BytesIO:
    """A member's bytes in memory, `most` at most. Raises `ReadError`."""
    data = io.BytesIO()
    for chunk in inflated(packed, most):
        data.write(chunk)
    data.seek(0)
    return data


def inflated(packed: Packed, most: int) -> Iterator[bytes]:
    """A member's bytes as they come. Raises `ReadError` (too_large) before there are more than `most`, or so
    many that only a bomb has them."""
    if packed.packed_size is not None:
        most = min(most, max(RATIO_BYTES, RATIO * packed.packed_size))
    if packed.size > most:
        raise _too_large(packed.size, most)
    total = 0
    with packed.open() as stream:
        for chunk in _chunks(stream):
            total += len(chunk)
            if total > most:
                raise _too_large(None, most)
            yield chunk


def _chunks(stream: BinaryIO) -> Iterator[bytes]:
    while chunk := stream.read(_CHUNK):
        yield chunk


def _too_large(size: int | None, most: int) -> ReadError:
    told = f"has {size:,} bytes" if size is not None else "inflates to more than that"
    return ReadError(f"It {told}; at most {most:,} of it are read within its container.", reason="too_large")
