from __future__ import annotations

from collections.abc import Callable
from datetime import time, timedelta
from pathlib import Path

import pytest

from nasd import config
from nasd.config import LlmEndpoint, Settings, TlsFiles
from nasd.config.load import merge, read_environment
from nasd.errors import ConfigError

Write = Callable[[str], Path]

WHOLE = """
[server]
host = "192.168.1.5"
port = 8477
tls = {cert = "/etc/nasd/cert.pem", key = "/etc/nasd/key.pem"}

[[volumes]]
name = "home"
path = "/srv/home"
watch = "auto"
poll_seconds = 300
ignore = ["*.tmp", "node_modules/"]

[[policy]]
name = "tax papers stay at home"
embed = true
remote_llm = false
sync = false
[policy.match]
volumes = ["home"]
path = "Documents/Tax/**"
kinds = ["pdf"]
labels = ["private"]
personal_data = true
larger_than = "1GiB"
older_than = "365d"
meaning = "tax return"

[[policy]]
sync = ["attic"]

[[sync.targets]]
name = "attic"
url = "s3://bucket/prefix?endpoint=http://127.0.0.1:9000&region=eu-1"
layout = "vault"
region = "eu"
credentials = "attic"
bandwidth = "10MiB/s"
window = "22:00-06:00"
keep = {last = 10, daily = 30, monthly = 12}

[embedding]
model = "all-MiniLM-L6-v2"
serve = "auto"

[answer]
answerer = "auto"

[llm]
serve = {url = "http://127.0.0.1:11434/v1"}
model = "qwen3.5-2b-q4_k_m"
memory = "2GiB"
"""


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def writing(source: str) -> Path:
        file = tmp_path / "nasd.toml"
        file.write_text(source, "utf-8")
        return file

    return writing


def load(file: Path | None, environ: dict[str, str] | None = None, **overrides: object) -> Settings:
    return config.load(file, Path("/tmp/state"), environ or {}, overrides=overrides or None)


def complaint(file: Path | None, environ: dict[str, str] | None = None, **overrides: object) -> str:
    with pytest.raises(ConfigError) as caught:
        load(file, environ, **overrides)
    assert caught.value.exit_code == 2
    return str(caught.value)


def test_the_whole_documented_configuration_is_accepted(write: Write) -> None:
    settings = load(write(WHOLE))
    assert settings.server.tls == TlsFiles(cert=Path("/etc/nasd/cert.pem"), key=Path("/etc/nasd/key.pem"))
    (volume,) = settings.volumes
    assert (volume.name, volume.path, volume.ignore) == (
        "home",
        Path("/srv/home"),
        ("*.tmp", "node_modules/"),
    )
    match = settings.policy[0].match
    assert match.larger_than == 1 << 30
    assert match.older_than == timedelta(days=365)
    assert settings.policy[0].sync == ()
    assert settings.policy[1].sync == ("attic",)
    (target,) = settings.sync.targets
    assert target.bandwidth == 10 << 20
    assert target.window is not None
    assert (target.window.start, target.window.end) == (time(22), time(6))
    assert settings.llm.serve == LlmEndpoint(url="http://127.0.0.1:11434/v1")
    assert settings.llm.memory == 2 << 30


def test_without_a_file_the_defaults_hold(tmp_path: Path) -> None:
    settings = config.load(None, tmp_path, {"HOME": str(tmp_path)}, root=False)
    assert (settings.server.host, settings.server.port, settings.server.tls) == ("0.0.0.0", 8477, "auto")
    assert settings.embedding.model == "all-MiniLM-L6-v2"
    assert (settings.volumes, settings.policy) == ((), ())


def test_settings_cannot_be_changed() -> None:
    settings = load(None, {"HOME": "/nowhere"})
    with pytest.raises(ValueError, match="frozen"):
        settings.server.port = 1


def test_arguments_come_before_environment_and_environment_before_the_file(write: Write) -> None:
    file = write('[server]\nport = 1\nhost = "127.0.0.1"\n[read]\nworkers = 3\n[embedding]\nbatch = 2\n')
    settings = load(file, {"NASD_SERVER__PORT": "2", "NASD_READ__WORKERS": "4"}, server={"port": 3})
    assert (settings.server.port, settings.server.host) == (3, "127.0.0.1")
    assert (settings.read.workers, settings.embedding.batch) == (4, 2)


