"""How the C library keeps memory for this process."""

from __future__ import annotations

import ctypes
from typing import Any

_M_ARENA_MAX = -8
ARENAS = 2
"""Heaps that threads allocate from. By default glibc makes eight for each processor, and what a thread freed
stays in its own."""


def _c_library() -> Any:
    return ctypes.CDLL(None)


def keep_few_arenas() -> None:
    """Before threads are started. Does nothing where the C library is not glibc."""
    mallopt = getattr(_c_library(), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_ARENA_MAX, ARENAS)


def give_back() -> None:
    """What was freed goes back to the system. Does nothing where the C library is not glibc."""
    trim = getattr(_c_library(), "malloc_trim", None)
    if trim is not None:
        trim(0)
