"""Content lines of iCalendar and vCard (RFC 5545, 6350, vCard 2.1): unfolded, with their line numbers."""

from __future__ import annotations

import base64
import binascii
import quopri
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from nasd.extract.readers.decoding import decode

_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_SPLIT = re.compile(r'((?:[^";:]|"[^"]*")*)([;:])')
_NAME = re.compile(r"(?:[A-Za-z0-9_-]{1,60}\.)?([A-Za-z0-9_-]{1,60})$")


@dataclass(frozen=True, slots=True, kw_only=True)
class ContentLine:
    """One property. `name` in capitals without its group; `value` is raw: escapes are still in it."""

    name: str
    value: str
    parameters: dict[str, list[str]] = field(default_factory=dict)
    line_start: int
    line_end: int

    @property
    def text(self) -> str:
        return unescape(self.value)

    def fields(self, separator: str = ";") -> list[str]:
        """A compound value's parts, unescaped."""
        parts = re.split(rf"(?<!\\){separator}", self.value)
        return [unescape(part).strip() for part in parts]


def unescape(value: str) -> str:
    return _ESCAPED.sub(lambda match: "\n" if match[1] in "nN" else match[1], value).strip()


def content_lines(data: bytes) -> tuple[list[ContentLine], str]:
    """Every property of a file in order, and its encoding. Lines that are no property are passed over."""
    text, encoding = decode(data)
    return list(_parsed(text)), encoding


def _parsed(text: str) -> Iterator[ContentLine]:
    for first, last, line in _unfolded(text.splitlines()):
        parameters: dict[str, list[str]] = {}
        at, name = 0, ""
        while (match := _SPLIT.match(line, at)) is not None:
            at = match.end()
            if not name:
                name = match[1]
            else:
                key, _, value = match[1].partition("=")  # vCard 2.1 names a type without "TYPE="
                words = [word.strip('"') for word in (value or key).split(",")]
                parameters.setdefault(key.upper() if value else "TYPE", []).extend(words)
            if match[2] == ":":
                break
        named = _NAME.match(name.strip())
        if named is None or at == 0 or line[at - 1] != ":":
            continue
        yield ContentLine(
            name=named[1].upper(),
            value=_decoded(line[at:], parameters),
            parameters=parameters,
            line_start=first,
            line_end=last,
        )


def _unfolded(lines: list[str]) -> Iterator[tuple[int, int, str]]:
    parts: list[str] = []
    start = 0
    for number, line in enumerate(lines, start=1):
        soft = bool(parts) and parts[-1].endswith("=") and "QUOTED-PRINTABLE" in parts[0][:200].upper()
        if parts and soft:
            parts[-1] = parts[-1][:-1]
            parts.append(line)
        elif parts and line[:1] in (" ", "\t"):
            parts.append(line[1:])
        else:
            if parts:
                yield start, number - 1, "".join(parts)
            parts, start = [line], number
    if parts:
        yield start, len(lines), "".join(parts)


def _decoded(value: str, parameters: dict[str, list[str]]) -> str:
    encodings = [word.upper() for word in (*parameters.get("ENCODING", ()), *parameters.get("TYPE", ()))]
    charset = (parameters.get("CHARSET") or ["utf-8"])[0]
    try:
        if "QUOTED-PRINTABLE" in encodings:
            data = quopri.decodestring(value.encode("latin-1", "replace"))
            text = decode(data, charset)[0]
            return (
                text.replace("\\", "\\\\").replace("\r\n", "\n").replace("\n", "\\n").replace("\\\\;", "\\;")
            )
        if "BASE64" in encodings and len(value) < 100_000:
            return decode(base64.b64decode(value), charset)[0]
    except (binascii.Error, ValueError):
        pass
    return value


def shown_time(value: str, zone: str | None = None) -> str:
    """A date or time of the basic ISO 8601 form as people write it: "2024-05-01 10:00 UTC". Anything else
    stays as it is."""
    match = re.fullmatch(
        r"(\d{4})-?(\d\d)-?(\d\d)(?:[T ](\d\d):?(\d\d)(?::?\d\d)?(?:\.\d+)?(Z)?.*)?", value.strip()
    )
    if match is None:
        return value.strip()
    date = f"{match[1]}-{match[2]}-{match[3]}"
    if match[4] is None:
        return date
    where = "UTC" if match[6] else zone or ""
    return f"{date} {match[4]}:{match[5]} {where}".strip()