def test_the_environment_reaches_deep_and_takes_lists_and_tables(write: Write) -> None:
    settings = load(
        write('[server]\ntls = {cert = "/a", key = "/b"}\n'),
        {
            "NASD_SERVER__TLS__CERT": "/c",
            "NASD_VOLUMES": '[{"name": "a", "path": "/srv/a"}]',
            "NASD_LLM__SERVE": '{url = "http://localhost/v1"}',
            "NASD_WATCH__RESPECT_GITIGNORE": "false",
            "NASD_READ__MEMORY": "256MiB",
        },
    )
    assert settings.server.tls == TlsFiles(cert=Path("/c"), key=Path("/b"))
    assert [volume.name for volume in settings.volumes] == ["a"]
    assert settings.llm.serve == LlmEndpoint(url="http://localhost/v1")
    assert settings.watch.respect_gitignore is False
    assert settings.read.memory == 256 << 20


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("[server]\nhots = 'x'\n", ["line 2: server.hots: unknown key", "Did you mean host?"]),
        ("[sevrer]\nport = 1\n", ["line 1: sevrer: unknown key", "Did you mean server?"]),
        ("[server]\n\nport = 'abc'\n", ["line 3: server.port", 'found "abc"', "a whole number is allowed"]),
        ("[server]\nport = 70000\n", ["line 2: server.port", "found 70000", "at most 65535"]),
        ("[server]\nport = true\n", ["line 2: server.port", "found true", "a whole number is allowed"]),
        ("[server]\ntls = 'of'\n", ['found "of"', '"auto" or "off" or {cert', "Did you mean off?"]),
        ("[server]\ntls = {cert = '/a'}\n", ["line 2: server.tls.key: is needed"]),
        ("[server]\nhost = 'a b'\n", ["line 2: server.host", "an address of this machine"]),
        ("[[volumes]]\nname = 'a'\n", ["line 1: volumes[0].path: is needed"]),
        ("[[volumes]]\nname = 'a'\npath = 'b'\n", ["line 3: volumes[0].path", "an absolute path is allowed"]),
        ("[[volumes]]\nname = 'a b'\npath = '/b'\n", ["line 2: volumes[0].name", "a name of letters"]),
        (
            "[[volumes]]\nname = 'a'\npath = '/b'\nwatch = 'pol'\n",
            ["line 4: volumes[0].watch", '"poll"', "Did you mean poll?"],
        ),
        (
            "[[volumes]]\nname = 'a'\npath = '/b'\n[[volumes]]\nname = 'a'\npath = '/c'\n",
            ["line 5: volumes[1].name", "already"],
        ),
        (
            "[[volumes]]\nname = 'a'\npath = '/b'\n[[volumes]]\nname = 'c'\npath = '/b/c'\n",
            ["line 6: volumes[1].path", 'volume "a" cover the same files'],
        ),
        ("[[volumes]]\nname = 'a'\npath = '/tmp/state/x'\n", ["line 3", "inside the state folder"]),
        ("volumes = 3\n", ["line 1: volumes: found 3", "a list is allowed"]),
        ("server = 3\n", ["line 1: server: found 3"]),
        ("[[policy]]\nmatch = {larger_than = '1XB'}\n", ["line 2: policy[0].match.larger_than", '"1GiB"']),
        ("[[policy]]\nmatch = {older_than = 3}\n", ["line 2: policy[0].match.older_than", '"365d"']),
        ("[[policy]]\nmatch = {pth = 'x'}\n", ["policy[0].match.pth: unknown key", "Did you mean path?"]),
        ("[[policy]]\nsync = 'attic'\n", ["policy[0].sync", "false or the names of targets"]),
        ("[[sync.targets]]\nname = 'a'\nurl = 'ftp://x'\n", ["line 3: sync.targets[0].url", "s3://"]),
        (
            "[[sync.targets]]\nname = 'a'\nurl = 'file:///x'\nbandwidth = '3'\nwindow = '25:00-1'\n",
            [
                "line 4: sync.targets[0].bandwidth",
                '"10MiB/s"',
                "line 5: sync.targets[0].window",
                '"22:00-06:00"',
            ],
        ),
        (
            "[embedding]\nserve = {ur = 'http://x'}\n",
            ["embedding.serve.ur: unknown key", "Did you mean url?"],
        ),
        ("[embedding]\nthreads = 'many'\n", ['"auto" or a whole number is allowed']),
        ("[llm]\nserve = {url = 'x'}\n", ["line 2: llm.serve.url", "a URL such as"]),
        ("[read]\nmemory = '1KiB'\n", ["line 2: read.memory", "at least 64MiB"]),
        ("paths = 3\n", ["line 1: paths: unknown key"]),
        ("[server\nport = 1\n", ["not valid TOML", "line 1"]),
        ("[server]\nhost = '0.0.0.0'\ntls = 'off'\n", ["server.tls is off", "127.0.0.1"]),
    ],
)
def test_an_error_names_file_line_what_was_found_and_what_is_allowed(
    write: Write, source: str, said: list[str]
) -> None:
    file = write(source)
    told = complaint(file)
    for part in said:
        assert part in told
    assert str(file) in told or "server.tls is off" in told


