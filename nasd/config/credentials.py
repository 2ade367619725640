"""Secrets by name: from the environment, from systemd, or from a file that only its owner can read."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Mapping
from pathlib import Path

from nasd.errors import ConfigError

VARIABLE = "NASD_CREDENTIAL_"
FOLDER = "credentials"
MOST_BYTES = 16 << 10


def read_credential(name: str, *, config_file: Path, environ: Mapping[str, str]) -> str:
    """The secret called `name`, one line: NASD_CREDENTIAL_<NAME>, else the systemd credential of that name,
    else the file credentials/<name> beside the configuration file.

    Raises ConfigError when there is none, when others than its owner may read the file, and when it is no
    single line of ASCII. No message holds any of the secret.
    """
    variable = VARIABLE + re.sub(r"[^A-Za-z0-9]", "_", name).upper()
    if environ.get(variable):
        return _one_line(environ[variable], f"the environment variable {variable}")
    given = environ.get("CREDENTIALS_DIRECTORY", "")
    if given.startswith("/") and (Path(given) / name).exists():
        return _one_line(_read(Path(given) / name), f"the systemd credential {name}")
    path = config_file.parent / FOLDER / name
    if not path.exists():
        raise ConfigError(
            f"The credential {name} is not there.",
            cure=f"Write it into {path} with mode 0600, give it as the systemd credential {name}, or set "
            f"{variable}.",
        )
    _check_owner_only(path)
    return _one_line(_read(path), str(path))


def _check_owner_only(path: Path) -> None:
    found = path.stat()
    if stat.S_IMODE(found.st_mode) & 0o077:
        raise ConfigError(f"{path} can be read by others.", cure=f"chmod 600 {path}")
    if found.st_uid not in (os.geteuid(), 0):
        raise ConfigError(f"{path} belongs to another user.", cure=f"chown it to user {os.geteuid()}.")


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}.") from None
    return data.decode("ascii", "replace") if len(data) <= MOST_BYTES else "\n\n"


def _one_line(text: str, where: str) -> str:
    line = text.strip()
    # What is no single line could not be sent as a header, and the refusal would quote it.
    if not re.fullmatch(r"[\x20-\x7e]+", line):
        raise ConfigError(f"{where} does not hold one line of ASCII text.")
    return line
