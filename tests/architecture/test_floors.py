"""The floors of the house: imports go only downward."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.architecture.requirements import ROOT


def test_the_import_contracts_hold() -> None:
    # In a process of its own: the linter configures logging such that loggers made before fall silent.
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as run; run()"]
    done = subprocess.run([*command, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    "name", ["utils", "util", "helpers", "helper", "manager", "managers", "common", "misc"]
)
def test_no_module_has_a_name_that_holds_anything(name: str) -> None:
    found = [*ROOT.glob(f"nasd/**/{name}.py"), *ROOT.glob(f"tui/**/{name}.py")]
    found += [*ROOT.glob(f"nasd/**/{name}/"), *ROOT.glob(f"tui/**/{name}/")]
    assert found == []


def test_no_module_is_longer_than_400_lines() -> None:
    modules = [*ROOT.glob("nasd/**/*.py"), *ROOT.glob("tui/**/*.py")]
    assert modules
    long = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in modules}
    assert {name: lines for name, lines in long.items() if lines > 400} == {}
