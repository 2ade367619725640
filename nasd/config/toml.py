"""TOML as people write it: inline tables over several lines, which TOML 1.1 allows and `tomllib` does not."""

from __future__ import annotations

import re
import tomllib
from typing import Any

_TOKEN = re.compile(
    r'"""(?:\\.|[^\\])*?"{3,5}'
    r"|'''.*?'{3,5}"
    r'|"(?:\\.|[^"\\\n])*"'
    r"|'[^'\n]*'"
    r"|\#[^\n]*"
    r"|,\s*(?:\#[^\n]*+\s*)*(?=\})"  # the comma after the last entry
    r"|.",
    re.DOTALL,
)


def loads(source: str) -> dict[str, Any]:
    """Raises `tomllib.TOMLDecodeError`, which speaks of `source` as it is."""
    try:
        return tomllib.loads(source)
    except tomllib.TOMLDecodeError:
        flat = flattened(source)
        if flat == source:
            raise
        try:
            return tomllib.loads(flat)
        except tomllib.TOMLDecodeError as error:
            raise error from None


def flattened(source: str) -> str:
    """Every inline table on one line. The line breaks taken out of it follow after that line, so that what
    stands further down keeps its line number."""
    parts: list[str] = []
    depth = owed = 0
    for piece in _TOKEN.findall(source.replace("\r\n", "\n")):
        if piece == "{":
            depth += 1
        elif piece == "}":
            depth = max(0, depth - 1)
        trailing = piece[0] == "," and len(piece) > 1
        if depth and (trailing or piece[0] in "\n#"):
            owed += piece.count("\n")
            parts.append(" ")
            continue
        parts.append(piece)
        if piece == "\n":
            parts.append("\n" * owed)
            owed = 0
    return "".join(parts)
