"""What the confined child says of a file: its blocks, its end, or why it cannot be read."""

from __future__ import annotations

import resource
import socket
from collections.abc import Iterator

from nasd.domain.passages import Block
from nasd.errors import ReadError
from nasd.extract.base import Notes
from nasd.extract.frames import NEAR_LIMIT, Job, batches, frame, pack_block
from nasd.extract.joining import join_plenty
from nasd.extract.unseen import part_unseen

FRAME_CHARS = 64_000


class _OutputLimit(Exception):
    pass


def tell_blocks(out: socket.socket, blocks: Iterator[Block], most_chars: int) -> None:
    """As they are read. Raises when there are more than `most_chars` characters, and what the reader does."""
    for lot in batches(_counted(join_plenty(part_unseen(blocks)), most_chars), FRAME_CHARS):
        out.sendall(frame({"blocks": [pack_block(block) for block in lot]}))


def _counted(blocks: Iterator[Block], most: int) -> Iterator[Block]:
    total = 0
    for block in blocks:
        total += len(block.text) + len(block.after)
        if total > most:
            raise _OutputLimit
        yield block


def tell_end(out: socket.socket, reader: str, notes: Notes) -> None:
    end = {
        "title": notes.title or None,
        "reader": reader,
        "notes": notes.warnings,
        "metadata": notes.metadata,
    }
    out.sendall(frame({"end": end}))


def tell_error(out: socket.socket, reason: str, detail: str) -> None:
    out.sendall(frame({"error": {"reason": reason, "detail": detail}}))


def peak_bytes() -> int:
    """The most that this process has had in memory."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def explain(error: BaseException, job: Job, peak_before: int = 0) -> tuple[str, str]:
    """Reason and detail. Native parsers report a failed allocation as they like ("cannot parse"): near the
    limit, and above the peak before, it is memory."""
    if isinstance(error, ReadError):
        return error.reason, error.detail
    if isinstance(error, RecursionError):
        return "malformed", "Its parts are nested too deeply."
    if isinstance(error, _OutputLimit):
        return "output", "The file holds more text than a file may yield."
    peak = peak_bytes()
    if isinstance(error, MemoryError) or peak > max(peak_before, job.memory_bytes * NEAR_LIMIT):
        return "memory", "Reading the file needs more memory than a file may use."
    return "malformed", f"{type(error).__name__}: {str(error)[:300]}"


def unreadable(kind: str, promised: str) -> ReadError:
    """Why nothing reads bytes of this kind, in a file whose name promised another."""
    if kind == "locked":
        return ReadError("The file is protected by a password.", reason="encrypted")
    if kind == "binary":
        return ReadError("The file is no text and of no known format.", reason="unsupported")
    if kind == promised:
        return ReadError(f"Files of kind {kind} cannot be read yet.", reason="unsupported")
    return ReadError(
        f"By its content the file is of kind {kind}, which cannot be read yet.", reason="unsupported"
    )
