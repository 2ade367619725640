"""Becomes a decoding program with low priority, limits, no network, and no files but the system's own and the
one that is its standard input.

`python -m nasd.extract.speech.launch MEMORY_BYTES CPU_S PROGRAM [ARGUMENTS]…`
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from nasd.extract import confine

_NICE = 15
_OPEN_FILES = 64
_READABLE = ("/usr", "/lib", "/lib64", "/etc/ld.so.cache", "/etc/alternatives", "/opt", "/proc/self")


def main(arguments: list[str]) -> None:
    memory, cpu, program, *rest = arguments
    os.nice(_NICE)
    confine.limit(memory_bytes=int(memory), cpu_s=int(cpu), open_files=_OPEN_FILES)
    confine.give_up_network(readable=(*_READABLE, str(Path(program).parent), "/proc/self/fd/0"))
    os.execv(program, [program, *rest])  # noqa: S606 - no shell is wanted


if __name__ == "__main__":
    main(sys.argv[1:])
