"""Decodes what libsndfile does not (AAC, AMR, the sound of films) by the installed program ffmpeg: one short
process a stretch, confined to reading that one file. The builds of its libraries for Python are under the
GPL, so nasd brings none.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable

from nasd.errors import ReadError
from nasd.extract.base import SOUND_RATE, Listener, Sound

PROGRAM = "ffmpeg"
NO_DECODER = (
    "The sound is in a format that is decoded by ffmpeg, which is not installed: `sudo apt install ffmpeg`; "
    "it is taken up within an hour."
)
_MEMORY_BYTES = 2 << 30  # address space
_CPU_S, _WALL_S = 120, 240.0
_NO_SOUND = ("matches no streams", "does not contain any stream")
_TOLERANCE_S = 0.1  # that a stretch may be short of without being the last


class Ffmpeg:
    """A `Listener` of the installed program. `by_descriptor`: it can be handed an open file (from version 6
    on); else it opens the file itself, which needs the right to."""

    def __init__(self, program: str, *, by_descriptor: bool) -> None:
        self._program = program
        self._input = "fd:" if by_descriptor else "/proc/self/fd/0"
        self._lock = threading.Lock()
        self._running: set[subprocess.Popen[bytes]] = set()
        self._closed = False

    def listen(self, fd: int, *, name: str, kind: str, start_s: float, span_s: float) -> Sound:
        command = [
            *_confined(self._program), "-nostdin", "-hide_banner", "-v", "error",
            "-protocol_whitelist", "file,fd,pipe", "-threads", "1",
            "-ss", f"{start_s:.3f}", "-t", f"{span_s:.3f}", "-i", self._input,
            "-map", "0:a:0", "-ac", "1", "-ar", str(SOUND_RATE), "-f", "s16le", "pipe:1",
        ]  # fmt: skip
        data, said, code = self._run(command, fd)
        if code != 0 and not data:
            if any(words in said for words in _NO_SOUND):
                return Sound(samples=b"", ended=True)
            last = said.strip().rsplit("\n", 1)[-1][:200]
            raise ReadError(
                f"ffmpeg does not decode its sound: {last or f'it ended with {code}'}",
                reason="malformed",
                temporary=self._closed,
            )
        most = 2 * round(SOUND_RATE * span_s)
        data = data[: min(most, len(data) - len(data) % 2)]
        return Sound(samples=data, ended=len(data) < most - 2 * SOUND_RATE * _TOLERANCE_S)

    def close(self) -> None:
        """Ends what runs; it fails as temporary."""
        with self._lock:
            self._closed = True
            for process in self._running:
                process.kill()

    def _run(self, command: list[str], fd: int) -> tuple[bytes, str, int]:
        os.lseek(fd, 0, os.SEEK_SET)
        with self._lock:
            if self._closed:
                raise ReadError("nasd is stopping.", reason="crashed", temporary=True)
            try:
                process = subprocess.Popen(
                    command,
                    stdin=fd,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    env=_environment(),
                    cwd="/",
                )
            except OSError as error:
                raise ReadError(
                    f"ffmpeg cannot be started: {error.strerror or error}.", reason="crashed", temporary=True
                ) from error
            self._running.add(process)
        try:
            data, said = process.communicate(timeout=_WALL_S)
        except subprocess.TimeoutExpired as error:
            process.kill()
            process.communicate()
            raise ReadError(f"Decoding the sound takes longer than {_WALL_S:g} s.", reason="time") from error
        finally:
            with self._lock:
                self._running.discard(process)
        return data, said.decode("utf-8", "replace"), process.returncode


def _confined(program: str) -> list[str]:
    launch = [sys.executable, "-P", "-s", "-m", "nasd.extract.speech.launch"]
    return [*launch, str(_MEMORY_BYTES), str(_CPU_S), program]


def _environment() -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("LD_LIBRARY_PATH",) if name in os.environ}
    return kept | {
        "PATH": os.defpath,
        "LANG": "C.UTF-8",
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def find() -> Ffmpeg | None:
    """The installed program; None when there is none that runs in its confinement."""
    program = shutil.which(PROGRAM)
    if program is None:
        return None
    try:
        told = subprocess.run(
            [*_confined(program), "-hide_banner", "-protocols"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=60,
            check=True,
            env=_environment(),
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return Ffmpeg(program, by_descriptor="fd" in told.stdout.decode("utf-8", "replace").split())


class AnyListener:
    """A `Listener` that asks another one first, and the program for what that does not decode. The program is
    looked for each time until it is there."""

    def __init__(self, first: Listener, find_program: Callable[[], Ffmpeg | None] = find) -> None:
        self._first = first
        self._find = find_program
        self._program: Ffmpeg | None = None

    def listen(self, fd: int, *, name: str, kind: str, start_s: float, span_s: float) -> Sound:
        try:
            return self._first.listen(fd, name=name, kind=kind, start_s=start_s, span_s=span_s)
        except ReadError as error:
            if error.reason != "unsupported":
                raise
            if self._program is None:
                self._program = self._find()
            if self._program is None:
                raise ReadError(NO_DECODER, reason="unsupported") from error
            return self._program.listen(fd, name=name, kind=kind, start_s=start_s, span_s=span_s)

    def close(self) -> None:
        """Ends the program; the other listener is not its own."""
        if self._program is not None:
            self._program.close()
