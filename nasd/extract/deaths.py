"""Why a confined child ended before it was done, as an error of the file that it read.

All of these may lie in the machine as well as in the file (memory that others took, a slow disk), so that
the file is tried again later; but for too much text, which is the file's own.
"""

from __future__ import annotations

import signal

from nasd.errors import ReadError
from nasd.extract.frames import NEAR_LIMIT, BadFrame, Exit, Job


def death(ended: Exit, said: str, job: Job) -> ReadError:
    """Of a child that ended without a word but what it printed. A parser in native code aborts when memory
    runs out: it either says so or had come near its limit."""
    if ended.signal == signal.SIGXCPU or ended.cpu_s >= job.cpu_s:
        return _error(f"Reading the file takes more than {job.cpu_s} s of processor time.", "time")
    words = said.lower()
    if (
        ended.signal == signal.SIGKILL  # not by us: the kernel was out of memory
        or "memory" in words
        or "bad_alloc" in words
        or ended.peak_bytes > job.memory_bytes * NEAR_LIMIT
    ):
        return _error("Reading the file needs more memory than a file may use.", "memory")
    last = said.strip().rsplit("\n", 1)[-1][:200]
    how = f"signal {ended.signal}" if ended.signal else f"code {ended.code}"
    return _error(f"The parser crashed ({how}){': ' + last if last else ''}.", "crashed")


def too_slow(wall_s: float) -> ReadError:
    return _error(f"Reading the file takes longer than {wall_s:g} s.", "time")


def nonsense(error: BadFrame) -> ReadError:
    """It sent what no child sends."""
    return _error(f"The reading process sent {error}.", "crashed")


def too_much_text() -> ReadError:
    return ReadError("The file holds more text than a file may yield.", reason="output")


def _error(detail: str, reason: str) -> ReadError:
    return ReadError(detail, reason=reason, temporary=True)