def test_all_errors_are_told_at_once(write: Write) -> None:
    told = complaint(write("[server]\nport = 'a'\n[nope]\n[answer]\nanswerer = 'me'\n")).splitlines()
    assert len(told) == 3


def test_the_right_one_of_several_tables_is_named(write: Write) -> None:
    first = '[[volumes]]\nname = "a"\npath = "/a"\n\n'
    source = first + '[[volumes]]\nname = "b"\nignore = [\n  "[x]",\n]\npath = "b"\n'
    assert "line 10: volumes[1].path" in complaint(write(source))


def test_an_error_in_the_environment_names_the_variable(write: Write) -> None:
    told = complaint(write("[server]\nport = 1\n"), {"NASD_SERVER__PORT": "x"})
    assert told.startswith("environment variable NASD_SERVER__PORT: server.port")


def test_an_error_in_an_argument_says_so(write: Write) -> None:
    assert complaint(write("[server]\nport = 1\n"), server={"port": 99999}).startswith(
        "argument: server.port"
    )


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("NASD_READ__WORKER", "NASD_READ__WORKERS"),
        ("NASD_PORT", "NASD_SERVER__PORT"),
        ("NASD_SATE_DIR", "NASD_STATE_DIR"),
    ],
)
def test_unknown_variables_are_errors_with_a_hint(name: str, hint: str) -> None:
    assert f"{name}: unknown. Did you mean {hint}?" in complaint(None, {name: "1", "HOME": "/nowhere"})


def test_variables_that_are_no_settings_are_left_alone() -> None:
    tree, variables = read_environment(
        {
            "NASD_CREDENTIAL_ATTIC_KEY": "s",
            "NASD_URL": "u",
            "NASD_CORPORA": "c",
            "OTHER": "x",
            "NASD_TEST_X": "y",
        }
    )
    assert (tree, variables) == ({}, {})


def test_a_variable_that_is_neither_json_nor_toml_is_an_error() -> None:
    assert "NASD_VOLUMES" in complaint(None, {"NASD_VOLUMES": "[{", "HOME": "/nowhere"})


def test_a_named_file_must_exist_be_utf8_and_readable(tmp_path: Path) -> None:
    assert "there is no such file" in complaint(tmp_path / "none.toml")
    assert "there is no such file" in complaint(None, {"NASD_CONFIG": str(tmp_path / "none.toml")})
    assert "cannot be read" in complaint(tmp_path)
    (tmp_path / "latin.toml").write_bytes(b"[server]\nhost = '\xe4'\n")
    assert "line 2: not UTF-8" in complaint(tmp_path / "latin.toml")


def test_merging_goes_table_by_table_and_replaces_lists() -> None:
    lower = {"a": {"b": 1, "c": [1, 2]}, "d": 1}
    assert merge(lower, {"a": {"c": [3]}, "d": {"e": 2}}) == {"a": {"b": 1, "c": [3]}, "d": {"e": 2}}
    assert lower == {"a": {"b": 1, "c": [1, 2]}, "d": 1}
