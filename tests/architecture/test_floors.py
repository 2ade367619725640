"""The floors of the house: imports go only downward."""

from __future__ import annotations

import os

import pytest
from importlinter.cli import EXIT_STATUS_SUCCESS, lint_imports

from tests.architecture.requirements import ROOT


def test_the_import_contracts_hold(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    status = lint_imports(config_filename=os.fspath(ROOT / "pyproject.toml"), no_cache=True)
    assert status == EXIT_STATUS_SUCCESS, capsys.readouterr().out


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
