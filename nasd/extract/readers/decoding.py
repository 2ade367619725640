"""Bytes to text, whatever the encoding."""

from __future__ import annotations

import codecs
import re

import charset_normalizer

from nasd.extract.kinds import HEAD_BYTES, wide_encoding
from nasd.extract.readers.letters import told_by_letters

_BOMS = (  # the longer ones first: UTF-32-LE begins like UTF-16-LE
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_GUESS_BYTES = 200_000  # guessing reads at most this much: its cost grows with the number of candidates
_COMMON = ("cp1252", "cp1251", "gb18030", "big5", "cp932", "cp949", "cp1250", "cp1254", "cp1253", "cp1257")
_MIXED = re.compile(r"[A-Za-z][\u0370-\u0e7f]|[\u0370-\u0e7f][A-Za-z]")  # Greek to Thai
_HIGH = re.compile(rb"[\x80-\xff]+")

_XML_ENCODING = re.compile(rb"""<\?xml[^>]{0,200}?encoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["']""")


def declared_encoding(head: bytes) -> str | None:
    """What an XML declaration names, in small letters."""
    match = _XML_ENCODING.search(head[:1024])
    return match[1].decode("ascii").lower() if match else None


def decode(data: bytes, declared: str | None = None) -> tuple[str, str]:
    """Text and the name of its encoding. `declared` is what the document says of itself, tried after a byte
    order mark. Never fails: what no encoding explains becomes U+FFFD. NULs become U+FFFD as well, because
    text stores end a string there."""
    text, encoding = _decode(data, declared)
    return (text.replace("\0", "\ufffd") if "\0" in text else text), encoding


def _decode(data: bytes, declared: str | None) -> tuple[str, str]:
    for bom, encoding in _BOMS:
        if data.startswith(bom):
            return data[len(bom) :].decode(encoding, "replace"), encoding
    if declared and (text := _try(data, declared)) is not None:
        return text, declared.lower()
    if (wide := wide_encoding(data[:HEAD_BYTES])) is not None:
        return data.decode(wide, "replace"), wide
    if (seven := _seven_bit(data)) is not None:
        return seven
    if (text := _try(data, "utf-8")) is not None:
        return text, "utf-8"
    return _guess(data)


def _try(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(codecs.lookup(encoding).name)
    except (LookupError, UnicodeError):
        return None


def _seven_bit(data: bytes) -> tuple[str, str] | None:
    """Encodings that hide in ASCII, switched by escape sequences."""
    if b"\x1b$" in data and (text := _try(data, "iso2022_jp_2")) is not None:
        return text, "iso2022_jp_2"
    if b"~{" in data and b"~}" in data and (text := _try(data, "hz")) is not None:
        return text, "hz"
    return None


def _guess(data: bytes) -> tuple[str, str]:
    """For bytes that are not valid UTF-8."""
    text = data.decode("utf-8", "replace")
    broken = text.count("\ufffd") - data.count("\ufffd".encode())
    if broken * 4 < sum(1 for c in text if c >= "\x80"):  # mostly valid: UTF-8 with a few wrong bytes
        return text, "utf-8"
    # A file may be ASCII for long: guess from the part around the first bytes that are not.
    first = _HIGH.search(data)
    start = max(0, (first.start() if first else 0) - 2000)
    sample = data[start : start + _GUESS_BYTES]
    for encoding in (told_by_letters(sample) or _likeliest(sample), "cp1252"):
        if encoding is None:
            continue
        if (guessed := _try(data, encoding)) is not None:
            return guessed, encoding
        if len(data) > _GUESS_BYTES and encoding != "cp1252":
            return data.decode(encoding, "replace"), encoding
    return data.decode("latin-1"), "latin-1"


def _likeliest(sample: bytes) -> str | None:
    """The least messy guesses first, then the one most like a language, then the most common.

    Letters of two alphabets within a word rule a guess out. Without the last step Spanish in cp1252 comes
    out as cp1250, which reads the same but for its accents.
    """
    guesses = [g for g in charset_normalizer.from_bytes(sample) if not _MIXED.search(str(g))]
    if not guesses:
        return None
    clean = min(guess.chaos for guess in guesses) + 0.012
    scores = {g.encoding: g.coherence - 2 * g.chaos for g in guesses if g.chaos <= clean}
    best = max(scores.values()) - 0.01
    near = [encoding for encoding, score in scores.items() if score >= best]
    return next((encoding for encoding in _COMMON if encoding in near), near[0])
