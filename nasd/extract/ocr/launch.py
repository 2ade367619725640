"""Becomes a recognition program with low priority, limits, no network, and no files but the system's own.

`python -m nasd.extract.ocr.launch MEMORY_BYTES CPU_S PROGRAM [ARGUMENTS]…`
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from nasd.extract import confine

_NICE = 15
_OPEN_FILES = 64
_READABLE = ("/usr", "/lib", "/lib64", "/etc/ld.so.cache", "/etc/alternatives", "/opt", "/proc/self", "/sys")


def main(arguments: list[str]) -> None:
    memory, cpu, program, *rest = arguments
    os.nice(_NICE)
    data = os.environ.get("TESSDATA_PREFIX")
    confine.limit(memory_bytes=int(memory), cpu_s=int(cpu), open_files=_OPEN_FILES)
    own = (str(Path(program).parent), *([data] if data else ()))
    confine.give_up_network(readable=(*_READABLE, *own))
    os.execv(program, [program, *rest])  # noqa: S606 - no shell is wanted


if __name__ == "__main__":
    main(sys.argv[1:])
