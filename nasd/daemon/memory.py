"""How the C library keeps memory for this process."""

from __future__ import annotations

import ctypes
import gc
from typing import Any

_M_ARENA_MAX = -8
ARENAS = 2
"""Heaps that threads allocate from. By default glibc makes eight for each processor, and what a thread freed
stays in its own."""

_M_MMAP_THRESHOLD = -3
APART_FROM = 256 * 1024
"""Bytes of an allocation that is a mapping of its own, and goes back as soon as it is freed. By default glibc
raises this to the largest that was ever freed, and what follows comes to lie between what stays: 10 MB more
while a daemon is asked, and when its model rests."""

COLLECT_AFTER = 20_000
"""Values that may be part of a cycle, made since the collector last looked."""


def _c_library() -> Any:
    return ctypes.CDLL(None)


def keep_few_arenas() -> None:
    """And what is large apart from them. Before threads are started. Does nothing where the C library is not
    glibc."""
    mallopt = getattr(_c_library(), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_ARENA_MAX, ARENAS)
        mallopt(_M_MMAP_THRESHOLD, APART_FROM)


def collect_in_bulk() -> None:
    """Reading makes ten thousands of values that live for a second and are in no cycle: by default the
    collector looks at them for a tenth of the time that reading takes."""
    gc.set_threshold(COLLECT_AFTER, 20, 20)


def give_back() -> None:
    """What was freed goes back to the system. Does nothing where the C library is not glibc."""
    trim = getattr(_c_library(), "malloc_trim", None)
    if trim is not None:
        trim(0)


def keep_what_is_loaded() -> None:
    """What there is now stays for good, and the collector need not look at it again: a full look at the half
    million objects of the libraries takes 0.1 s, in which nothing is answered."""
    gc.collect()
    gc.freeze()
