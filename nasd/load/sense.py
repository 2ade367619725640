"""Looks at the machine: /sys and /proc on Linux. What cannot be read is None, never an error."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from nasd.load.base import Machine

_ZONES = ("cpu", "x86_pkg", "soc", "package")
"""What the types of thermal zones of processors begin with; other zones (radio, battery) have limits of their
own, and acpitz is a constant on many boards."""
_CHIPS = frozenset({"coretemp", "k10temp", "zenpower", "cpu_thermal"})
_PLAUSIBLE_C = (1.0, 130.0)
_NO_LIMIT = 1 << 62


@dataclass(frozen=True, slots=True)
class _Ticks:
    """Processor time since the start, in clock ticks: all of the machine's, what of it went to programs that
    do not give way to others, and what of that was ours."""

    total: int
    busy: int
    own: int


class Sensors:
    """Each `look` tells of the time since the one before. Not thread-safe; takes about a millisecond."""

    def __init__(self, root: Path = Path("/"), *, pid: int | None = None) -> None:
        """`root` holds sys/ and proc/; `pid` is this process."""
        self._sys, self._proc = root / "sys", root / "proc"
        self._pid = os.getpid() if pid is None else pid
        self._before: _Ticks | None = None

    def look(self) -> Machine:
        tree = self._tree()
        ticks = self._ticks(tree)
        before, self._before = self._before, ticks
        return Machine(
            on_battery=self._on_battery(),
            celsius=self._celsius(),
            others_busy=others_busy(before, ticks),
            available=self._available(),
            own=sum(self._anonymous(pid) for pid in tree) or None,
            daemon=self._anonymous(self._pid) or None,
            cores=self.cores(),
        )

    def total_memory(self) -> int:
        """Of the machine, or of the control group that this process is confined to; 0 when unknown."""
        total = self._meminfo().get("MemTotal", 0)
        limits = [self._number(group / "memory.max") for group in self._groups()]
        return min([total, *(limit for limit in limits if limit is not None)]) if total else 0

    def available_memory(self) -> int | None:
        """What can be had now without swapping, within the service's own limit. Safe from any thread."""
        return self._available()

    def cores(self) -> float:
        """Processors that this process may run on, and of those the share that its control group may use."""
        cores = float(len(os.sched_getaffinity(0)))
        for group in self._groups():
            quota, _, period = (_text(group / "cpu.max") or "").partition(" ")
            if quota.isdigit() and period.isdigit() and int(period):
                cores = min(cores, int(quota) / int(period))
        return cores

    # --- power and heat ---

    def _on_battery(self) -> bool | None:
        """A battery that empties while nothing else feeds the machine. Those of mice and the like say that
        they belong to a device."""
        supplies = [
            (folder, _text(folder / "type") or "") for folder in _folders(self._sys / "class/power_supply")
        ]
        batteries = [
            folder
            for folder, kind in supplies
            if kind in ("Battery", "UPS")
            and _text(folder / "scope") != "Device"
            and _text(folder / "present") != "0"
        ]
        if not batteries:
            return None
        if any(
            self._number(folder / "online") for folder, kind in supplies if kind not in ("Battery", "UPS")
        ):
            return False
        return any(_text(folder / "status") == "Discharging" for folder in batteries)

    def _celsius(self) -> float | None:
        sensors = [
            zone / "temp"
            for zone in _folders(self._sys / "class/thermal")
            if (_text(zone / "type") or "").lower().startswith(_ZONES)
        ]
        for chip in _folders(self._sys / "class/hwmon"):
            if _text(chip / "name") in _CHIPS:
                sensors += _matching(chip, "temp*_input")
        found = [number / 1000 for path in sensors if (number := self._number(path)) is not None]
        low, high = _PLAUSIBLE_C
        return max((celsius for celsius in found if low <= celsius <= high), default=None)

    # --- processor time ---

    def _ticks(self, tree: list[int]) -> _Ticks | None:
        line = (_text(self._proc / "stat") or "").partition("\n")[0].split()
        if len(line) < 8 or line[0] != "cpu" or not all(word.isdigit() for word in line[1:9]):
            return None
        times = [int(word) for word in line[1:9]]  # user nice system idle iowait irq softirq steal
        busy = sum(times) - times[1] - times[3] - times[4]
        return _Ticks(sum(times), busy, sum(self._cpu(pid) for pid in tree))

    def _cpu(self, pid: int) -> int:
        """Of a process and the children that it has waited for, so that a child's end takes nothing away.
        The kernel knows which time of programs was nice, but not which of its own it spent for them."""
        _, system, children, for_children, nice = _times(self._proc / str(pid))
        if nice > 0:
            return system + for_children
        threads = (_times(task) for task in _folders(self._proc / str(pid) / "task"))
        return sum(user for user, *_, niceness in threads if niceness <= 0) + system + children + for_children

    def _tree(self) -> list[int]:
        """This process and all below it."""
        if (self._proc / str(self._pid) / "task" / str(self._pid) / "children").exists():
            children = self._children
        else:  # a kernel that does not list them
            by_parent: dict[int, list[int]] = {}
            for folder in _folders(self._proc):
                words = (_text(folder / "stat") or "").rpartition(")")[2].split()
                if folder.name.isdigit() and len(words) > 1:
                    by_parent.setdefault(int(words[1]), []).append(int(folder.name))

            def children(pid: int) -> list[int]:
                return by_parent.get(pid, [])

        tree = [self._pid]
        for pid in tree:  # grows while it is walked
            tree += [child for child in children(pid) if child not in tree]
        return tree

    def _children(self, pid: int) -> list[int]:
        """They belong to the thread that started them."""
        tasks = _folders(self._proc / str(pid) / "task")
        return [int(child) for task in tasks for child in (_text(task / "children") or "").split()]

    # --- memory ---

    def _anonymous(self, pid: int) -> int:
        words = (_text(self._proc / str(pid) / "statm") or "").split()
        return (int(words[1]) - int(words[2])) * os.sysconf("SC_PAGE_SIZE") if len(words) > 2 else 0

    def _available(self) -> int | None:
        free = [self._meminfo().get("MemAvailable")]
        for group in self._groups():
            limits = [self._number(group / name) for name in ("memory.max", "memory.high")]
            used = self._number(group / "memory.current")
            if used is not None and (given := [limit for limit in limits if limit is not None]):
                cache = _table(group / "memory.stat").get("inactive_file", 0)
                free.append(max(min(given) - used + cache, 0))
        return min((amount for amount in free if amount is not None), default=None)

    def _meminfo(self) -> dict[str, int]:
        return {name.rstrip(":"): kib << 10 for name, kib in _table(self._proc / "meminfo").items()}

    def _groups(self) -> Iterator[Path]:
        """The control group (v2) of this process and those around it."""
        for line in (_text(self._proc / str(self._pid) / "cgroup") or "").splitlines():
            if line.startswith("0::"):
                top = self._sys / "fs/cgroup"
                group = top / line[3:].strip("/")
                while group.is_relative_to(top):
                    yield group
                    group = group.parent

    def _number(self, path: Path) -> int | None:
        text = _text(path) or ""
        return int(text) if text.lstrip("-").isdigit() else None


