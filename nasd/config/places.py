"""Where an installation keeps its configuration, its state and its socket."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from nasd.config.models import Paths
from nasd.errors import ConfigError

SOCKET_PATH_BYTES = 107
"""What fits into `sun_path` of a Unix socket address beside its final zero byte (unix(7))."""


def _given_by_systemd(environ: Mapping[str, str], name: str) -> Path | None:
    """The folder that systemd made for this unit. A shell started by another service inherits that
    service's folders, so only one that is named after nasd counts."""
    first = environ.get(name, "").partition(":")[0]
    return Path(first) if first.startswith("/") and Path(first).name == "nasd" else None


def _xdg(environ: Mapping[str, str], name: str, default: str) -> Path:
    value = environ.get(name, "")
    # The XDG specification: a relative path is invalid and to be ignored.
    return Path(value) if value.startswith("/") else _home(environ) / default


def _home(environ: Mapping[str, str]) -> Path:
    home = environ.get("HOME", "")
    return Path(home) if home.startswith("/") else Path("~").expanduser()


def _absolute(path: Path, environ: Mapping[str, str]) -> Path:
    parts = path.parts
    if parts and parts[0] == "~":
        path = _home(environ).joinpath(*parts[1:])
    return Path(os.path.normpath(path.absolute()))


def find_paths(
    config: Path | None, state_dir: Path | None, environ: Mapping[str, str], *, root: bool
) -> Paths:
    """Arguments, else NASD_CONFIG and NASD_STATE_DIR, else systemd's folders, else the system's (`root`)
    or the user's. A given state folder holds the socket too. ConfigError when the socket's path is longer
    than the system can take."""
    if config is None and environ.get("NASD_CONFIG"):
        config = Path(environ["NASD_CONFIG"])
    if state_dir is None and environ.get("NASD_STATE_DIR"):
        state_dir = Path(environ["NASD_STATE_DIR"])

    if config is None:
        folder = _given_by_systemd(environ, "CONFIGURATION_DIRECTORY")
        if folder is None:
            folder = Path("/etc/nasd") if root else _xdg(environ, "XDG_CONFIG_HOME", ".config") / "nasd"
        config = folder / "nasd.toml"

    if state_dir is not None:
        state_dir = _absolute(state_dir, environ)
        socket = state_dir / "nasd.sock"
    else:
        state_dir = _given_by_systemd(environ, "STATE_DIRECTORY") or (
            Path("/var/lib/nasd") if root else _xdg(environ, "XDG_STATE_HOME", ".local/state") / "nasd"
        )
        runtime = _given_by_systemd(environ, "RUNTIME_DIRECTORY")
        if runtime is None and root:
            runtime = Path("/run/nasd")
        if runtime is None and environ.get("XDG_RUNTIME_DIR", "").startswith("/"):
            runtime = Path(environ["XDG_RUNTIME_DIR"]) / "nasd"
        socket = (runtime or state_dir) / "nasd.sock"

    length = len(os.fsencode(socket))
    if length > SOCKET_PATH_BYTES:
        raise ConfigError(
            f"The local socket's path has {length} bytes; at most {SOCKET_PATH_BYTES} are allowed: {socket}",
            cure="Choose a state folder with a shorter path (--state-dir).",
        )
    return Paths(config_file=_absolute(config, environ), state_dir=state_dir, socket=socket)
