"""Keeps this process to some of the machine's processors."""

from __future__ import annotations

import os


def keep_to(cores: int) -> None:
    """The calling thread, and all that it starts from now on, runs on the last `cores` of the processors that
    it may use: the first ones commonly serve the devices."""
    allowed = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, allowed[-cores:])
