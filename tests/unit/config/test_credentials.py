"""Secrets by name: where they are looked for, what is refused, and that no message tells them."""

from __future__ import annotations

from pathlib import Path

import pytest

from nasd.config import load, problems, read_credential, show
from nasd.errors import ConfigError

SECRET = "sk-123 abc"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    (tmp_path / "credentials").mkdir()
    return tmp_path / "nasd.toml"


def keep(config: Path, name: str, text: str, mode: int = 0o600) -> Path:
    path = config.parent / "credentials" / name
    path.write_text(text, "utf-8")
    path.chmod(mode)
    return path


def test_the_environment_comes_first_then_systemd_then_the_file(config: Path, tmp_path: Path) -> None:
    keep(config, "cloud.key", f"{SECRET}\n")
    environ: dict[str, str] = {}
    assert read_credential("cloud.key", config_file=config, environ=environ) == SECRET
    given = tmp_path / "given"
    given.mkdir()
    (given / "cloud.key").write_text("from systemd", "ascii")
    environ["CREDENTIALS_DIRECTORY"] = str(given)
    assert read_credential("cloud.key", config_file=config, environ=environ) == "from systemd"
    environ["NASD_CREDENTIAL_CLOUD_KEY"] = "from the environment"
    assert read_credential("cloud.key", config_file=config, environ=environ) == "from the environment"


def test_what_is_not_there_says_where_it_belongs(config: Path) -> None:
    with pytest.raises(ConfigError, match="credential cloud is not there") as raised:
        read_credential("cloud", config_file=config, environ={})
    assert "credentials/cloud with mode 0600" in (raised.value.cure or "")
    assert "NASD_CREDENTIAL_CLOUD" in (raised.value.cure or "")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
def test_a_file_that_others_can_reach_is_refused(config: Path, mode: int) -> None:
    keep(config, "cloud", SECRET, mode)
    with pytest.raises(ConfigError, match="can be read by others"):
        read_credential("cloud", config_file=config, environ={})


@pytest.mark.parametrize("text", ["", "two\nlines", "with \x00 zero", "schlüssel", "x" * 20_000])
def test_what_is_no_line_of_text_is_refused_without_being_told(config: Path, text: str) -> None:
    keep(config, "cloud", text)
    with pytest.raises(ConfigError, match="one line of ASCII") as raised:
        read_credential("cloud", config_file=config, environ={})
    assert not text or text not in str(raised.value)


def test_the_check_names_a_missing_one_and_nothing_shows_it(config: Path, tmp_path: Path) -> None:
    config.write_text(
        '[embedding]\nserve = {url = "http://127.0.0.1:1/v1", credentials = "cloud"}\n', "utf-8"
    )
    settings = load(config, tmp_path / "state", {})
    (found,) = problems(settings)
    assert found.startswith("embedding.serve.credentials: The credential cloud is not there.")
    keep(config, "cloud", SECRET)
    assert problems(settings) == []
    assert SECRET not in str(show(settings)) + repr(settings)
