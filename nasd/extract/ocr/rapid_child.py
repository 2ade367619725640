"""Recognises pages with RapidOCR: pixels on standard input, lines of text as JSON on standard output."""

from __future__ import annotations

import json
import os
import struct
import sys
from typing import Any, BinaryIO

from nasd.extract import confine

_NICE = 15
_MEMORY_BYTES = 3 << 30  # address space beside the loaded models
_CPU_S = 24 * 3600  # of all pages; the parent's clock limits each
_OPEN_FILES = 64
_MOST_PIXELS = 64_000_000


def main(pages: BinaryIO, lines: BinaryIO) -> None:
    """Serves until the input ends."""
    os.nice(_NICE)
    import cv2
    import numpy as np
    from rapidocr import RapidOCR

    cv2.setNumThreads(1)
    engine = RapidOCR(params={"Global.log_level": "critical", "Global.use_cls": True})
    page = np.full((100, 400, 3), 255, dtype=np.uint8)
    cv2.putText(page, "Text", (40, 70), cv2.FONT_HERSHEY_SIMPLEX, 2, (0, 0, 0), 4)
    assert engine(page).txts is not None  # each model is loaded when it is first needed: now
    confine.limit(memory_bytes=_MEMORY_BYTES, cpu_s=_CPU_S, open_files=_OPEN_FILES)
    confine.give_up_files_and_network()
    _send(lines, "ready")
    while len(head := pages.read(8)) == 8:
        width, height = struct.unpack(">II", head)
        if not 0 < width * height <= _MOST_PIXELS:
            return
        data = pages.read(width * height)
        if len(data) < width * height:
            return
        gray = np.frombuffer(data, dtype=np.uint8).reshape(height, width)
        _send(lines, _rows(engine(np.repeat(gray[:, :, None], 3, axis=2))))


def _rows(found: Any) -> list[tuple[str, int, int, int, int, float]]:
    if found.txts is None:
        return []
    rows = []
    for text, box, sure in zip(found.txts, found.boxes, found.scores, strict=True):
        left, top = (round(float(value)) for value in box.min(axis=0))
        right, bottom = (round(float(value)) for value in box.max(axis=0))
        rows.append((str(text), left, top, right, bottom, float(sure)))
    return rows


def _send(lines: BinaryIO, value: object) -> None:
    payload = json.dumps(value).encode()
    lines.write(struct.pack(">I", len(payload)) + payload)
    lines.flush()


if __name__ == "__main__":
    # The package prints and logs as it likes: nothing of it may reach the frames.
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    main(sys.stdin.buffer, out)
