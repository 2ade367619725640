"""Serves one side of a picture model: pixels or texts on standard input, vectors on standard output.

`python -m nasd.extract.vision.clip_child FOLDER pictures|texts THREADS`. The model is loaded first; then
files and network are given up. What is asked is a picture's width and height and three bytes a pixel, or a
length and so many bytes of text (numbers of 4 bytes, big endian); the answer is float32, little endian.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from nasd.extract import confine
from nasd.extract.base import Picture
from nasd.extract.vision.base import Vector
from nasd.extract.vision.clip import LENGTH, MOST_TEXT_BYTES, SIZE

_NICE = 15
_MEMORY_BYTES = 3 << 30  # address space beside the loaded model
_CPU_S = 30 * 24 * 3600  # of all it is asked; the parent's clock limits each
_OPEN_FILES = 64
_MOST_BYTES = 256 << 20


def main(folder: Path, side: str, threads: int, asked: BinaryIO, out: BinaryIO) -> None:
    """Serves until the input ends."""
    vectors = _pictures(folder, threads, asked) if side == "pictures" else _texts(folder, threads, asked)
    next(vectors)  # whatever is loaded late, now
    confine.limit(memory_bytes=_MEMORY_BYTES, cpu_s=_CPU_S, open_files=_OPEN_FILES)
    confine.give_up_files_and_network()
    _send(out, b'"ready"')
    for vector in vectors:
        _send(out, vector.astype("<f4").tobytes())


def _pictures(folder: Path, threads: int, asked: BinaryIO) -> Iterator[Vector]:
    os.nice(_NICE)
    from nasd.extract.vision.onnx import load_pictures

    embed = load_pictures(folder, threads=threads)
    yield embed(Picture(width=2, height=2, form="rgb", data=bytes(range(12))))
    while len(head := asked.read(SIZE.size)) == SIZE.size:
        width, height = SIZE.unpack(head)
        length = 3 * width * height
        if length > _MOST_BYTES or len(data := asked.read(length)) < length:
            return
        yield embed(Picture(width=width, height=height, form="rgb", data=data))


def _texts(folder: Path, threads: int, asked: BinaryIO) -> Iterator[Vector]:
    from nasd.extract.vision.onnx import load_texts

    embed = load_texts(folder, threads=threads)
    yield embed("picture")
    while len(head := asked.read(LENGTH.size)) == LENGTH.size:
        (length,) = LENGTH.unpack(head)
        if length > MOST_TEXT_BYTES or len(data := asked.read(length)) < length:
            return
        yield embed(data.decode("utf-8", "replace"))


def _send(out: BinaryIO, payload: bytes) -> None:
    out.write(LENGTH.pack(len(payload)) + payload)
    out.flush()


if __name__ == "__main__":
    # A library may print as it likes: nothing of it may reach the frames.
    frames = os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.stdin.buffer, frames)
