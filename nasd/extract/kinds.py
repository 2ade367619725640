"""What kind of file a name promises, and whether its first bytes keep that promise. Pure.

A kind is a short stable word ("pdf", "markdown"). Every file has one: formats that cannot be read yet are
named too, so that they are reported as skipped by name. A name that says nothing is "unknown" and decided by
its first bytes.
"""

from __future__ import annotations

import codecs
from dataclasses import dataclass

from nasd.extract.formats import BARE_NAMES, FORMATS
from nasd.extract.registry import entry_of

UNKNOWN = "unknown"
HEAD_BYTES = 8192  # how much of a file `sniff` wants to see


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind and the media type (IANA where there is one) of a file."""

    name: str
    media_type: str


def _suffixes() -> dict[str, Kind]:
    kinds: dict[str, Kind] = {}
    for kind, (default, words) in FORMATS.items():
        for word in words.split():
            suffix, _, media_type = word.partition("=")
            kinds[suffix] = Kind(kind, media_type or default)
    return kinds


_SUFFIXES = _suffixes()
_ANY = Kind(UNKNOWN, "application/octet-stream")


def kind_of(name: bytes | str) -> Kind:
    """The kind a file's name (or path) promises; "unknown" when it promises nothing."""
    text = name.decode("utf-8", "replace") if isinstance(name, bytes) else name
    base = text.rsplit("/", 1)[-1].rstrip("~ ").lower()
    if (bare := BARE_NAMES.get(base)) is not None:
        return Kind(bare, FORMATS[bare][0])
    stem, dot, suffix = base.rpartition(".")
    return _SUFFIXES.get(suffix, _ANY) if dot and stem else _ANY


def supported(kind: str) -> bool:
    """Whether files of this kind can be read, or ("unknown") are worth a look at their first bytes."""
    return kind == UNKNOWN or entry_of(kind) is not None


def media_type_of(kind: str) -> str:
    """The media type of a kind whose name alone is known."""
    entry = FORMATS.get(kind)
    return entry[0] if entry else _ANY.media_type


_MAGIC: tuple[tuple[int, bytes, str], ...] = (
    (0, b"\x89PNG\r\n\x1a\n", "image"), (0, b"\xff\xd8\xff", "image"), (0, b"GIF87a", "image"),
    (0, b"GIF89a", "image"), (8, b"WEBP", "image"), (0, b"II*\0", "image"), (0, b"MM\0*", "image"),
    (0, b"8BPS", "image"), (4, b"ftyphe", "image"), (4, b"ftypavi", "image"),
    (4, b"ftypmif1", "image"), (4, b"ftypmsf1", "image"), (0, b"%!PS", "image"),
    (4, b"ftyp", "video"), (0, b"\x1aE\xdf\xa3", "video"), (8, b"AVI ", "video"),
    (0, b"ID3", "audio"), (0, b"fLaC", "audio"), (0, b"OggS", "audio"), (8, b"WAVE", "audio"),
    (0, b"\x1f\x8b", "archive"), (0, b"BZh", "archive"), (0, b"\xfd7zXZ\0", "archive"),
    (0, b"7z\xbc\xaf\x27\x1c", "archive"), (0, b"Rar!\x1a\x07", "archive"),
    (0, b"\x28\xb5\x2f\xfd", "archive"), (257, b"ustar", "archive"), (0, b"!<arch>\n", "archive"),
    (0, b"\x7fELF", "program"), (0, b"\xca\xfe\xba\xbe", "program"), (0, b"\0asm", "program"),
    (0, b"\xcf\xfa\xed\xfe", "program"),
    (0, b"SQLite format 3\0", "database"), (0, b"PAR1", "database"),
    (0, b"{\\rtf", "rtf"), (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "ole"), (0, b"PK\x03\x04", "zip"),
    (0, b"PK\x05\x06", "zip"), (0, b"age-encryption.org/v1", "encrypted"), (0, b"!BDN", "pst"),
)  # fmt: skip

