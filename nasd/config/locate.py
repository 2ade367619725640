"""Finding the line on which a key of a TOML file stands, for error messages."""

from __future__ import annotations

import re

_HEADER = re.compile(r"\s*(\[\[?)\s*([^\[\]]+?)\s*\]\]?\s*(#.*)?$")
_KEY = re.compile(
    r"\s*((?:[A-Za-z0-9_-]+|\"[^\"]*\"|'[^']*')(?:\s*\.\s*(?:[A-Za-z0-9_-]+|\"[^\"]*\"|'[^']*'))*)\s*="
)
_STRING = re.compile(r'"(?:\\.|[^"\\])*"|\'[^\']*\'')

Key = tuple[str | int, ...]


def _parts(dotted: str) -> tuple[str, ...]:
    return tuple(part.strip().strip("\"'") for part in dotted.split("."))


def find_line(source: str, wanted: Key) -> int | None:
    """The line, from 1, of the key `wanted` (such as ("volumes", 1, "path"), tables of an array counted
    from 0), or of the closest thing above it that the file names. None when it names nothing of it."""
    best: tuple[int, int] | None = None  # how many parts agree, and the line
    counts: dict[Key, int] = {}
    table: Key = ()
    depth, quote = 0, ""

    for number, line in enumerate(source.splitlines(), start=1):
        if quote:
            quote = "" if quote in line else quote
            continue
        if depth == 0:
            here: Key | None = None
            if header := _HEADER.fullmatch(line):
                table = _resolve(_parts(header[2]), counts)
                if header[1] == "[[":
                    counts[table] = counts.get(table, -1) + 1
                    table = (*table, counts[table])
                here = table
            elif key := _KEY.match(line):
                here = (*table, *_parts(key[1]))
            if here and here == wanted[: len(here)] and (best is None or len(here) > best[0]):
                best = (len(here), number)
            if header:
                continue
        bare = line
        for triple in ('"""', "'''"):
            if bare.count(triple) % 2:
                quote = triple
                bare = bare.partition(triple)[0]
        bare = _STRING.sub("", bare).partition("#")[0]
        depth = max(0, depth + sum(bare.count(c) for c in "[{") - sum(bare.count(c) for c in "]}"))
    return best[1] if best else None


def _resolve(parts: tuple[str, ...], counts: dict[Key, int]) -> Key:
    """A header's key with the number of the current table after each array of tables above its last part."""
    key: Key = ()
    for position, part in enumerate(parts):
        key = (*key, part)
        if key in counts and position < len(parts) - 1:
            key = (*key, counts[key])
    return key
