"""What is attached to a mail, also to one of Outlook. Messages within a message are read as part of it; they
are no members."""

from __future__ import annotations

import email
import email.policy
import io
from collections.abc import Callable, Iterator
from email.message import Message
from typing import BinaryIO

from nasd.errors import ReadError
from nasd.extract.base import Notes, Packed, Source
from nasd.extract.containers.mailboxes import date_of
from nasd.extract.formats import FORMATS
from nasd.extract.readers.compound import Compound
from nasd.extract.readers.decoding import decode
from nasd.extract.readers.eml import readable
from nasd.extract.readers.flow import squeeze

_MAX_PARTS = 1000
_OUTLOOK_NAMES = ("3707", "3704", "3001")  # long file name, short file name, what is displayed


class Attachments:
    name = "attachments"
    version = 1

    def members(self, source: Source, notes: Notes, spend: Callable[[int], None]) -> Iterator[Packed]:
        source.stream.seek(0)
        root = email.message_from_bytes(source.stream.read(), policy=email.policy.compat32)
        sent = date_of(root)
        for number, part in enumerate(_attached(root), start=1):
            name = squeeze(readable(part.get_filename() or "")).replace("\\", "/").rsplit("/", 1)[-1]
            yield Packed(
                name=name or f"attachment {number}{_suffix(part.get_content_type())}",
                size=_size(part),
                packed_size=None,
                mtime_ns=sent,
                open=_opener(part),
            )


class OutlookAttachments:
    """After [MS-OXMSG] 2.2.2: each attachment is a storage of streams, one for each property."""

    name = "outlook attachments"
    version = 1

    def members(self, source: Source, notes: Notes, spend: Callable[[int], None]) -> Iterator[Packed]:
        source.stream.seek(0)
        compound = Compound(source.stream)
        for number, place in enumerate(compound.storages("__attach_version1.0_#")[:_MAX_PARTS], start=1):
            data = compound.find(f"{place}/__substg1.0_37010102")
            if not data:  # a message within the message, or a link to a file elsewhere
                continue
            name = _outlook_name(compound, place).replace("\\", "/").rsplit("/", 1)[-1]
            yield Packed(
                name=name or f"attachment {number}",
                size=len(data),
                packed_size=None,
                mtime_ns=None,
                open=_bytes_opener(data),
            )


def _outlook_name(compound: Compound, place: str) -> str:
    for tag in _OUTLOOK_NAMES:
        if data := compound.find(f"{place}/__substg1.0_{tag}001F"):
            return squeeze(data.decode("utf-16-le", "replace").rstrip("\0"))
        if data := compound.find(f"{place}/__substg1.0_{tag}001E"):
            return squeeze(decode(data.rstrip(b"\0"))[0])
    return ""


def _bytes_opener(data: bytes) -> Callable[[], BinaryIO]:
    return lambda: io.BytesIO(data)


def _attached(root: Message) -> Iterator[Message]:
    stack = [root]
    for _ in range(_MAX_PARTS):
        if not stack:
            return
        part = stack.pop()
        payload = part.get_payload()
        if isinstance(payload, list):
            stack.extend(item for item in reversed(payload) if isinstance(item, Message))
        elif part is not root and (part.get_filename() or part.get_content_disposition() == "attachment"):
            yield part


def _size(part: Message) -> int:
    """About what it decodes to: three bytes of four in base64."""
    payload = part.get_payload()
    length = len(payload) if isinstance(payload, str) else 0
    encoding = str(part.get("Content-Transfer-Encoding", "")).strip().lower()
    return length * 3 // 4 if encoding == "base64" else length


def _opener(part: Message) -> Callable[[], BinaryIO]:
    def opened() -> BinaryIO:
        data = part.get_payload(decode=True)
        if not isinstance(data, bytes):
            raise ReadError("The attachment cannot be decoded.", reason="malformed")
        return io.BytesIO(data)

    return opened


def _suffix(media_type: str) -> str:
    """The first suffix of a media type, for attachments that have no name."""
    for default, words in FORMATS.values():
        for word in words.split():
            suffix, _, own = word.partition("=")
            if (own or default) == media_type:
                return f".{suffix}"
    return ""
