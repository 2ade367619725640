"""The index on disk: files named by their content, and one small manifest that is replaced atomically.

A data file is never changed. Saving writes what is new, makes it durable, replaces the manifest, and only
then removes what nothing names any more; so at every moment the manifest on disk names whole files.
"""

from __future__ import annotations

import json
import os
from collections.abc import MutableMapping, Sequence
from contextlib import suppress
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from blake3 import blake3

from nasd.index.base import IndexAbsent, IndexDamaged
from nasd.index.codes import Mask
from nasd.index.segment import CODE, Segment, blank

FORMAT = 2
MANIFEST = "index.json"

Part = tuple[Segment, Mask | None]
Names = MutableMapping[Segment, str]
"""What a living segment is called on disk, so that it is written once."""


def write_parts(
    directory: Path, parts: Sequence[Part], *, fingerprint: str, dimension: int, names: Names
) -> None:
    """`names` is brought up to date. Raises OSError; the former state is then still there."""
    directory.mkdir(parents=True, exist_ok=True)
    entries = []
    for segment, mask in parts:
        name = names.get(segment)
        if name is None or not (directory / name).exists():
            halves = segment.halves
            rows = (segment.codes,) if halves is None else (segment.codes, halves)
            name = _write_blob(directory, (segment.ids, *rows))
            names[segment] = name
        alive = None if mask is None else _write_blob(directory, (np.packbits(mask, bitorder="little"),))
        exact = segment.exact is not None
        entries.append({"rows": len(segment), "exact": exact, "data": name, "alive": alive})
    body = {
        "format": FORMAT,
        "code": CODE,
        "fingerprint": fingerprint,
        "dimension": dimension,
        "segments": entries,
    }
    text = json.dumps({"blake3": _digest(body), **body}, indent=1)
    part = directory / f"{MANIFEST}.part"
    with part.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    _sync_directory(directory)
    part.replace(directory / MANIFEST)
    _sync_directory(directory)
    _sweep(directory, {str(entry[key]) for entry in entries for key in ("data", "alive")})


def read_parts(directory: Path, *, fingerprint: str, dimension: int, names: Names) -> list[Part]:
    """The saved segments; `names` gets what they are called. Raises IndexAbsent when there is no manifest or
    one of another model, dimension, code or format, IndexDamaged when anything is missing or damaged."""
    try:
        body = json.loads((directory / MANIFEST).read_text("utf-8"))
        stated = body.pop("blake3")
    except FileNotFoundError as error:
        raise IndexAbsent("none is saved") from error
    except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
        raise IndexDamaged("the manifest is unreadable") from error
    if stated != _digest(body):
        raise IndexDamaged("the manifest is damaged")
    expected = {"format": FORMAT, "code": CODE, "fingerprint": fingerprint, "dimension": dimension}
    for key, value in expected.items():
        if body.get(key) != value:
            raise IndexAbsent(f"the saved index has another {key}")
    parts: list[Part] = []
    for entry in body["segments"]:
        segment, mask = _read_segment(directory, entry, dimension)
        parts.append((segment, mask))
        names[segment] = entry["data"]
    if any(_share_an_id(one, other) for one, other in combinations(parts, 2)):
        raise IndexDamaged("an id is in two segments")
    return parts


def _share_an_id(one: Part, other: Part) -> bool:
    (left, left_mask), (right, right_mask) = one, other
    if len(left) > len(right):
        return _share_an_id(other, one)
    if not len(left) or left.ids[0] > right.ids[-1] or right.ids[0] > left.ids[-1]:
        return False
    rows = right.find(left.ids if left_mask is None else left.ids[left_mask])
    return bool(len(rows) if right_mask is None else right_mask[rows].any())


def _read_segment(directory: Path, entry: dict[str, Any], dimension: int) -> Part:
    rows = int(entry["rows"])
    segment = blank(rows, dimension, exact=bool(entry["exact"]))
    halves = () if segment.halves is None else (segment.halves,)
    _read_blob(directory, entry["data"], (segment.ids, segment.codes, *halves))
    if not np.all(segment.ids[1:] > segment.ids[:-1]):
        raise IndexDamaged("the ids of a segment are not in order")
    if entry["alive"] is None:
        return segment, None
    bits = np.empty((rows + 7) // 8, np.uint8)
    _read_blob(directory, entry["alive"], (bits,))
    return segment, np.unpackbits(bits, count=rows, bitorder="little").astype(np.bool_)


def _write_blob(directory: Path, arrays: Sequence[npt.NDArray[Any]]) -> str:
    """Writes the arrays' bytes one after the other, durably, and returns the file's name."""
    views = [np.ascontiguousarray(array).reshape(-1).view(np.uint8) for array in arrays]
    hasher = blake3()
    for view in views:
        hasher.update(view.data)
    name = f"{hasher.hexdigest()}.rows"
    part = directory / f"{name}.part"
    with part.open("wb") as file:
        for view in views:
            file.write(view.data)
        file.flush()
        os.fsync(file.fileno())
    part.replace(directory / name)
    return name


def _read_blob(directory: Path, name: str, arrays: Sequence[npt.NDArray[Any]]) -> None:
    """Fills the arrays with what `_write_blob` wrote."""
    hasher = blake3()
    try:
        with (directory / Path(name).name).open("rb") as file:
            for array in arrays:
                view = array.reshape(-1).view(np.uint8)
                whole = file.readinto(view.data) == len(view)
                hasher.update(view.data)
                if not whole:
                    raise IndexDamaged("a data file is shorter than it was")
            longer = bool(file.read(1))
    except OSError as error:
        raise IndexDamaged("a data file is missing or unreadable") from error
    if longer or f"{hasher.hexdigest()}.rows" != name:
        raise IndexDamaged("a data file is damaged")


def _digest(body: dict[str, Any]) -> str:
    return blake3(json.dumps(body, sort_keys=True).encode()).hexdigest()


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sweep(directory: Path, kept: set[str]) -> None:
    """A file that cannot be removed now is removed after a later save."""
    for path in directory.iterdir():
        ours = path.name.endswith((".rows", ".part"))
        if ours and path.name not in kept:
            with suppress(OSError):
                path.unlink()
