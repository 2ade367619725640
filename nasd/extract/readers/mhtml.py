"""Saved web pages (MHTML): the page and its frames; pictures and styles beside them are left out."""

from __future__ import annotations

import email
import email.policy
from collections.abc import Iterator

from nasd.domain.passages import Block
from nasd.errors import ReadError
from nasd.extract.base import Notes, Source
from nasd.extract.readers.decoding import decode
from nasd.extract.readers.eml import readable
from nasd.extract.readers.flow import settle, squeeze
from nasd.extract.readers.html import read_html

_MAX_PARTS = 1000


class MhtmlReader:
    name = "mhtml"
    version = 1

    def read(self, source: Source, notes: Notes) -> Iterator[Block]:
        message = email.message_from_bytes(source.stream.read(), policy=email.policy.compat32)
        if (subject := message.get("Subject")) is not None:
            notes.title = squeeze(readable(subject))[:300] or None
        yield from settle(_pages(message, notes))


def _pages(message: email.message.Message, notes: Notes) -> Iterator[Block]:
    found = False
    for number, part in enumerate(message.walk()):
        kind = part.get_content_type()
        data = part.get_payload(decode=True) if number < _MAX_PARTS and not part.is_multipart() else None
        if not isinstance(data, bytes) or kind not in ("text/html", "text/plain", "application/xhtml+xml"):
            continue
        found = True
        text, _ = decode(data, part.get_content_charset())
        if kind == "text/plain":
            yield from (Block(text=piece) for piece in text.replace("\r\n", "\n").split("\n\n"))
        else:
            yield from read_html(text, notes)
    if not found:
        raise ReadError("The file holds no web page.", reason="malformed")
