"""Fetching a model."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from nasd.errors import ConfigError, Conflict, DiskFull, ModelError, Unavailable
from nasd.llm import pull as pulling
from nasd.llm import store
from nasd.llm.pull import pull
from nasd.llm.suggested import Source
from tests.fakes.hub import REVISION, Hub, serving_hub

REPOSITORY, FILE = "maker/Tiny-GGUF", "Tiny-F32.gguf"


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


@pytest.fixture
def hub(tiny_gguf: Path) -> Iterator[Hub]:
    made = Hub()
    made.put(REPOSITORY, FILE, tiny_gguf.read_bytes())
    with serving_hub(made):
        yield made


def source(tiny_gguf: Path, *, size: bool = True) -> Source:
    data = tiny_gguf.read_bytes()
    return Source(
        name="tiny-f32",
        repository=REPOSITORY,
        revision=REVISION,
        file=FILE,
        sha256=hashlib.sha256(data).hexdigest(),
        bytes=len(data) if size else None,
        licence="apache-2.0",
    )


class Pauses:
    def __init__(self) -> None:
        self.taken: list[float] = []

    def __call__(self, seconds: float) -> None:
        self.taken.append(seconds)


def left_over(models: Path) -> list[str]:
    return [path.name for path in store.home(models).iterdir() if path.name.startswith(".")]


def test_a_model_is_fetched_checked_and_put_in_place(hub: Hub, tiny_gguf: Path, tmp_path: Path) -> None:
    seen: list[tuple[int, int | None]] = []
    wanted = source(tiny_gguf)
    made = pull(tmp_path, wanted, hub.url, on_progress=lambda done, total: seen.append((done, total)))
    assert made.file.read_bytes() == tiny_gguf.read_bytes()
    assert (made.name, made.licence, made.sha256) == ("tiny-f32", "apache-2.0", wanted.sha256)
    assert made.origin == f"{REPOSITORY}/{FILE}@{REVISION}"
    assert store.find(tmp_path, "tiny-f32") == made
    assert seen[0] == (0, wanted.bytes)
    assert seen[-1] == (wanted.bytes, wanted.bytes)
    assert left_over(tmp_path) == []


@pytest.mark.parametrize("size", [True, False])
def test_cut_connections_are_gone_on_from(hub: Hub, tiny_gguf: Path, tmp_path: Path, size: bool) -> None:
    hub.cuts = [1_000_000, 0, 500_000]
    pauses = Pauses()
    made = pull(tmp_path, source(tiny_gguf, size=size), hub.url, pause=pauses)
    assert made.file.read_bytes() == tiny_gguf.read_bytes()
    assert hub.seen == [None, "bytes=1000000-", "bytes=1000000-", "bytes=1500000-"]
    assert len(pauses.taken) == 3


class _PowerCut(BaseException):
    pass


def cut_after(size: int) -> Callable[[int, int | None], None]:
    def look(done: int, total: int | None) -> None:
        if done >= size:
            raise _PowerCut

    return look


def test_a_new_start_goes_on_where_the_old_one_ended(
    hub: Hub, tiny_gguf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pulling, "CHUNK", 1 << 18)
    with pytest.raises(_PowerCut):
        pull(tmp_path, source(tiny_gguf), hub.url, on_progress=cut_after(1 << 20))
    assert store.stored(tmp_path) == ()
    assert left_over(tmp_path) != []
    made = pull(tmp_path, source(tiny_gguf), hub.url)
    assert hub.seen == [None, f"bytes={1 << 20}-"]
    assert made.file.read_bytes() == tiny_gguf.read_bytes()
    assert left_over(tmp_path) == []


def test_what_is_whole_already_is_not_fetched_again(
    hub: Hub, tiny_gguf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for size in (True, False):
        wanted = source(tiny_gguf, size=size)
        with suppress(_PowerCut):
            pull(tmp_path, wanted, hub.url, on_progress=cut_after(tiny_gguf.stat().st_size))
        hub.seen.clear()
        made = pull(tmp_path, wanted, hub.url)
        assert hub.seen == ([] if size else [f"bytes={tiny_gguf.stat().st_size}-"])
        shutil.rmtree(made.folder)


def test_a_hub_without_ranges_begins_anew(hub: Hub, tiny_gguf: Path, tmp_path: Path) -> None:
    hub.whole_only = True
    hub.cuts = [1_000_000]
    made = pull(tmp_path, source(tiny_gguf), hub.url, pause=Pauses())
    assert made.file.read_bytes() == tiny_gguf.read_bytes()


def test_another_file_under_the_name_is_refused(hub: Hub, tiny_gguf: Path, tmp_path: Path) -> None:
    data = bytearray(tiny_gguf.read_bytes())
    data[-1] ^= 1
    hub.put(REPOSITORY, FILE, bytes(data))
    with pytest.raises(ModelError, match="SHA-256"):
        pull(tmp_path, source(tiny_gguf), hub.url)
    assert left_over(tmp_path) == []
    assert store.stored(tmp_path) == ()
    hub.put(REPOSITORY, FILE, bytes(data[:-1]))
    with pytest.raises(ModelError, match="another file"):
        pull(tmp_path, source(tiny_gguf), hub.url)


def test_a_file_that_is_no_model_is_refused(hub: Hub, tiny_gguf: Path, tmp_path: Path) -> None:
    data = b"no model at all" * 100
    hub.put(REPOSITORY, FILE, data)
    wanted = Source(
        name="x",
        repository=REPOSITORY,
        revision=REVISION,
        file=FILE,
        sha256=hashlib.sha256(data).hexdigest(),
    )
    with pytest.raises(ModelError, match="GGUF"):
        pull(tmp_path, wanted, hub.url)
    assert left_over(tmp_path) == []


def test_a_hub_that_keeps_breaking_off_is_given_up_and_the_part_kept(
    hub: Hub, tiny_gguf: Path, tmp_path: Path
) -> None:
    hub.cuts = [500_000] + [0] * 20
    pauses = Pauses()
    with pytest.raises(Unavailable, match="breaks off") as caught:
        pull(tmp_path, source(tiny_gguf), hub.url, pause=pauses)
    assert "again" in (caught.value.cure or "")
    assert pauses.taken == sorted(pauses.taken)
    assert max(pauses.taken) <= pulling.LONGEST_PAUSE_S
    hub.cuts.clear()
    hub.seen.clear()
    pull(tmp_path, source(tiny_gguf), hub.url)
    assert hub.seen == ["bytes=500000-"]


def test_a_hub_that_is_not_there_is_given_up_soon(tiny_gguf: Path, tmp_path: Path) -> None:
    pauses = Pauses()
    with pytest.raises(Unavailable, match=r"127\.0\.0\.1"):
        pull(tmp_path, source(tiny_gguf), "http://127.0.0.1:9", pause=pauses)
    assert len(pauses.taken) == pulling.FIRST_ATTEMPTS - 1


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_refusal_of_the_hub_keeps_what_is_here(
    hub: Hub, tiny_gguf: Path, tmp_path: Path, status: int
) -> None:
    with pytest.raises(_PowerCut):
        pull(tmp_path, source(tiny_gguf), hub.url, on_progress=cut_after(1 << 20))
    hub.status = status
    with pytest.raises(ModelError, match=str(status)):
        pull(tmp_path, source(tiny_gguf), hub.url)
    assert left_over(tmp_path) != []


def test_a_hub_may_hand_downloads_on(hub: Hub, tiny_gguf: Path, tmp_path: Path) -> None:
    hub.elsewhere = hub.url
    hub.cuts = [1_000_000]
    made = pull(tmp_path, source(tiny_gguf), hub.url, pause=Pauses())
    assert made.file.read_bytes() == tiny_gguf.read_bytes()


def test_never_from_an_encrypted_line_to_an_open_one() -> None:
    import urllib.request
    from email.message import Message

    request = urllib.request.Request("https://hub.example/file")
    handler = pulling._Careful()
    with pytest.raises(ModelError, match="encryption"):
        handler.redirect_request(request, None, 302, "", Message(), "http://elsewhere.example/file")
    followed = handler.redirect_request(request, None, 302, "", Message(), "https://elsewhere.example/file")
    assert followed is not None


def test_a_full_disk_is_seen_before_it_is_full(
    hub: Hub, tiny_gguf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=65 << 20))
    with pytest.raises(DiskFull, match=r"0\.00 GB more .* 0\.07 GB are free"):
        pull(tmp_path, source(tiny_gguf), hub.url)


def test_a_name_that_is_taken_and_an_unusable_hub(hub: Hub, tiny_gguf: Path, tmp_path: Path) -> None:
    pull(tmp_path, source(tiny_gguf), hub.url)
    with pytest.raises(Conflict, match="already"):
        pull(tmp_path, source(tiny_gguf), hub.url)
    assert pull(tmp_path, source(tiny_gguf), hub.url, name="other").name == "other"
    with pytest.raises(ConfigError, match=r"llm\.hub"):
        pull(tmp_path, source(tiny_gguf), "file:///etc", name="third")


def test_two_at_once_do_not_mix(hub: Hub, tiny_gguf: Path, tmp_path: Path) -> None:
    refused: list[str] = []

    def look(done: int, total: int | None) -> None:
        if not refused:
            with pytest.raises(Conflict, match="pulled already"):
                pull(tmp_path, source(tiny_gguf), hub.url)
            refused.append("once")

    assert pull(tmp_path, source(tiny_gguf), hub.url, on_progress=look).name == "tiny-f32"
    assert refused
