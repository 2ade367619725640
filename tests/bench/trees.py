"""Trees of many small texts, each found by a word of its own path or text."""

from __future__ import annotations

import math
import os
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

WORDS = 60  # of a text
LONG_AGO_S = 30 * 86_400  # since when the files have stood still
FOLDERS_TOGETHER = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """`renamed` is the folder within `root` that is to be renamed, with `renamed_files` in it."""

    root: Path
    files: int
    folders: int
    renamed: str
    renamed_files: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """A file by its path within a folder, and a word of its text."""

    path: str
    word: str


def make_tree(root: Path, *, files: int, folders: int, renamed: int, texts: int, seed: int) -> Tree:
    """`files` in about `folders` folders, `renamed` of them below one folder; `texts` different contents."""
    pick = random.Random(seed)
    vocabulary = ["".join(parts) for parts in product("bdfgklmnprst", "aeiou", ("ler", "nos", "rim", "tak"))]
    contents = [
        " ".join([f"text{seed}x{number}", *pick.choices(vocabulary, k=WORDS)]) for number in range(texts)
    ]
    then = time.time() - LONG_AGO_S
    each = max(1, math.ceil(files / folders))
    made = 0
    for name, count in (("archive", files - renamed), ("letters", renamed)):
        for number in range(count):
            if number % each == 0:
                at = number // each
                folder = root / name / f"{at // FOLDERS_TOGETHER:03}" / f"{at:05}"
                folder.mkdir(parents=True)
            path = folder / f"note {number:07}.txt"
            path.write_text(f"{contents[made % texts]}.\n", "utf-8")
            os.utime(path, (then, then))
            made += 1
    (root / "inbox").mkdir(parents=True)
    return Tree(
        root=root, files=files, folders=math.ceil(files / each), renamed="letters", renamed_files=renamed
    )


def samples_of(folder: Path, count: int) -> list[Sample]:
    """About `count` files at equal distances in the order of paths, the last of all first."""
    paths = sorted(folder.rglob("*.txt"), key=os.fsencode)[::-1]
    return [
        Sample(path=str(path.relative_to(folder)), word=path.read_text("utf-8").split()[0])
        for path in paths[:: max(1, len(paths) // count)]
    ]


def save(path: Path, word: str) -> float:
    """Writes a new file; the time when it was closed."""
    with path.open("w", encoding="utf-8") as file:
        file.write(f"A note about {word}, written just now.\n")
    return time.monotonic()


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that `share` of all are not above."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]
