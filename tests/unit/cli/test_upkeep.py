from __future__ import annotations

import json
import sys
import tomllib
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from nasd import __version__
from nasd.cli.upkeep import toml_text
from nasd.config import Settings
from tests.fakes.client import model_out
from tests.unit.cli.conftest import RunNasd


def test_the_version(nasd: RunNasd) -> None:
    assert nasd("version").out == f"nasd {__version__}\n"
    assert json.loads(nasd("version", "--json").out)["version"] == __version__


def test_the_settings_are_shown_as_toml_that_reads_back(nasd: RunNasd, tmp_path: Path) -> None:
    file = tmp_path / "nasd.toml"
    file.write_text(
        '[[volumes]]\nname = "a"\npath = "/srv/a \\"b\\""\nignore = ["*.x"]\n'
        '[[policy]]\nmatch = {older_than = "3d"}\n'
        '[[sync.targets]]\nname = "t"\nurl = "sftp://me:secret@host/x"\nkeep = {last = 3}\n'
    )
    shown = nasd("--config", str(file), "config", "show")
    assert shown.code == 0
    assert "secret" not in shown.out
    assert f"# config_file: {file}" in shown.out
    tree = json.loads(nasd("--config", str(file), "config", "show", "--json").out)
    assert tree["paths"]["state_dir"] == str(tmp_path)
    del tree["paths"]
    assert tomllib.loads(shown.out) == tree


def test_toml_of_nested_tables() -> None:
    tree = {
        "a": 1,
        "b": {"c": {"d": "é\x7f\n"}, "e": [1, 2]},
        "f": {},
        "g": [{"h": {"i": True}}],
        "j": {"k": [{"l": 1}]},
    }
    assert tomllib.loads(toml_text(tree)) == tree


def test_checking_the_settings(
    nasd: RunNasd, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    file = tmp_path_factory.mktemp("elsewhere") / "nasd.toml"
    file.write_text('[[sync.targets]]\nname = "t"\nurl = "file:///x"\n')
    ran = nasd("--config", str(file), "config", "check")
    assert (ran.code, ran.out) == (0, f"{file}: good.\n")
    assert "not acted on" in ran.err
    assert "127.0.0.1 only" in ran.err
    document = json.loads(nasd("--config", str(file), "config", "check", "--json").out)
    assert (document["ok"], document["file"]) == (True, str(file))
    file.write_text("[server]\nprot = 1\n")
    ran = nasd("--config", str(file), "config", "check")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == f"nasd: {file}, line 2: server.prot: unknown key. Did you mean port?\n"
    file.write_text(f'[[volumes]]\nname = "a"\npath = "{file}"\n')
    ran = nasd("--config", str(file), "config", "check")
    assert ran.code == 2
    assert "not a folder" in ran.err


@pytest.fixture
def daemon(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Stands in for the parts of `nasd.daemon` that run without a daemon; holds what they were given."""
    seen: dict[str, Any] = {"problems": []}

    def run(settings: Settings) -> int:
        seen["run"] = settings
        return 0

    def prepare(settings: Settings, report: Any) -> Any:
        seen["prepared"] = settings.embedding.model
        report("exporting")
        return model_out()

    running = ModuleType("nasd.daemon.run")
    running.run = run  # type: ignore[attr-defined]
    upkeep: Any = ModuleType("nasd.daemon.upkeep")
    upkeep.upgrade_database = lambda settings: "It has this version's form."
    upkeep.check_database = lambda settings: seen["problems"]
    upkeep.rebuild_index = lambda settings: 7
    upkeep.prepare_model = prepare
    monkeypatch.setitem(sys.modules, "nasd.daemon.run", running)
    monkeypatch.setitem(sys.modules, "nasd.daemon.upkeep", upkeep)
    return seen


def test_running_with_options(nasd: RunNasd, daemon: dict[str, Any], tmp_path: Path) -> None:
    assert nasd("run", "--host", "127.0.0.1", "--port", "0").code == 0
    settings: Settings = daemon["run"]
    assert (settings.server.host, settings.server.port) == ("127.0.0.1", 0)
    assert settings.paths.state_dir == tmp_path
    assert nasd("run", "--port", "70000").code == 2


def test_nothing_runs_with_settings_that_cannot_work(
    nasd: RunNasd, daemon: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NASD_SERVER__TLS", '{"cert": "/none", "key": "/none"}')
    ran = nasd("run")
    assert ran.code == 2
    assert "server.tls.cert: /none" in ran.err
    assert "server.tls.key" in ran.err
    assert "run" not in daemon


def test_the_catalogues_upkeep(nasd: RunNasd, daemon: dict[str, Any]) -> None:
    assert nasd("db", "upgrade").out == "It has this version's form.\n"
    assert nasd("db", "rebuild-index").out == "7 vectors are in the new index.\n"
    assert nasd("db", "check").out == "The catalogue is sound.\n"
    daemon["problems"] = ["page 3 is damaged"]
    ran = nasd("db", "check")
    assert (ran.code, ran.out) == (1, "page 3 is damaged\n")
    ran = nasd("db", "check", "--json")
    assert ran.code == 1
    assert json.loads(ran.out) == {"ok": False, "problems": ["page 3 is damaged"]}


def test_preparing_a_model(nasd: RunNasd, daemon: dict[str, Any]) -> None:
    ran = nasd("model", "prepare", "other-model", "--json")
    assert ran.code == 0
    assert json.loads(ran.out)["state"] == "ready"
    assert ran.err == "exporting\n"
    assert daemon["prepared"] == "other-model"
    assert nasd("model", "prepare").code == 0
    assert daemon["prepared"] == "all-MiniLM-L6-v2"


def test_the_terminal_ui_is_started_with_a_way_to_the_daemon(
    nasd: RunNasd, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Any] = []

    def run(connect: Any) -> int:
        seen.append(connect())
        return 0

    module = ModuleType("tui.app")
    module.run = run  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "tui.app", module)
    assert nasd("tui").code == 0
    assert hasattr(seen[0], "__aenter__")
