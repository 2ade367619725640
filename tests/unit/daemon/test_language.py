"""Language models from settings: listed, opened, brought, fetched, measured."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

import pytest

from nasd import config
from nasd.config import Settings
from nasd.daemon.language import (
    StoredModels,
    bench_stored,
    import_file,
    is_stored,
    model_opener,
    pull_model,
)
from nasd.errors import ConfigError, ModelError
from nasd.llm.base import ModelAbsent, ModelGone, Speed
from nasd.llm.local import LlamaModel
from nasd.llm.ollama import OllamaModel
from nasd.llm.remote import OpenAiModel
from nasd.llm.suggested import SUGGESTED
from tests.fakes.hub import REVISION, Hub, serving_hub
from tests.fakes.llm_servers import MODEL, Script, ollama_app, openai_app, serving

GIB = 1 << 30


def settings(folder: Path, **llm: Any) -> Settings:
    return config.load(None, folder, {"HOME": str(folder)}, overrides={"llm": llm})


def shelf(of: Settings, free: int | None = 4 * GIB) -> StoredModels:
    return StoredModels(of, of.paths.state_dir / "models", lambda: free)


def test_what_is_here_and_what_could_be(tiny_gguf: Path, tmp_path: Path) -> None:
    of = settings(tmp_path)
    assert shelf(of).names() == []
    made = import_file(of, tiny_gguf, name=None, licence=None)
    assert (made.name, made.licence, made.max_tokens) == ("tiny-f32", "apache-2.0", 8192)
    assert made.bytes == tiny_gguf.stat().st_size
    assert is_stored(of, "tiny-f32")
    assert not is_stored(of, "qwen")
    first, *others = shelf(of).describe()
    assert (first.name, first.fits) == ("tiny-f32", True)
    assert (first.memory_bytes or 0) > (first.bytes or 0)
    assert [one.name for one in others] == [one.name for one in SUGGESTED]
    assert all(one.state == "missing" and one.licence and "pull" in (one.detail or "") for one in others)


def test_what_fits_is_judged_by_what_is_free_and_granted(tiny_gguf: Path, tmp_path: Path) -> None:
    of = settings(tmp_path)
    import_file(of, tiny_gguf, name=None, licence=None)
    assert [one.fits for one in shelf(of, free=GIB).describe()] == [True, True, False, False, False, False]
    assert all(one.fits is None for one in shelf(of, free=None).describe())
    small = settings(tmp_path, memory="100MiB")
    assert not any(one.fits for one in shelf(small).describe())


def test_the_latest_is_named_first(tiny_gguf: Path, tmp_path: Path) -> None:
    of = settings(tmp_path)
    for age, name in ((10, "old"), (0, "new"), (20, "older")):
        import_file(of, tiny_gguf, name=name, licence=None)
        folder = tmp_path / "models" / "language" / name
        os.utime(folder, (1e9 - age, 1e9 - age))
    assert shelf(of).names() == ["new", "old", "older"]


async def test_a_model_that_is_here_is_opened_as_the_settings_have_it(
    tiny_gguf: Path, tmp_path: Path
) -> None:
    of = settings(tmp_path, context=1024)
    import_file(of, tiny_gguf, name=None, licence=None)
    opener = model_opener(of, tmp_path / "models", lambda: None, 2)
    model = await opener("tiny-f32")
    assert isinstance(model, LlamaModel)
    assert (await model.info()).context == 1024
    with pytest.raises(ModelAbsent, match="not here"):
        await opener("qwen")


async def test_a_machine_that_can_run_none_says_so_at_once(
    tiny_gguf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    of = settings(tmp_path)
    monkeypatch.setattr("nasd.llm.fitting.missing_instructions", lambda: ("avx2",))
    made = import_file(of, tiny_gguf, name=None, licence=None)
    assert made.state == "failed"
    assert "AVX2" in (made.detail or "")
    with pytest.raises(ModelAbsent, match="AVX2"):
        await model_opener(of, tmp_path / "models", lambda: None, 2)("tiny-f32")


async def test_servers_are_opened_by_what_they_speak(tmp_path: Path) -> None:
    async with (
        serving(lambda: ollama_app(Script())) as ollama,
        serving(lambda: openai_app(Script())) as other,
    ):
        for url, api, kind in (
            (ollama.url, "auto", OllamaModel),
            (other.url, "auto", OpenAiModel),
            (other.url, "openai", OpenAiModel),
            (ollama.url, "ollama", OllamaModel),
        ):
            of = settings(tmp_path, serve={"url": url, "api": api}, model=MODEL)
            model = await model_opener(of, tmp_path / "models", lambda: None, 2)(MODEL)
            assert isinstance(model, kind)
            assert not model.elsewhere
            await model.close()
    of = settings(tmp_path, serve={"url": "http://127.0.0.1:9/v1"}, model=MODEL)
    with pytest.raises(ModelGone):
        await model_opener(of, tmp_path / "models", lambda: None, 2)(MODEL)


async def test_the_key_of_a_server_comes_from_its_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving(lambda: openai_app(Script(key="sk-secret"))) as server:
        of = settings(tmp_path, serve={"url": server.url, "api": "openai", "credentials": "llm"}, model=MODEL)
        opener = model_opener(of, tmp_path / "models", lambda: None, 2)
        with pytest.raises(ConfigError, match="llm"):
            await opener(MODEL)
        monkeypatch.setenv("NASD_CREDENTIAL_LLM", "sk-other")
        with pytest.raises(ModelError, match="another key"):
            await opener(MODEL)
        monkeypatch.setenv("NASD_CREDENTIAL_LLM", "sk-secret")
        model = await opener(MODEL)
        assert (await model.info()).name == MODEL
        await model.close()


def test_a_model_is_pulled_from_the_hub_of_the_settings(
    tiny_gguf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    data = tiny_gguf.read_bytes()
    hub = Hub(cuts=[1_000_000])
    hub.put("maker/Tiny-GGUF", "Tiny-F32.gguf", data)
    monkeypatch.setattr("nasd.llm.pull.FIRST_PAUSE_S", 0.0)
    with serving_hub(hub):
        of = settings(tmp_path, hub=hub.url)
        made = pull_model(
            of,
            f"maker/Tiny-GGUF/Tiny-F32.gguf@{REVISION}",
            sha256=hashlib.sha256(data).hexdigest(),
            name=None,
            on_progress=lambda done, total: None,
        )
    assert (made.name, made.state, made.licence) == ("tiny-f32", "ready", "apache-2.0")
    assert len(hub.seen) == 2


def test_what_daily_work_shows_is_kept(tiny_gguf: Path, tmp_path: Path) -> None:
    of = settings(tmp_path)
    import_file(of, tiny_gguf, name="tiny", licence=None)
    shelf(of).remember("tiny", Speed(prompt=80.0, generate=8.0))
    shelf(of).remember("gone", Speed(prompt=1.0, generate=1.0))
    assert shelf(of).here("tiny").prompt_tokens_s == 80.0


def test_a_model_is_measured_and_that_is_kept(tiny_gguf: Path, tmp_path: Path) -> None:
    of = settings(tmp_path)
    import_file(of, tiny_gguf, name=None, licence=None)
    said: list[str] = []
    made = bench_stored(of, "tiny-f32", said.append)
    assert said
    assert (made.prompt_tokens_s or 0) > 0
    assert shelf(of).here("tiny-f32").generate_tokens_s == made.generate_tokens_s
    with pytest.raises(ModelAbsent):
        bench_stored(of, "other", said.append)
