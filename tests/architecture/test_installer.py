"""install.sh where it must stop early and say why; its whole way is walked by every run of the checks."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.requirements import ROOT

Result = subprocess.CompletedProcess[str]


def install(*arguments: str, home: Path, **environ: str) -> Result:
    """Runs a copy of the installer in an otherwise empty project with `home` as home."""
    project = home / "project"
    (project / "nasd").mkdir(parents=True, exist_ok=True)
    shutil.copy(ROOT / "install.sh", project)
    return subprocess.run(
        ["bash", project / "install.sh", *arguments],
        env={"PATH": os.environ["PATH"], "HOME": str(home), **environ},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_help_names_every_mode(tmp_path: Path) -> None:
    done = install("--help", home=tmp_path)
    assert done.returncode == 0
    for mode in ("--try", "--test", "--system", "--user", "--uninstall"):
        assert mode in done.stdout


@pytest.mark.parametrize("arguments", [["--tri"], ["--user", "extra"], ["--uninstall", "--everything"]])
def test_an_unknown_argument_installs_nothing(tmp_path: Path, arguments: list[str]) -> None:
    done = install(*arguments, home=tmp_path)
    assert done.returncode == 1
    assert f"unknown argument: {arguments[-1]}" in done.stderr
    assert "--help" in done.stderr
    assert not (tmp_path / ".local").exists()


def test_a_folder_that_is_not_there_is_refused_before_anything_is_installed(tmp_path: Path) -> None:
    done = install("--try", str(tmp_path / "nowhere"), home=tmp_path)
    assert done.returncode == 1
    assert "nowhere is not a folder" in done.stderr
    assert not (tmp_path / ".local").exists()


def test_a_python_that_only_prints_an_error_is_not_taken(tmp_path: Path) -> None:
    done = install("--try", home=tmp_path, NASD_PYTHON="/bin/false")
    assert done.returncode == 1
    assert "NASD_PYTHON=/bin/false cannot be used" in done.stderr
    assert "3.11, 3.12 or 3.13" in done.stderr


def test_what_pip_says_is_shown_with_what_to_do(tmp_path: Path) -> None:
    """The way without a network: pip may ask nobody, and there is no folder of wheels."""
    (tmp_path / "project" / "nasd").mkdir(parents=True)
    for name in ("pyproject.toml", "nasd/constraints.txt", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tmp_path / "project" / name)
    for name in ("tui", "migrations", "systemd"):
        (tmp_path / "project" / name).mkdir()
    done = install(
        "--try",
        home=tmp_path,
        NASD_PYTHON=sys.executable,
        PIP_CONFIG_FILE=os.devnull,
        PIP_NO_INDEX="1",
    )
    assert done.returncode == 1
    assert "No matching distribution found for" in done.stderr
    assert "pip config set global.index-url" in done.stderr
    assert not (tmp_path / ".local/share/nasd/try/.nasd-requirements").exists()
    assert "No matching distribution" in (tmp_path / ".local/share/nasd/try.log").read_text()


def test_the_scripts_are_executable_and_parse() -> None:
    for script in (ROOT / "install.sh", ROOT / ".ci/run"):
        assert os.access(script, os.X_OK), script
        done = subprocess.run(["bash", "-n", script], capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
