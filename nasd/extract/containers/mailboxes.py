"""Mailboxes (mbox): each message a member, numbered in the order of the file."""

from __future__ import annotations

import email
import email.policy
import io
from collections.abc import Callable, Iterator
from email.message import Message
from email.parser import BytesHeaderParser
from email.utils import mktime_tz, parsedate_tz
from typing import BinaryIO

from nasd.errors import ReadError
from nasd.extract.base import Notes, Packed, Source
from nasd.extract.containers.naming import nanoseconds
from nasd.extract.readers.eml import readable
from nasd.extract.readers.flow import squeeze

_HEADER_BYTES = 1 << 18
_MOST_BYTES = 256 << 20  # one message; beyond, the rest of it is passed over
_SUBJECT_CHARS = 80


class Mailboxes:
    name = "mbox"
    version = 1

    def members(self, source: Source, notes: Notes, spend: Callable[[int], None]) -> Iterator[Packed]:
        for number, data in enumerate(_messages(source.stream), start=1):
            head = BytesHeaderParser(policy=email.policy.compat32).parsebytes(data[:_HEADER_BYTES])
            yield Packed(
                name=f"{number:05d} {subject_of(head)}".strip() + ".eml",
                size=len(data),
                packed_size=None,
                mtime_ns=date_of(head),
                open=_opener(data),
            )


def _opener(data: bytes) -> Callable[[], BinaryIO]:
    return lambda: io.BytesIO(data)


def _messages(stream: BinaryIO) -> Iterator[bytes]:
    """Between lines that begin with "From " after an empty line (RFC 4155); ">From " gets its mark off."""
    first = stream.readline(1 << 16)
    if not first.startswith(b"From "):
        raise ReadError("The file does not begin as a mailbox does (“From ”).", reason="malformed")
    lines: list[bytes] = []
    size, empty, whole = 0, False, True
    while line := stream.readline(1 << 16):
        if empty and whole and line.startswith(b"From "):
            yield b"".join(lines)
            lines, size = [], 0
            empty, whole = False, line.endswith(b"\n")
            continue
        if whole and line.startswith(b">") and line.lstrip(b">").startswith(b"From "):
            line = line[1:]
        empty, whole = line in (b"\n", b"\r\n"), line.endswith(b"\n")
        size += len(line)
        if size <= _MOST_BYTES:
            lines.append(line)
    yield b"".join(lines)


def subject_of(head: Message) -> str:
    """The subject as a part of a name; "" when there is none."""
    for key, value in head.raw_items():
        if key.lower() == "subject":
            return squeeze(readable(value)).replace("/", "∕")[:_SUBJECT_CHARS].strip(" .")
    return ""


def date_of(head: Message) -> int | None:
    for key, value in head.raw_items():
        if key.lower() == "date":
            try:
                parts = parsedate_tz(str(value)[:200])
                return None if parts is None else nanoseconds(mktime_tz(parts))
            except (ValueError, OverflowError, TypeError, IndexError):
                return None
    return None
