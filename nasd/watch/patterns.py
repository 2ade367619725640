"""One line of gitignore as a compiled pattern.

Ignore files lie on volumes, where others may write them, so a pattern must not be able to stall the daemon:
stars become atomic groups that take the leftmost match and never go back, which keeps matching linear in the
length of the name. (The usual translation to `[^/]*` backtracks: eight stars against one long name take
hours.) The meaning is that of gitignore(5), compared with git itself by the tests; `?` and brackets match
characters where git matches bytes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

_ANY_FOLDERS = "(?:[^/]+/)*"
_CLASSES = {
    "alnum": "a-zA-Z0-9",
    "alpha": "a-zA-Z",
    "blank": r" \t",
    "cntrl": r"\x00-\x1f\x7f",
    "digit": "0-9",
    "graph": r"\x21-\x7e",
    "lower": "a-z",
    "print": r"\x20-\x7e",
    "punct": r"!-/:-@\[-`{-~",
    "space": r"\s",
    "upper": "A-Z",
    "xdigit": "0-9A-Fa-f",
}


class Malformed(ValueError):
    """The line can match nothing: an open bracket, a backslash with nothing after it, an empty folder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """`text` is the line as written. Without a slash inside it speaks of names anywhere below its folder,
    else of whole paths from its folder on."""

    text: str
    regex: re.Pattern[str]
    negated: bool
    folders_only: bool
    by_name: bool

    def matches(self, path: str, name: str, *, folder: bool) -> bool:
        """`path` is relative to the folder the line belongs to; `name` is its last part."""
        if self.folders_only and not folder:
            return False
        return self.regex.fullmatch(name if self.by_name else path) is not None


@lru_cache(maxsize=8192)
def parse(line: str) -> Pattern | None:
    """A line of an ignore file (without its newline), or None for a comment or a blank line.

    Raises `Malformed` for a line that could never match.
    """
    text = _without_trailing_spaces(line)
    if not text or text.startswith("#"):
        return None
    negated = text.startswith("!")
    body = text[1:] if negated else text
    folders_only = body.endswith("/")
    if folders_only:
        body = body[:-1]
    by_name = "/" not in body
    body = body.removeprefix("/")
    if not body:
        return None
    regex = _segment(body) if by_name else _path(body.split("/"))
    return Pattern(
        text=text,
        regex=re.compile(regex, re.DOTALL),
        negated=negated,
        folders_only=folders_only,
        by_name=by_name,
    )


def _without_trailing_spaces(line: str) -> str:
    kept = line.rstrip(" ")
    backslashes = len(kept) - len(kept.rstrip("\\"))
    return kept + " " if backslashes % 2 and len(kept) < len(line) else kept


def _path(segments: list[str]) -> str:
    """The runs of segments between `**` are found one after the other, each as far left as it can be."""
    runs: list[list[str]] = [[]]
    for segment in segments:
        if segment == "**":
            if runs[-1] or len(runs) == 1:
                runs.append([])
        else:
            runs[-1].append(_segment(segment))
    first, *rest = ["/".join(run) for run in runs]
    if not rest:
        return first
    middle = "".join(f"(?>(?:[^/]+/)*?{run}/)" for run in rest[:-1])
    return (f"{first}/" if first else "") + middle + (_ANY_FOLDERS + rest[-1] if rest[-1] else ".+")


def _segment(segment: str) -> str:
    if not segment:
        raise Malformed("an empty folder name")
    pieces = [""]
    at = 0
    while at < len(segment):
        char = segment[at]
        at += 1
        if char == "*":
            if pieces[-1] or len(pieces) == 1:
                pieces.append("")
        elif char == "?":
            pieces[-1] += "[^/]"
        elif char == "[":
            bracket, at = _bracket(segment, at)
            pieces[-1] += bracket
        elif char == "\\":
            if at == len(segment):
                raise Malformed("a backslash with nothing after it")
            pieces[-1] += re.escape(segment[at])
            at += 1
        else:
            pieces[-1] += re.escape(char)
    first, *rest = pieces
    if not rest:
        return first
    middle = "".join(f"(?>[^/]*?{piece})" for piece in rest[:-1])
    return f"{first}{middle}[^/]*{rest[-1]}"


def _bracket(segment: str, at: int) -> tuple[str, int]:
    """A bracket expression whose `[` stands before `at`: its regular expression, and where it ends."""
    negated = segment[at : at + 1] in ("!", "^") and at < len(segment)
    at += negated
    start, members = at, ""
    while True:
        if at >= len(segment):
            raise Malformed("an open bracket")
        char = segment[at]
        if char == "]" and at > start:
            break
        if segment.startswith("[:", at) and (end := segment.find(":]", at)) > 0:
            name = segment[at + 2 : end]
            if name not in _CLASSES:
                raise Malformed(f"an unknown class of characters: {name}")
            members += _CLASSES[name]
            at = end + 2
            continue
        low, at = _member(segment, at)
        if segment[at : at + 1] == "-" and segment[at + 1 : at + 2] not in ("", "]"):
            high, at = _member(segment, at + 1)
            if low <= high:
                members += f"{re.escape(low)}-{re.escape(high)}"
        else:
            members += re.escape(low)
    if not members:  # only ranges that run backwards: nothing is in it
        return ("[^/]" if negated else "(?!)"), at + 1
    return (f"[^/{members}]" if negated else f"(?!/)[{members}]"), at + 1


def _member(segment: str, at: int) -> tuple[str, int]:
    if segment[at] == "\\":
        at += 1
        if at >= len(segment):
            raise Malformed("an open bracket")
    return segment[at], at + 1