def _times(process: Path) -> tuple[int, int, int, int, int]:
    """Of a process or thread: time in it and in the kernel for it, both of ended children, its niceness."""
    # The name, in parentheses, may hold anything.
    words = (_text(process / "stat") or "").rpartition(")")[2].split()
    if len(words) < 17:
        return 0, 0, 0, 0, 0
    return int(words[11]), int(words[12]), int(words[13]), int(words[14]), int(words[16])


def others_busy(before: _Ticks | None, after: _Ticks | None) -> float | None:
    """The share of all processor time that programs of others had which do not give way themselves."""
    if before is None or after is None or after.total <= before.total:
        return None
    others = (after.busy - before.busy) - max(after.own - before.own, 0)
    return min(max(others / (after.total - before.total), 0.0), 1.0)


def memory_ceiling(given: int | None, total: int) -> int:
    """What nasd and its children may take: as given, else three quarters of what there is."""
    return given if given is not None else total * 3 // 4 or _NO_LIMIT


def memory_to_spare(total: int) -> int:
    """What is left to others before work gives way: a twentieth, but from 64 MiB to 1 GiB."""
    return min(max(total // 20, 64 << 20), 1 << 30) if total else 0


def whole_cores(cores: float) -> int:
    """As many workers as a share of processors keeps at work."""
    return max(1, math.ceil(cores - 0.25))


def _text(path: Path) -> str | None:
    try:
        return path.read_text("ascii", "replace").strip()
    except OSError:
        return None


def _folders(path: Path) -> list[Path]:
    try:
        return sorted(path.iterdir())
    except OSError:
        return []


def _matching(folder: Path, pattern: str) -> list[Path]:
    try:
        return sorted(folder.glob(pattern))
    except OSError:
        return []


def _table(path: Path) -> dict[str, int]:
    """Lines of a name and a number."""
    rows = (line.split() for line in (_text(path) or "").splitlines())
    return {row[0]: int(row[1]) for row in rows if len(row) > 1 and row[1].isdigit()}
