"""Recordings in a real daemon: found by their tags, and once a model is there by what is said in them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from nasd import wire
from nasd.config import load
from nasd.daemon.bring import import_model
from nasd.extract.samples_media import song
from tests.fakes.speech import make_speech_model, recorded
from tests.wired.process import DaemonProcess, paths_found, settled, until

MakeDaemon = Callable[..., DaemonProcess]
# Whatever else this machine does: nothing here is to wait for it.
CONFIG = '[load]\nwhen_busy = "run"\nwhen_hot = "run"\non_battery = "run"\n[read]\nocr = "off"\n'


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return make_speech_model(tmp_path / "tones", remembers=True, licence="mit")


@pytest.fixture
def sounds(tmp_path: Path) -> Path:
    root = tmp_path / "sounds"
    root.mkdir()
    (root / "song.mp3").write_bytes(song())
    (root / "memo.wav").write_bytes(recorded((400, 31.0), (0, 9.0), (1800, 25.0)))
    (root / "call.ogg").write_bytes(recorded((900, 4.0), form="OGG"))
    return root


def bring(daemon: DaemonProcess, model: Path) -> None:
    """As `nasd model import` does."""
    import_model(load(None, daemon.state_dir, {}), model, "speech", name=None, licence=None)


async def speech_step(daemon: DaemonProcess, path: Path) -> str:
    async with daemon.client() as client:
        told = await client.why(str(path))
    return "".join(step.detail for step in told.steps if step.what == "speech")


async def test_without_a_model_it_says_so_and_takes_up_one_that_comes(
    make_daemon: MakeDaemon, sounds: Path, model: Path
) -> None:
    daemon = make_daemon(config=CONFIG)
    daemon.start()
    await daemon.ready()
    async with daemon.client() as client:
        await client.add_volume(wire.VolumeIn(path=str(sounds)))
        status = await settled(client)
        assert status.coverage.searchable == 3, "nobody waits for a model that is not there"
        assert (status.speech.state, status.speech.waiting) == ("missing", 3)
        assert status.speech.detail is not None and "nasd model import" in status.speech.detail
        assert await paths_found(client, "artist title") == ["song.mp3"]
        assert await paths_found(client, "budget meeting") == []
        assert "No speech model is installed" in await speech_step(daemon, sounds / "memo.wav")
        told = await client.why(str(sounds / "call.ogg"))
        assert "what is said in it is not known yet" in told.summary
        made = daemon.cli_json("model", "import", str(model), "--kind", "speech")
        assert (made["name"], made["purpose"], made["detail"]) == ("tones", "speech", "licence: mit")

        async def found() -> bool:
            return await paths_found(client, "budget meeting") == ["call.ogg"]

        await until(found, "the model is taken up, and the call transcribed")


async def test_what_is_said_is_found_with_its_time(
    make_daemon: MakeDaemon, sounds: Path, model: Path
) -> None:
    daemon = make_daemon(config=CONFIG)
    bring(daemon, model)
    daemon.start()
    await daemon.ready()
    async with daemon.client() as client:
        await client.add_volume(wire.VolumeIn(path=str(sounds)))
        status = await settled(client)
        assert (status.coverage.searchable, status.coverage.semantic) == (3, 3)
        assert (status.speech.state, status.speech.waiting) == ("ready", 0)
        listed = [one for one in await client.models() if one.purpose == "speech"]
        assert [(one.state, one.active) for one in listed] == [("ready", True)]
        hits = (await client.search(wire.SearchIn(query="tomato harvest", mode="lexical"))).hits
        (hit,) = hits
        said = [(hit.file.path, hit.passage.place.time_s)]
        said += [(one.file.path, one.place.time_s) for one in hit.also]
        assert sorted(said) == [("memo.wav", 0.0), ("memo.wav", 30.0)], "said twice, word for word"
        hits = (await client.search(wire.SearchIn(query="birthday party", mode="lexical"))).hits
        assert [(hit.file.path, hit.passage.place.time_s) for hit in hits] == [("memo.wav", 60.0)]
        assert await paths_found(client, "budget meeting") == ["call.ogg"]
        told = await client.why(str(sounds / "memo.wav"))
        assert told.file is not None
        assert any("transcribed by tones" in note for note in told.file.notes)
        assert told.file.metadata["speech_language"] == "en"
        assert "unheard_from" not in told.file.metadata


async def test_a_kill_costs_half_a_minute_of_sound(
    make_daemon: MakeDaemon, tmp_path: Path, model: Path
) -> None:
    root = tmp_path / "long"
    root.mkdir()
    (root / "lecture.flac").write_bytes(recorded((3600, 600.0), form="FLAC", rate=8000))
    daemon = make_daemon(config=CONFIG)
    bring(daemon, model)
    daemon.start()
    await daemon.ready()

    async def passages() -> int:
        found = (await client.files()).items
        return (await client.file(found[0].id)).passages if found else 0

    async def some() -> bool:
        return await passages() >= 2

    async with daemon.client() as client:
        await client.add_volume(wire.VolumeIn(path=str(root)))
        await until(some, "some of it is transcribed")
        before = await passages()
    daemon.kill()
    daemon.start()
    await daemon.ready()
    async with daemon.client() as client:
        assert await passages() >= before, "what was transcribed is still there"
        status = await settled(client)
        assert await passages() == 20, "no stretch twice, none missing"
        assert status.coverage.pending == 0


async def test_transcription_can_be_switched_off(make_daemon: MakeDaemon, sounds: Path, model: Path) -> None:
    daemon = make_daemon(config=CONFIG + 'speech = "off"\n')
    bring(daemon, model)
    daemon.start()
    await daemon.ready()
    async with daemon.client() as client:
        await client.add_volume(wire.VolumeIn(path=str(sounds)))
        status = await settled(client)
        assert (status.speech.state, status.speech.detail) == ("off", None)
        assert await paths_found(client, "budget meeting") == []
    assert "read.speech is off" in await speech_step(daemon, sounds / "call.ogg")
