"""Whisper in a child process of its own, which hears nothing but samples."""

from __future__ import annotations

import json
import math
import struct
from pathlib import Path

from nasd.errors import ReadError
from nasd.extract.serving import ServingChild
from nasd.extract.speech.base import WINDOW_S, Heard, Said

_WALL_S = 600.0  # below a job's lease; a large model on a slow board takes minutes for half a minute
_MOST_PIECES, _MOST_CHARS = 500, 5_000


class Whisper:
    """The `Transcriber` of a model folder, whose files the caller has checked."""

    def __init__(self, name: str, folder: Path, *, threads: int = 1) -> None:
        self.name = name
        self._child = ServingChild(
            "nasd.extract.speech.whisper_child",
            str(folder),
            str(threads),
            what="The transcribing process",
            wall_s=_WALL_S,
        )

    def transcribe(self, samples: bytes) -> Heard:
        with self._child.turn():
            return parse_heard(self._child.ask(struct.pack(">I", len(samples)) + samples))

    def close(self) -> None:
        """Ends the child, whatever it does; a window that is being transcribed fails as temporary."""
        self._child.close()


def parse_heard(payload: bytes) -> Heard:
    """What was said, from what the child sent. Raises `ReadError` when it is anything else."""
    try:
        value = json.loads(payload)
        said = tuple(
            Said(start_s=_second(start), end_s=_second(end), text=_text(text))
            for start, end, text in value["said"][:_MOST_PIECES]
        )
        language = value["language"]
        upto_s = _second(value["upto_s"])
    except (ValueError, TypeError, KeyError) as error:
        raise ReadError("The transcribing process sent no words.", reason="crashed") from error
    return Heard(
        said=said,
        upto_s=upto_s if upto_s > 0 else WINDOW_S,
        language=None if language is None else str(language)[:20],
    )


def _second(value: object) -> float:
    number = float(value) if isinstance(value, int | float) else math.nan
    if not 0 <= number <= WINDOW_S:
        raise ValueError("no second of the window")
    return number


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("no text")
    return value.encode("utf-8", "replace").decode().replace("\0", "\ufffd")[:_MOST_CHARS]
