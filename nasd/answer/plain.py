"""What a model writes as plain text: no markup, no pictures, of links only their words. Pure."""

from __future__ import annotations

import re

_ESCAPES = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]")
_ODD = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb"
    "\U000e0000-\U000e007f\ud800-\udfff]"
)
_PICTURE = re.compile(r"!\[[^\]\n]*\]\s?(?:\([^)\n]*\)|\[[^\]\n]*\])?")
_LINK = re.compile(r"\[([^\]\n]+)\]\([^)\n]*\)")
_AUTOLINK = re.compile(r"<((?:https?|mailto|ftp):[^>\s]+)>")
_TAG = re.compile(r"</?[A-Za-z!][^<>\n]*>")
_REFERENCE = re.compile(r"(?m)^\s*\[[^\]\n]+\]:\s*\S+.*$")
_FENCE = re.compile(r"(?m)^\s*(?:```|~~~).*$")
_LINE = re.compile(r"(?m)^\s{0,3}(?:#{1,6}\s+|>\s?|(?:[-*_]\s?){3,}$)")
_STRONG = re.compile(r"(\*\*|__|\*|~~|`+)(?=\S)(.+?)(?<=\S)\1")
_URL = re.compile(r"(?:https?://|ftp://|www\.)[^\s<>\"“”)\]}]+|\b[\w.+-]+@[\w-]+(?:\.[\w-]+)+", re.IGNORECASE)
_HOST = re.compile(
    r"\b(?:[a-z0-9-]+\.)+(?:com|org|net|info|biz|xyz|io|ru|cn|top|site|online|shop|club|de|co|me)\b"
)


def plain_text(text: str) -> str:
    """A text without markup. What it says stays; where links lead to, and pictures, go."""
    text = _ODD.sub("", _ESCAPES.sub("", text))
    text = _REFERENCE.sub("", _PICTURE.sub("", text))
    text = _TAG.sub("", _AUTOLINK.sub(r"\1", _LINK.sub(r"\1", text)))
    text = _LINE.sub("", _FENCE.sub("", text))
    for _ in range(2):  # ***both***
        text = _STRONG.sub(r"\2", text)
    return text


def addresses(text: str) -> frozenset[str]:
    """Web and mail addresses, host names too, without what may differ in writing one."""
    found = {match[0] for match in _URL.finditer(text)} | {match[0] for match in _HOST.finditer(text.lower())}
    return frozenset(
        re.sub(r"^(?:https?|ftp)://(?:www\.)?|^www\.", "", one.lower()).rstrip("/.,;:!?'") for one in found
    )
