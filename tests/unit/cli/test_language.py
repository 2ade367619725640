"""Language models on the command line."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import pytest

from tests.fakes.client import ScriptedClient, model_out
from tests.fakes.hub import REVISION, Hub, serving_hub
from tests.unit.cli.conftest import RunNasd


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


def test_a_file_is_imported_and_measured(nasd: RunNasd, tiny_gguf: Path, tmp_path: Path) -> None:
    ran = nasd("model", "import", str(tiny_gguf), "--name", "tiny")
    assert ran.code == 0, ran.err
    assert "apache-2.0" in ran.out
    assert "speed not measured yet" in ran.out
    assert nasd("model", "import", str(tiny_gguf), "--name", "tiny").code == 1
    ran = nasd("model", "bench", "tiny", "--json")
    assert ran.code == 0, ran.err
    assert json.loads(ran.out)["prompt_tokens_s"] > 0


def test_a_folder_needs_a_kind(nasd: RunNasd, tmp_path: Path) -> None:
    ran = nasd("model", "import", str(tmp_path))
    assert ran.code == 2
    assert "--kind" in ran.err


def test_a_pull_needs_a_digest_and_ends_with_a_model(
    nasd: RunNasd, tiny_gguf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = tiny_gguf.read_bytes()
    hub = Hub()
    hub.put("maker/Tiny-GGUF", "Tiny-F32.gguf", data)
    wanted = f"maker/Tiny-GGUF/Tiny-F32.gguf@{REVISION}"
    assert nasd("model", "pull", wanted).code == 2
    with serving_hub(hub):
        monkeypatch.setenv("NASD_LLM__HUB", hub.url)
        digest = hashlib.sha256(data).hexdigest()
        ran = nasd("model", "pull", wanted, "--sha256", digest, "--name", "mine", "--json")
    assert ran.code == 0, ran.err
    assert json.loads(ran.out)["name"] == "mine"


def test_a_list_says_what_fits(nasd: RunNasd) -> None:
    models = [
        model_out(
            name="small",
            purpose="language",
            serving="llama",
            bytes=1 << 30,
            memory_bytes=3 << 29,
            fits=True,
            licence="apache-2.0",
            prompt_tokens_s=120.4,
            generate_tokens_s=11.25,
        ),
        model_out("missing", name="large", purpose="language", memory_bytes=9 << 30, fits=False),
    ]
    ran = nasd("model", "list", client=ScriptedClient(models=models))
    assert "1.5 GiB of memory, fits" in ran.out
    assert "licence apache-2.0" in ran.out
    assert "reads 120 and writes 11.2 tokens/s" in ran.out
    assert "9.0 GiB of memory, does not fit now" in ran.out
