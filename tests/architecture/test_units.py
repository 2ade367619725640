"""The systemd units, as systemd itself reads them."""

from __future__ import annotations

import configparser
import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.architecture.requirements import ROOT

UNITS = ROOT / "systemd"
MOST_EXPOSED = 3.0
"""On systemd's own scale from 0 to 10, where a unit without any confinement has 9.6."""


@pytest.fixture(params=["nasd.service", "nasd-user.service"])
def unit(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A unit whose program exists on this machine."""
    text = (UNITS / request.param).read_text()
    changed = re.sub(r"^ExecStart=\S+/nasd ", "ExecStart=/bin/true ", text, flags=re.MULTILINE)
    assert changed != text
    path = tmp_path / "nasd.service"
    path.write_text(changed)
    return path


def test_systemd_accepts_the_unit(unit: Path) -> None:
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", unit],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_the_service_is_confined(tmp_path: Path) -> None:
    path = tmp_path / "nasd.service"
    path.write_text((UNITS / "nasd.service").read_text())
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--no-pager", path],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    exposure = re.search(r"Overall exposure level for nasd\.service: ([\d.]+)", done.stdout)
    assert exposure, done.stdout + done.stderr
    print(exposure[0])
    assert float(exposure[1]) <= MOST_EXPOSED


def read_service(name: str) -> configparser.SectionProxy:
    parser = configparser.RawConfigParser(strict=False)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(UNITS / name)
    return parser["Service"]


@pytest.mark.parametrize("name", ["nasd.service", "nasd-user.service"])
def test_both_units_supervise_alike(name: str) -> None:
    service = read_service(name)
    assert service["Type"] == "notify"
    assert service["WatchdogSec"] == "60s"
    assert service["Restart"] == "on-failure"
    assert service["RestartPreventExitStatus"] == "2"
    assert service["TimeoutStopSec"] == "30s"


def test_the_service_reads_volumes_and_writes_only_its_own_folders() -> None:
    service = read_service("nasd.service")
    assert service["User"] == "nasd"
    assert service["ProtectSystem"] == "strict"
    assert service["ReadOnlyPaths"] == "/"
    assert service["ReadWritePaths"].split() == ["/var/lib/nasd", "/run/nasd"]
    assert service["CapabilityBoundingSet"] == service["AmbientCapabilities"] == "CAP_DAC_READ_SEARCH"


@pytest.mark.skipif(os.geteuid() != 0, reason="creating users and folders below another root needs root")
def test_user_and_folders_are_made(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    for command in (
        ["systemd-sysusers", f"--root={tmp_path}", UNITS / "nasd.sysusers.conf"],
        ["systemd-tmpfiles", f"--root={tmp_path}", "--create", UNITS / "nasd.tmpfiles.conf"],
    ):
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
    name, _, user, group, _, home, shell = (tmp_path / "etc/passwd").read_text().strip().split(":")
    assert (name, home, shell) == ("nasd", "/var/lib/nasd", "/usr/sbin/nologin")
    state = (tmp_path / "var/lib/nasd").stat()
    assert (state.st_uid, state.st_gid, state.st_mode & 0o777) == (int(user), int(group), 0o700)
    assert (tmp_path / "etc/nasd").stat().st_mode & 0o777 == 0o750
