"""Pictures in a real daemon: known by name and text, and once a model is there by what they show."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from nasd import wire
from nasd.client import Client
from nasd.config import load
from nasd.daemon.bring import import_model
from tests.fakes.vision import make_picture_model, picture
from tests.wired.process import DaemonProcess, settled, until

MakeDaemon = Callable[..., DaemonProcess]
# Whatever else this machine does: nothing here is to wait for it.
CONFIG = '[load]\nwhen_busy = "run"\nwhen_hot = "run"\non_battery = "run"\n[read]\nocr = "off"\n'
RED = {"beach/IMG_0001.png", "beach/IMG_0002.jpg"}


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return make_picture_model(tmp_path / "colours", licence="mit")


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    root = tmp_path / "photos"
    (root / "beach").mkdir(parents=True)
    (root / "beach" / "IMG_0001.png").write_bytes(picture("red"))
    (root / "beach" / "IMG_0002.jpg").write_bytes(picture("red", (320, 200), "JPEG", quality=95))
    (root / "IMG_0003.png").write_bytes(picture("green"))
    (root / "IMG_0004.webp").write_bytes(picture("blue", (48, 64), "WEBP", lossless=True))
    (root / "icon.png").write_bytes(picture("red", (16, 16)))
    (root / "letter.md").write_text("# Rent\n\nThe rent of the flat is 840 euros a month.\n", "utf-8")
    (root / "paint.md").write_text("# Paint\n\nThe fence was painted red in the spring.\n", "utf-8")
    return root


async def found(client: Client, query: str, **options: object) -> list[wire.HitOut]:
    asked = {"query": query, "mode": "hybrid", "k": 20, **options}
    return (await client.search(wire.SearchIn.model_validate(asked))).hits


async def seen(client: Client, query: str, **options: object) -> set[str]:
    return {hit.file.path for hit in await found(client, query, **options) if "picture" in hit.lanes}


async def picture_step(client: Client, path: Path) -> str:
    return "".join(step.detail for step in (await client.why(str(path))).steps if step.what == "picture")


async def test_without_a_model_it_says_so_and_takes_up_one_that_comes(
    make_daemon: MakeDaemon, photos: Path, model: Path
) -> None:
    daemon = make_daemon(config=CONFIG)
    daemon.start()
    await daemon.ready()
    async with daemon.client() as client:
        await client.add_volume(wire.VolumeIn(path=str(photos)))
        status = await settled(client)
        assert status.coverage.searchable == 7, "nobody waits for a model that is not there"
        assert (status.pictures.state, status.pictures.waiting) == ("missing", 4)
        assert "by their text, name and date only" in (status.pictures.detail or "")
        assert "nasd model import FOLDER --kind picture" in daemon.cli("status").stdout
        assert "by their text, name and date only" in await picture_step(client, photos / "IMG_0003.png")
        assert await picture_step(client, photos / "icon.png") == ""
        assert await seen(client, "red") == set()
        before = {one.path: (await client.file(one.id)).digest for one in (await client.files()).items}
        read = await client.why(str(photos / "IMG_0003.png"))
        made = daemon.cli_json("model", "import", str(model), "--kind", "picture")
        assert (made["name"], made["purpose"], made["detail"]) == ("colours", "picture", "licence: mit")

        async def all_seen() -> bool:
            return (await client.status()).pictures.pictures == 4

        await until(all_seen, "the model is taken up, and has seen all pictures")
        assert await seen(client, "red") == RED
        after = {one.path: (await client.file(one.id)).digest for one in (await client.files()).items}
        again = await client.why(str(photos / "IMG_0003.png"))
        assert after == before
        when = [[step.at for step in told.steps if step.what == "read"] for told in (read, again)]
        assert when[0] == when[1], "no file was read again"
        assert "looked at by colours" in await picture_step(client, photos / "IMG_0003.png")
        assert "by what it shows" in again.summary


async def test_pictures_among_passages(make_daemon: MakeDaemon, photos: Path, model: Path) -> None:
    daemon = make_daemon(config=CONFIG)
    import_model(load(None, daemon.state_dir, {}), model, "picture", name=None, licence=None)
    daemon.start()
    await daemon.ready()
    async with daemon.client() as client:
        await client.add_volume(wire.VolumeIn(path=str(photos), name="photos"))
        status = await settled(client)
        assert (status.pictures.state, status.pictures.waiting, status.pictures.pictures) == ("ready", 0, 4)
        assert [one.state for one in await client.models() if one.purpose == "picture"] == ["ready"]
        assert await seen(client, "red") == await seen(client, "red", mode="semantic") == RED
        hits = await found(client, "red")
        assert "paint.md" in {hit.file.path for hit in hits}, "and what is written of it"
        (shown,) = (hit for hit in hits if hit.file.path == "beach/IMG_0001.png")
        assert shown.passage.text == "Picture of 64 × 48 pixels: IMG 0001"
        assert shown.passage.id.startswith("i_")
        assert "IMG 0001" in daemon.cli("search", "red").stdout
        # Questions that no picture answers, operators, words alone.
        letters = [hit.file.path for hit in await found(client, "How much is the rent of the flat?")]
        assert letters[0] == "letter.md"
        for query in ("How much is the rent of the flat?", '"red"', "red -spring"):
            assert await seen(client, query) == set()
        assert await seen(client, "red", mode="lexical") == set()
        assert await seen(client, "red", filters={"path": "beach/IMG_0002*"}) == {"beach/IMG_0002.jpg"}
        assert await seen(client, "red", filters={"kinds": ["markdown"]}) == set()
        assert await seen(client, "red", filters={"volumes": ["photos"]}) == RED
        answer = await client.ask(wire.AskIn(question="What is red?"))
        assert all(one.file.path == "paint.md" for one in answer.citations)
        # What is deleted is gone, what moves is found there, what comes is looked at.
        (photos / "beach" / "IMG_0001.png").unlink()
        (photos / "beach" / "IMG_0002.jpg").rename(photos / "moved.jpg")
        (photos / "new.png").write_bytes(picture((250, 10, 10)))

        async def followed() -> bool:
            return await seen(client, "red") == {"moved.jpg", "new.png"}

        await until(followed, "deleted, moved and new pictures are known as such")
    assert daemon.terminate() == 0
    daemon.start()
    await daemon.ready()
    async with daemon.client() as client:
        await until(followed, "the same is so after a restart, once the model is open again")


async def test_looking_at_pictures_can_be_switched_off(
    make_daemon: MakeDaemon, photos: Path, model: Path
) -> None:
    daemon = make_daemon(config=CONFIG + 'pictures = "off"\n')
    import_model(load(None, daemon.state_dir, {}), model, "picture", name=None, licence=None)
    daemon.start()
    await daemon.ready()
    async with daemon.client() as client:
        await client.add_volume(wire.VolumeIn(path=str(photos)))
        status = await settled(client)
        assert (status.pictures.state, status.pictures.detail) == ("off", None)
        assert await seen(client, "red") == set()
        assert "read.pictures is off" in await picture_step(client, photos / "IMG_0003.png")
