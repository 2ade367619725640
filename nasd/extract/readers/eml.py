"""Mail messages: the main headers, the text (plain before HTML), the names of what is attached."""

from __future__ import annotations

import email
import email.policy
from collections.abc import Iterator
from email.header import decode_header, make_header
from email.message import Message

from nasd.domain.passages import Block
from nasd.extract.base import Notes, Source
from nasd.extract.readers.decoding import decode
from nasd.extract.readers.flow import settle, squeeze
from nasd.extract.readers.html import read_html
from nasd.extract.readers.lines import paragraphs, split_lines

_HEADERS = ("Subject", "From", "To", "Cc", "Date")
_MAX_PARTS = 1000
_MAX_HEADER_CHARS = 4000  # a list of thousands of recipients helps nobody find the message
_MAX_HEADER_BYTES = 1 << 20


class EmlReader:
    name = "eml"
    version = 1

    def read(self, source: Source, notes: Notes) -> Iterator[Block]:
        # The older policy: the newer one parses each header's grammar, which hostile headers make quadratic
        # and malformed ones make fail.
        message = email.message_from_bytes(source.stream.read(), policy=email.policy.compat32)
        yield from settle(_message(message, notes))


def _message(root: Message, notes: Notes) -> Iterator[Block]:
    """Messages within messages follow in order; the walk holds its own stack, however deep they lie."""
    attached: list[str] = []
    stack: list[Message] = [root]
    for _ in range(_MAX_PARTS):
        if not stack:
            break
        part = stack.pop()
        inner = part.get_content_type() != "message/rfc822" and (part.get("Subject") or part.get("From"))
        if part is root or inner:
            yield from _headers(part, notes)
        children = _children(part)
        if children:
            stack.extend(reversed(_chosen(part, children)))
            continue
        if part.is_multipart():
            continue
        name = part.get_filename()
        if name or part.get_content_disposition() == "attachment":
            attached.append(squeeze(readable(name or part.get_content_type())))
            continue
        yield from _body(part, notes)
    if stack:
        notes.warnings.append(f"The message has more than {_MAX_PARTS} parts; the rest was not read.")
    if attached:
        yield Block(text="Attachments: " + ", ".join(attached))


def _children(part: Message) -> list[Message]:
    payload = part.get_payload()
    return [item for item in payload if isinstance(item, Message)] if isinstance(payload, list) else []


def _chosen(part: Message, children: list[Message]) -> list[Message]:
    """Of alternatives the plain text, else the last one, which the sender likes best (RFC 2046)."""
    if part.get_content_type() != "multipart/alternative":
        return children
    for child in children:
        text = child.get_payload(decode=True) if child.get_content_type() == "text/plain" else None
        if isinstance(text, bytes) and text.strip():
            return [child]
    return children[-1:]


def _headers(part: Message, notes: Notes) -> Iterator[Block]:
    lines = []
    for name in _HEADERS:
        # The raw values: `get_all` has already replaced bytes that are not ASCII.
        values = [value for key, value in part.raw_items() if key.lower() == name.lower()][:5]
        text = ", ".join(squeeze(readable(value)) for value in values)[:_MAX_HEADER_CHARS]
        if text:
            lines.append(f"{name}: {text}")
            if name == "Subject" and notes.title is None:
                notes.title = text[:300]
    yield Block(text="\n".join(lines))


def readable(value: object) -> str:
    """A header's value with its encoded words decoded; raw bytes that should have been encoded, guessed."""
    if isinstance(value, tuple):
        value = value[2]
    raw = str(value)[:_MAX_HEADER_BYTES]
    data = raw.encode("utf-8", "surrogateescape")
    if not data.isascii():
        raw = decode(data)[0]
    if "=?" not in raw:
        return raw
    try:
        return str(make_header(decode_header(raw)))
    except (LookupError, ValueError, UnicodeError):
        return raw


def _body(part: Message, notes: Notes) -> Iterator[Block]:
    kind = part.get_content_type()
    if not kind.startswith("text/"):
        return
    data = part.get_payload(decode=True)
    if not isinstance(data, bytes):
        return
    charset = part.get_content_charset()
    text, _ = decode(data, None if charset in (None, "us-ascii") else charset)
    if kind == "text/html":
        yield from read_html(text, Notes(title=""))
        return
    for span in paragraphs(text, split_lines(text)):
        yield Block(text=text[span.first.start : span.last.end].replace("\r\n", "\n"))
