"""The index on disk: files named by their content, and one small manifest that is replaced atomically.

A data file is never changed. Saving writes what is new, makes it durable, replaces the manifest, and only
then removes what nothing names any more; so at every moment the manifest on disk names whole files.
"""

from __future__ import annotations

import json
import os
from collections.abc import MutableMapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from blake3 import blake3

from nasd.index.base import IndexDamaged
from nasd.index.segment import CODE, Mask, Segment, code_size, restore

FORMAT = 1
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
            name = _write_blob(directory, (segment.ids, segment.codes))
            names[segment] = name
        alive = None if mask is None else _write_blob(directory, (np.packbits(mask, bitorder="little"),))
        entries.append({"rows": len(segment), "data": name, "alive": alive})
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
    """The saved segments; `names` gets what they are called. Raises IndexDamaged when anything is missing,
    damaged, or of another model, dimension, code or format."""
    try:
        body = json.loads((directory / MANIFEST).read_text("utf-8"))
        stated = body.pop("blake3")
    except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
        raise IndexDamaged("the manifest is missing or unreadable") from error
    if stated != _digest(body):
        raise IndexDamaged("the manifest is damaged")
    expected = {"format": FORMAT, "code": CODE, "fingerprint": fingerprint, "dimension": dimension}
    for key, value in expected.items():
        if body.get(key) != value:
            raise IndexDamaged(f"the saved index has another {key}")
    parts: list[Part] = []
    for entry in body["segments"]:
        segment, mask = _read_segment(directory, entry, dimension)
        parts.append((segment, mask))
        names[segment] = entry["data"]
    living = np.concatenate(
        [np.empty(0, np.int64), *(part.ids if mask is None else part.ids[mask] for part, mask in parts)]
    )
    if len(np.unique(living)) != len(living):
        raise IndexDamaged("an id is in two segments")
    return parts


def _read_segment(directory: Path, entry: dict[str, Any], dimension: int) -> Part:
    rows = int(entry["rows"])
    data = _read_blob(directory, entry["data"], rows * (8 + code_size(dimension)))
    ids = data[: rows * 8].view(np.int64)
    if not np.all(ids[1:] > ids[:-1]):
        raise IndexDamaged("the ids of a segment are not in order")
    segment = restore(ids.copy(), data[rows * 8 :].reshape(rows, -1), dimension)
    if entry["alive"] is None:
        return segment, None
    bits = _read_blob(directory, entry["alive"], (rows + 7) // 8)
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


def _read_blob(directory: Path, name: str, size: int) -> npt.NDArray[np.uint8]:
    try:
        data = np.fromfile(directory / Path(name).name, np.uint8)
    except OSError as error:
        raise IndexDamaged("a data file is missing or unreadable") from error
    if len(data) != size or f"{blake3(data.data).hexdigest()}.rows" != name:
        raise IndexDamaged("a data file is damaged")
    return data


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
