"""The machine as its files describe it: laptops, servers, containers, and kernels that say little."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from nasd.load.base import Machine
from nasd.load.cores import keep_to
from nasd.load.sense import Sensors, memory_ceiling, memory_to_spare, whole_cores

PID = 100


class Box:
    """A machine made of files."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.process(PID, parent=1, ticks=100)

    def put(self, path: str, text: str) -> None:
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(f"{text}\n", "ascii")

    def supply(self, name: str, **files: str) -> None:
        for file, text in files.items():
            self.put(f"sys/class/power_supply/{name}/{file}", text)

    def zone(self, number: int, kind: str, millidegrees: str) -> None:
        self.put(f"sys/class/thermal/thermal_zone{number}/type", kind)
        self.put(f"sys/class/thermal/thermal_zone{number}/temp", millidegrees)

    def process(
        self,
        pid: int,
        *,
        parent: int,
        ticks: int = 0,
        pages: int = 10,
        nice: int = 0,
        children: int = 0,
        listed: bool = False,
    ) -> None:
        fields = ["S", str(parent), *["0"] * 9, str(ticks), "0", str(children), "0", "20", str(nice)]
        line = f"{pid} (a (very) odd) name) {' '.join([*fields, *['0'] * 30])}"
        self.put(f"proc/{pid}/stat", line)
        self.put(f"proc/{pid}/task/{pid}/stat", line)
        self.put(f"proc/{pid}/statm", f"{pages * 3} {pages + 5} 5 0 0 0 0")
        if listed:
            self.put(f"proc/{pid}/task/{pid}/children", "")

    def stat(self, user: int, idle: int, *, nice: int = 0, iowait: int = 0) -> None:
        self.put("proc/stat", f"cpu  {user} {nice} 0 {idle} {iowait} 0 0 0 0 0\ncpu0 1 2 3")

    def sensors(self) -> Sensors:
        return Sensors(self.root, pid=PID)

    def look(self) -> Machine:
        return self.sensors().look()


@pytest.fixture
def box(tmp_path: Path) -> Box:
    return Box(tmp_path)


def test_a_machine_that_says_nothing_is_no_error(tmp_path: Path) -> None:
    seen = Sensors(tmp_path / "nothing", pid=PID).look()
    assert (seen.on_battery, seen.celsius, seen.others_busy, seen.available) == (None, None, None, None)
    assert (seen.own, seen.daemon) == (None, None)
    assert seen.cores >= 1


def test_this_machine_can_be_looked_at() -> None:
    sensors = Sensors()
    sensors.look()
    seen = sensors.look()
    assert seen.daemon is not None
    assert seen.own is not None
    assert seen.own >= seen.daemon > 1 << 20
    assert seen.available is not None
    assert 0 < seen.available <= sensors.total_memory()


@pytest.mark.parametrize(
    ("supplies", "expected"),
    [
        ({}, None),
        ({"AC": {"type": "Mains", "online": "1"}}, None),
        ({"BAT0": {"type": "Battery", "status": "Discharging"}}, True),
        ({"BAT0": {"type": "Battery", "status": "Full"}}, False),
        (
            {
                "AC": {"type": "Mains", "online": "0"},
                "BAT0": {"type": "Battery", "status": "Discharging", "present": "1"},
            },
            True,
        ),
        (
            {
                "usbc": {"type": "USB", "online": "1"},
                "BAT0": {"type": "Battery", "status": "Discharging"},
            },
            False,
        ),
        ({"mouse": {"type": "Battery", "status": "Discharging", "scope": "Device"}}, None),
        ({"BAT1": {"type": "Battery", "status": "Discharging", "present": "0"}}, None),
        ({"ups": {"type": "UPS", "status": "Discharging"}}, True),
    ],
)
def test_on_battery(box: Box, supplies: dict[str, dict[str, str]], expected: bool | None) -> None:
    for name, files in supplies.items():
        box.supply(name, **files)
    assert box.look().on_battery is expected


def test_the_hottest_sensor_of_the_processor_counts(box: Box) -> None:
    box.zone(0, "acpitz", "110000")
    box.zone(1, "x86_pkg_temp", "61000")
    box.zone(2, "cpu-thermal", "-273000")
    box.put("sys/class/hwmon/hwmon0/name", "nvme")
    box.put("sys/class/hwmon/hwmon0/temp1_input", "99000")
    box.put("sys/class/hwmon/hwmon1/name", "k10temp")
    box.put("sys/class/hwmon/hwmon1/temp1_input", "64500")
    box.put("sys/class/hwmon/hwmon1/temp2_input", "nonsense")
    assert box.look().celsius == 64.5


