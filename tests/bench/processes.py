"""What a process and all below it cost while they run, from /proc."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

TICK = os.sysconf("SC_CLK_TCK")
EVERY_S = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """`peak_bytes` of all together counts shared pages once (PSS); the others are resident sizes (RSS)."""

    cpu_s: float
    peak_bytes: int
    peak_first_bytes: int
    peak_child_bytes: int  # of the largest below the first


class Observed:
    """Looks at a tree of processes every `EVERY_S` seconds, in a thread, until it leaves the context."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._cpu_before = 0.0
        self._cpu = 0.0
        self._together = self._first = self._child = 0

    def __enter__(self) -> Observed:
        self._cpu_before = self._look()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self._look()

    @property
    def cost(self) -> Cost:
        return Cost(
            cpu_s=self._cpu - self._cpu_before,
            peak_bytes=self._together,
            peak_first_bytes=self._first,
            peak_child_bytes=self._child,
        )

    def _watch(self) -> None:
        while not self._stop.wait(EVERY_S):
            self._look()

    def _look(self) -> float:
        cpu, together = 0.0, 0
        for pid in tree(self._pid):
            try:
                cpu += cpu_seconds(pid)
                resident, shared = sizes(pid)
            except (OSError, ValueError, IndexError):  # it has ended meanwhile
                continue
            together += shared
            if pid == self._pid:
                self._first = max(self._first, resident)
            else:
                self._child = max(self._child, resident)
        self._together = max(self._together, together)
        self._cpu = max(self._cpu, cpu)  # what a child had used is its parent's once it is waited for
        return cpu


def tree(pid: int) -> Iterator[int]:
    """A process and all below it."""
    yield pid
    try:
        lists = [path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/children")]
    except OSError:
        return
    for below in " ".join(lists).split():
        yield from tree(int(below))


def cpu_seconds(pid: int) -> float:
    """Of a process and of those it has waited for."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(int(field) for field in fields[11:15]) / TICK


def sizes(pid: int) -> tuple[int, int]:
    """Resident size, and the share of it that is this process's own (PSS), in bytes."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    found = {words[0]: int(words[1]) * 1024 for line in lines[1:] if len(words := line.split()) > 1}
    return found["Rss:"], found["Pss:"]
