from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from nasd import config
from nasd.config import Settings, bind_host, problems, show, warnings
from nasd.errors import ConfigError


def settings(tree: dict[str, Any] | None = None) -> Settings:
    return config.load(None, Path("/tmp/state"), {"HOME": "/nowhere"}, overrides=tree, root=False)


TLS = {"cert": "/c.pem", "key": "/k.pem"}


@pytest.mark.parametrize(
    ("server", "host", "narrowed"),
    [
        ({}, "127.0.0.1", True),
        ({"tls": "off"}, "127.0.0.1", True),
        ({"host": "0.0.0.0"}, "127.0.0.1", True),
        ({"host": "::"}, "::1", True),
        ({"host": "192.168.1.5"}, "127.0.0.1", True),
        ({"host": "127.0.0.2"}, "127.0.0.2", False),
        ({"host": "localhost", "tls": "off"}, "localhost", False),
        ({"tls": TLS}, "0.0.0.0", False),
        ({"tls": TLS, "host": "192.168.1.5"}, "192.168.1.5", False),
    ],
)
def test_only_a_certificate_opens_the_network(server: dict[str, Any], host: str, narrowed: bool) -> None:
    bound, reason = bind_host(settings({"server": server}))
    assert bound == host
    assert (reason is not None) == narrowed


def test_the_network_without_tls_is_a_contradiction() -> None:
    with pytest.raises(ConfigError, match="in the clear"):
        settings({"server": {"host": "0.0.0.0", "tls": "off"}})


def test_secrets_are_hidden_and_quantities_keep_their_notation() -> None:
    shown = show(
        settings(
            {
                "sync": {
                    "targets": [
                        {
                            "name": "a",
                            "url": "webdavs://user:hunter2@host/x?endpoint=y&secret_key=hunter3",
                            "bandwidth": "10MiB/s",
                            "window": "22:00-06:00",
                        }
                    ]
                },
                "llm": {"serve": {"url": "http://me:hunter4@host/v1"}},
                "policy": [{"match": {"larger_than": "1GiB", "older_than": "365d"}}],
            }
        )
    )
    text = json.dumps(shown)
    assert "hunter" not in text
    (target,) = shown["sync"]["targets"]
    assert target["url"] == "webdavs://***@host/x?endpoint=y&secret_key=***"
    assert (target["bandwidth"], target["window"]) == ("10MiB/s", "22:00-06:00")
    assert shown["policy"][0]["match"] == {"larger_than": "1GiB", "older_than": "365d"}
    assert shown["paths"]["socket"] == "/tmp/state/nasd.sock"


def test_what_is_shown_can_be_loaded_again() -> None:
    first = settings({"policy": [{"match": {"older_than": "36h"}, "sync": ["a"]}], "read": {"memory": "1GB"}})
    tree = show(first)
    del tree["paths"]
    assert show(settings(tree)) == show(first)


def test_what_is_not_acted_on_is_said() -> None:
    said = warnings(
        settings(
            {
                "server": {"tls": "auto"},
                "policy": [
                    {"name": "p", "match": {"personal_data": True}, "embed": False},
                    {"match": {"meaning": "x"}, "sync": ["a"], "remote_llm": True},
                ],
                "sync": {"targets": [{"name": "a", "url": "file:///x"}]},
                "embedding": {"serve": {"url": "http://me:pw@x/v1"}},
                "llm": {"serve": {"url": "http://me:pw@x/v1", "api": "ollama"}},
            }
        )
    )
    for words in (
        '"p": personal_data',
        '"2": meaning',
        "sync is not",
        "remote_llm",
        "(a)",
        "server.tls",
        "embedding.serve",
        "llm.serve",
    ):
        assert any(words in sentence for sentence in said), words
    assert not any("pw" in sentence for sentence in said)
    local = {"serve": {"url": "http://127.0.0.1:8080/v1"}}
    assert not warnings(settings({"embedding": local, "llm": local}))


def test_problems_look_at_the_disk(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "state" / "in").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "state" / "in")
    tree = {
        "server": {"tls": {"cert": str(tmp_path / "none"), "key": str(tmp_path / "file")}},
        "volumes": [
            {"name": "a", "path": str(tmp_path / "file")},
            {"name": "b", "path": str(tmp_path / "missing")},
            {"name": "c", "path": str(tmp_path / "link")},
        ],
    }
    found = problems(config.load(None, tmp_path / "state", {"HOME": "/nowhere"}, overrides=tree))
    assert len(found) == 3
    assert "server.tls.cert" in found[0]
    assert "not a folder" in found[1]
    assert "inside the state folder" in found[2]