def test_what_others_use_is_all_that_is_not_idle_nor_ours(box: Box) -> None:
    box.process(PID + 1, parent=PID, ticks=50)
    box.process(PID + 2, parent=PID + 1, ticks=7)
    box.process(PID + 3, parent=1, ticks=10_000)  # of somebody else
    box.stat(1000, 5000, iowait=10)
    sensors = box.sensors()
    assert sensors.look().others_busy is None, "there is nothing to compare with yet"
    box.process(PID, parent=1, ticks=110)
    box.process(PID + 2, parent=PID + 1, ticks=17)
    box.stat(1080, 5100, iowait=30)
    assert sensors.look().others_busy == pytest.approx(60 / 200)


def test_nice_work_disturbs_nobody_and_is_not_subtracted_either(box: Box) -> None:
    box.process(PID + 1, parent=PID, ticks=50, nice=5)
    box.stat(1000, 5000)
    sensors = box.sensors()
    sensors.look()
    box.process(PID + 1, parent=PID, ticks=950, nice=5, children=300)
    box.stat(1050, 5050, nice=100)
    assert sensors.look().others_busy == pytest.approx(50 / 200)


def test_a_child_that_ended_takes_no_time_back(box: Box) -> None:
    box.stat(1000, 5000)
    box.process(PID + 1, parent=PID, ticks=500)
    sensors = box.sensors()
    sensors.look()
    (box.root / f"proc/{PID + 1}/stat").unlink()
    box.stat(1100, 5000)
    assert sensors.look().others_busy == 1.0


def test_children_are_found_by_thread_where_the_kernel_lists_them(box: Box) -> None:
    box.process(PID, parent=1, pages=10, listed=True)
    box.put(f"proc/{PID}/task/{PID + 9}/children", f"{PID + 1}")
    box.process(PID + 1, parent=PID, pages=20, listed=True)
    box.process(PID + 2, parent=PID, pages=1000, listed=True)  # not listed: it is not ours any more
    seen = box.look()
    page = os.sysconf("SC_PAGE_SIZE")
    assert (seen.daemon, seen.own) == (10 * page, 30 * page)


def test_memory_is_what_the_service_may_have(box: Box) -> None:
    box.put("proc/meminfo", "MemTotal: 8000000 kB\nMemAvailable: 6000000 kB\nHugePages_Total: 0")
    assert box.look().available == 6_000_000 << 10
    assert box.sensors().total_memory() == 8_000_000 << 10
    box.put(f"proc/{PID}/cgroup", "3:cpu:/elsewhere\n0::/system.slice/nasd.service")
    group = "sys/fs/cgroup/system.slice/nasd.service"
    box.put(f"{group}/memory.max", "2000000000")
    box.put(f"{group}/memory.high", "max")
    box.put(f"{group}/memory.current", "1500000000")
    box.put(f"{group}/memory.stat", "anon 1\ninactive_file 300000000")
    assert box.look().available == 800_000_000
    assert box.sensors().total_memory() == 2_000_000_000


def test_cores_are_what_the_service_may_use(box: Box) -> None:
    box.put(f"proc/{PID}/cgroup", "0::/a/b")
    box.put("sys/fs/cgroup/a/b/cpu.max", "max 100000")
    assert box.sensors().cores() == len(os.sched_getaffinity(0))
    box.put("sys/fs/cgroup/a/cpu.max", "50000 100000")
    assert box.sensors().cores() == 0.5


@pytest.mark.parametrize(("cores", "workers"), [(0.5, 1), (1.0, 1), (1.2, 1), (1.5, 2), (4.0, 4)])
def test_workers_for_a_share_of_cores(cores: float, workers: int) -> None:
    assert whole_cores(cores) == workers


def test_the_ceiling_is_given_or_leaves_a_quarter() -> None:
    assert memory_ceiling(123, 1000) == 123
    assert memory_ceiling(None, 4 << 30) == 3 << 30
    assert memory_ceiling(None, 0) > 1 << 50, "unknown is unlimited"
    assert memory_to_spare(0) == 0
    assert memory_to_spare(512 << 20) == 64 << 20
    assert memory_to_spare(1 << 40) == 1 << 30


def test_a_process_can_be_kept_to_some_cores() -> None:
    code = "import os; from nasd.load.cores import keep_to; keep_to(1); print(len(os.sched_getaffinity(0)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "1"
    before = os.sched_getaffinity(0)
    keep_to(1 << 10)
    assert os.sched_getaffinity(0) == before, "more than there are is all of them"
