"""Transcribes with a Whisper model: sound on standard input, what was said as JSON on standard output.

`python -m nasd.extract.speech.whisper_child FOLDER THREADS`. The model is loaded first; then files and
network are given up. What is asked is a 4-byte big-endian length and that many bytes of samples.
"""

from __future__ import annotations

import json
import os
import struct
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO

from nasd.extract import confine
from nasd.extract.base import SOUND_RATE
from nasd.extract.speech.base import WINDOW_S

_NICE = 15
_MEMORY_BYTES = 3 << 30  # address space beside the loaded model
_CPU_S = 30 * 24 * 3600  # of all windows; the parent's clock limits each
_OPEN_FILES = 64
_MOST_BYTES = int(2 * SOUND_RATE * WINDOW_S)


def main(folder: Path, threads: int, sound: BinaryIO, lines: BinaryIO) -> None:
    """Serves until the input ends."""
    os.nice(_NICE)
    from nasd.extract.speech.onnx import WhisperModel

    model = WhisperModel.load(folder, threads=threads)
    model.transcribe(bytes(2 * SOUND_RATE))  # whatever is loaded late, now
    confine.limit(memory_bytes=_MEMORY_BYTES, cpu_s=_CPU_S, open_files=_OPEN_FILES)
    confine.give_up_files_and_network()
    _send(lines, "ready")
    while len(head := sound.read(4)) == 4:
        (length,) = struct.unpack(">I", head)
        if length > _MOST_BYTES:
            return
        data = sound.read(length)
        if len(data) < length:
            return
        heard = model.transcribe(data)
        said: Sequence[Any] = [(one.start_s, one.end_s, one.text) for one in heard.said]
        _send(lines, {"said": said, "upto_s": heard.upto_s, "language": heard.language})


def _send(lines: BinaryIO, value: object) -> None:
    payload = json.dumps(value).encode()
    lines.write(struct.pack(">I", len(payload)) + payload)
    lines.flush()


if __name__ == "__main__":
    # A library may print as it likes: nothing of it may reach the frames.
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    main(Path(sys.argv[1]), int(sys.argv[2]), sys.stdin.buffer, out)
