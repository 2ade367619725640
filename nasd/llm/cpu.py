"""Whether this machine's processor has the instructions that the runtime is built with."""

from __future__ import annotations

import platform
from pathlib import Path

NEEDED = ("avx", "avx2", "bmi2", "f16c", "fma")
"""Without these an x86-64 process of llama.cpp's wheels dies of SIGILL. ARM builds need nothing beyond
ARMv8-A."""

CPUINFO = Path("/proc/cpuinfo")


def missing_instructions(machine: str | None = None, cpuinfo: Path = CPUINFO) -> tuple[str, ...]:
    """Of `NEEDED`, what any of the processors lacks; none where it cannot be told.

    `machine` is as `platform.machine()` says it.
    """
    if (machine or platform.machine()).lower() not in ("x86_64", "amd64"):
        return ()
    try:
        lines = cpuinfo.read_text("ascii", "replace").splitlines()
    except OSError:
        return ()
    flags = [set(line.partition(":")[2].split()) for line in lines if line.startswith("flags")]
    return tuple(name for name in NEEDED if any(name not in has for has in flags))
