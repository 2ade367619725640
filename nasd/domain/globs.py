"""Globs over paths within a volume, for filters and policy alike.

    *       any run of characters within one folder
    **      as a whole step of the path: any number of folders, also none; at the end, all that is below
    ?       one character, never "/"
    [a-z]   one character of a set, [!a-z] one outside it
    \\x      x itself

A glob speaks of the whole path, case included; one that ends in "/" means all that is below that folder.
"""

from __future__ import annotations

import re
from functools import lru_cache

_SPECIAL = re.compile(r"[*?\[\\]")


@lru_cache(maxsize=256)
def translate(glob: str) -> re.Pattern[str]:
    """The glob as a pattern for `fullmatch`. Never fails: an unclosed bracket stands for itself.

    Globs come from strangers too, so the pattern must not be able to backtrack without end: within a step,
    and between two `**`, the leftmost fit of a piece is as good as any later one, which an atomic group says.
    """
    glob = glob.removeprefix("/")
    if glob.endswith("/"):
        glob += "**"
    steps = _steps(glob)
    runs: list[list[str]] = [[]]
    for step in steps:
        if step == "**":
            runs.append([])
        else:
            runs[-1].append(_step(step))
    first, rest = runs[0], runs[1:]
    if not rest:
        return re.compile("/".join(first), re.DOTALL)
    last = rest.pop()
    pattern = "".join(f"{step}/" for step in first)
    for run in rest:
        if run:
            pattern += "(?>(?:[^/]+/)*?" + "".join(f"{step}/" for step in run) + ")"
    pattern += "(?:[^/]+/)*" + "/".join(last) if last else ".+"
    return re.compile(pattern, re.DOTALL)


def matches(glob: str, path: str) -> bool:
    """Whether `path`, within its volume and without a leading "/", is what the glob speaks of."""
    return translate(glob).fullmatch(path) is not None


def literal_start(glob: str) -> str:
    """What every path that the glob speaks of begins with, as far as that is told without looking at one."""
    return _SPECIAL.split(glob.removeprefix("/"), maxsplit=1)[0]


def _steps(glob: str) -> list[str]:
    """The glob cut at each "/" that no bracket holds."""
    steps, start, position = [], 0, 0
    while position < len(glob):
        if glob[position] == "\\":
            position += 1
        elif glob[position] == "/":
            steps.append(glob[start:position])
            start = position + 1
        position += 1
    return [*steps, glob[start:]]


def _step(step: str) -> str:
    """One step of the path as a pattern that never crosses "/"."""
    pieces: list[list[str]] = [[]]
    position = 0
    while position < len(step):
        character = step[position]
        position += 1
        if character == "*":
            if pieces[-1] or len(pieces) == 1:
                pieces.append([])
        elif character == "?":
            pieces[-1].append("[^/]")
        elif character == "[" and (end := _bracket_end(step, position)) is not None:
            pieces[-1].append(_set(step[position:end]))
            position = end + 1
        elif character == "\\" and position < len(step):
            pieces[-1].append(re.escape(step[position]))
            position += 1
        else:
            pieces[-1].append(re.escape(character))
    if len(pieces) == 1:
        return "".join(pieces[0])
    middle = "".join(f"(?>[^/]*?{''.join(piece)})" for piece in pieces[1:-1])
    return "".join(pieces[0]) + middle + "[^/]*" + "".join(pieces[-1])


def _bracket_end(step: str, start: int) -> int | None:
    """Where the bracket that opened before `start` closes; "]" right after it, or after "!", is a member."""
    position = start + 1 if step[start : start + 1] in ("!", "^") else start
    end = step.find("]", position + 1)
    return end if end >= 0 else None


def _set(inner: str) -> str:
    negated = inner[:1] in ("!", "^")
    members = inner[1:] if negated else inner
    parts: list[str] = []
    position = 0
    while position < len(members):
        low = members[position]
        if members[position + 1 : position + 2] == "-" and position + 2 < len(members):
            high = members[position + 2]
            if low <= high:
                parts.append(f"{_member(low)}-{_member(high)}")
            position += 3
        else:
            parts.append(_member(low))
            position += 1
    if not parts:
        return "[^/]" if negated else "(?!)"
    return f"(?!/)[{'^' if negated else ''}{''.join(parts)}]"


def _member(character: str) -> str:
    return f"\\{character}" if character in r"\]^-[&~|" else character