_MEDIA = frozenset({"audio", "video"})
_OOXML = frozenset({"docx", "pptx", "xlsx"})
_ZIPPED = _OOXML | {"odt", "ods", "odp", "odg", "epub", "xps", "iwork"}
_OLE = frozenset({"doc", "xls", "ppt", "msg"})
_TEXTUAL = frozenset({
    "text", "markdown", "html", "code", "csv", "eml", "xml", "fb2", "calendar", "vcard", "mhtml", "ipynb",
    "rst", "org", "latex", UNKNOWN,
})  # fmt: skip
_STREAMS = (
    ("EncryptedPackage", "locked"),
    ("WordDocument", "doc"),
    ("PowerPoint Document", "ppt"),
    ("__properties_version", "msg"),
    ("Workbook", "xls"),
    ("Book", "xls"),
)
_BOMS = (codecs.BOM_UTF8, codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def sniff(head: bytes, kind: str) -> str:
    """The kind that a file really has, from the first `HEAD_BYTES` of it and the kind its name promises.

    Content wins over the name where it speaks clearly (a PDF named .txt is read as "pdf", a PNG named .pdf is
    an "image"); otherwise the name stands. The result may be a kind that cannot be read, "binary" for bytes
    that are no text although text was promised, or "locked" for an Office file under a password.
    """
    magic = _by_magic(head)
    if magic == "zip":
        return kind if kind in _ZIPPED else _zipped(head)
    if magic == "ole":
        # Password-protected OOXML files are OLE containers around the ciphertext.
        return "locked" if kind in _OOXML else _compound(head, kind)
    if magic in _MEDIA and kind in _MEDIA:
        return kind  # the same containers hold sound alone and films
    if magic is not None:
        return magic
    if kind in _TEXTUAL:
        if not looks_like_text(head):
            return "binary"
        if kind in (UNKNOWN, "markdown", "text") and _starts_as_html(head):
            return "html"
        if kind in (UNKNOWN, "xml"):
            return _xml_kind(head) or ("text" if kind == UNKNOWN else kind)
        return kind
    if (
        kind in _OLE and head and looks_like_text(head)
    ):  # programs give their exports the name of the real thing
        return "html" if _starts_as_html(head) else _xml_kind(head) or ("csv" if kind == "xls" else "text")
    return kind  # a reader that finds something else in it will say so


def _by_magic(head: bytes) -> str | None:
    if head.startswith(b"%PDF-"):
        return "pdf"
    for offset, magic, kind in _MAGIC:
        if head.startswith(magic, offset):
            return kind
    if head.startswith(b"MZ") and not looks_like_text(head):
        return "program"
    return None


def _zipped(head: bytes) -> str:
    """The kind of a zip archive by the names of its first members."""
    for marker, kind in ((b"word/", "docx"), (b"ppt/", "pptx"), (b"xl/", "xlsx")):
        if b"[Content_Types].xml" in head and marker in head:
            return kind
    if b"mimetypeapplication/epub+zip" in head[:200]:
        return "epub"
    if b"mimetypeapplication/vnd.oasis.opendocument." in head[:200]:
        rest = head[head.index(b"opendocument.") + len(b"opendocument.") :]
        names = ((b"text", "odt"), (b"spreadsheet", "ods"), (b"presentation", "odp"), (b"graphics", "odg"))
        return next((kind for word, kind in names if rest.startswith(word)), "archive")
    if b"Index/Document.iwa" in head or b"index.apxl" in head or b"QuickLook/Preview.pdf" in head:
        return "iwork"
    return "xps" if b".fdseq" in head else "archive"


def _compound(head: bytes, kind: str) -> str:
    """The kind of an OLE container by the names of its streams, where the first bytes show them."""
    found = [made for name, made in _STREAMS if name.encode("utf-16-le") in head]
    if kind in _OLE and (not found or kind in found):
        return kind
    return found[0] if found else "doc"


def _xml_kind(head: bytes) -> str | None:
    """What an XML text says of itself in its first element; None for a text that does not begin as XML."""
    start = head.removeprefix(codecs.BOM_UTF8).lstrip()
    if not start.startswith(b"<?xml"):
        return None
    for name, kind in (("text", "odt"), ("spreadsheet", "ods"), ("presentation", "odp"), ("graphics", "odg")):
        if f"vnd.oasis.opendocument.{name}".encode() in start[:4000]:
            return kind
    for mark, kind in ((b"<FictionBook", "fb2"), (b"<svg", "image"), (b"<!DOCTYPE html", "html")):
        if mark in start[:2000]:
            return kind
    return "xml"


def _starts_as_html(head: bytes) -> bool:
    start = head.removeprefix(codecs.BOM_UTF8).lstrip()[:64].lower()
    return start.startswith((b"<!doctype html", b"<html"))


def looks_like_text(head: bytes) -> bool:
    """Whether bytes can be text in some encoding: UTF-16 and UTF-32 have NULs in a regular pattern, legacy
    encodings have no NULs and hardly a control character."""
    if not head or head.startswith(_BOMS):
        return True
    if wide_encoding(head) is not None:
        return True
    if head.count(0) > len(head) // 100:  # a stray NUL is no binary
        return False
    control = sum(head.count(byte) for byte in _CONTROL)
    if control > max(2, len(head) // 50):
        return False
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)  # a head may end within a character
    except UnicodeDecodeError:
        # Random bytes: a third of them below 0x20, near 0x7f or in 0x80..0x9f; no legacy text is like that.
        strange = sum(head.count(byte) for byte in _STRANGE)
        return strange <= len(head) * 3 // 10 or control == 0
    return True


_CONTROL = bytes(b for b in (*range(1, 32), 127) if b not in b"\t\n\r\x0b\x0c\x1b\x08")
_STRANGE = bytes((*_CONTROL, *range(0x80, 0xA0)))


def wide_encoding(head: bytes) -> str | None:
    """UTF-16 or UTF-32 without a byte order mark, by where the NULs and the line breaks stand; else None.

    Scripts beyond Latin have few NULs in UTF-16; there, spaces and line breaks (U+0020, U+000A) give the
    byte order away.
    """
    sample = head[: len(head) // 4 * 4]
    if len(sample) < 4:
        return None
    quarter = len(sample) // 4
    zeros = [sample[i::4].count(0) for i in range(4)]
    if zeros[2] >= quarter * 0.99 and zeros[3] == quarter and zeros[0] <= quarter * 0.02:
        return "utf-32-le"
    if zeros[0] == quarter and zeros[1] >= quarter * 0.99 and zeros[3] <= quarter * 0.02:
        return "utf-32-be"
    half = len(sample) // 2
    even, odd = sample[0::2], sample[1::2]
    for name, low, high in (("utf-16-le", even, odd), ("utf-16-be", odd, even)):
        if low.count(0) > half // 100 or high.count(0) < max(1, half // 50):
            continue
        pairs = zip(low, high, strict=True)
        spaces = sum(1 for a, b in pairs if b == 0 and a in b" \n\r\t")
        latin = high.count(0) >= half * 7 // 10
        if not latin and spaces < max(1, half // 100):
            continue
        text = sample.decode(name, "replace")
        bad = text.count("\ufffd") + sum(1 for c in text if c < " " and c not in "\t\n\r\f")
        if bad <= len(text) // 100 + 1:  # a head may end within a surrogate pair
            return name
    return None
