from __future__ import annotations

from pathlib import Path

import pytest

from nasd.config.places import SOCKET_PATH_BYTES, find_paths
from nasd.errors import ConfigError

USER = {"HOME": "/home/u"}


def places(
    config: str | None, state: str | None, environ: dict[str, str], *, root: bool = False
) -> list[str]:
    found = find_paths(Path(config) if config else None, Path(state) if state else None, environ, root=root)
    return [str(found.config_file), str(found.state_dir), str(found.socket)]


def test_root_uses_the_systems_folders() -> None:
    expected = ["/etc/nasd/nasd.toml", "/var/lib/nasd", "/run/nasd/nasd.sock"]
    assert places(None, None, {"HOME": "/root", "XDG_CONFIG_HOME": "/x"}, root=True) == expected


def test_a_user_uses_the_xdg_folders_or_their_defaults() -> None:
    assert places(None, None, USER) == [
        "/home/u/.config/nasd/nasd.toml",
        "/home/u/.local/state/nasd",
        "/home/u/.local/state/nasd/nasd.sock",
    ]
    given = USER | {"XDG_CONFIG_HOME": "/c", "XDG_STATE_HOME": "/s", "XDG_RUNTIME_DIR": "/run/user/1"}
    assert places(None, None, given) == ["/c/nasd/nasd.toml", "/s/nasd", "/run/user/1/nasd/nasd.sock"]
    assert places(None, None, USER | {"XDG_STATE_HOME": "relative"})[1] == "/home/u/.local/state/nasd"


def test_folders_that_systemd_made_count_only_when_they_are_ours() -> None:
    ours = USER | {
        "CONFIGURATION_DIRECTORY": "/etc/nasd",
        "STATE_DIRECTORY": "/var/lib/nasd:/var/lib/other",
        "RUNTIME_DIRECTORY": "/run/nasd",
    }
    assert places(None, None, ours) == ["/etc/nasd/nasd.toml", "/var/lib/nasd", "/run/nasd/nasd.sock"]
    theirs = USER | {"STATE_DIRECTORY": "/var/lib/ci", "RUNTIME_DIRECTORY": "/run/ci"}
    assert places(None, None, theirs) == places(None, None, USER)


def test_a_given_state_folder_holds_the_socket_and_arguments_come_first() -> None:
    environ = USER | {"NASD_STATE_DIR": "/e", "NASD_CONFIG": "/e.toml", "XDG_RUNTIME_DIR": "/run/user/1"}
    assert places(None, None, environ) == ["/e.toml", "/e", "/e/nasd.sock"]
    assert places("/a.toml", "/a/../b", environ) == ["/a.toml", "/b", "/b/nasd.sock"]
    assert places(None, "~/s", USER)[1] == "/home/u/s"


def test_relative_paths_become_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert places("c.toml", "s", USER) == [f"{tmp_path}/c.toml", f"{tmp_path}/s", f"{tmp_path}/s/nasd.sock"]


def test_a_socket_path_that_no_system_takes_is_an_error_in_bytes() -> None:
    fits = "/" + "a" * (SOCKET_PATH_BYTES - len("/nasd.sock") - 1)
    assert len(places(None, fits, USER)[2]) == SOCKET_PATH_BYTES
    with pytest.raises(ConfigError, match="108 bytes; at most 107"):
        places(None, fits + "a", USER)
    with pytest.raises(ConfigError, match="--state-dir"):
        places(None, "/" + "ä" * 60, USER)
