"""The embedding model of a real daemon is changed, refused, forced, interrupted and changed back."""

from __future__ import annotations

import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from nasd import errors, wire
from nasd.client import Client
from nasd.embed.source import DEFAULT_MODEL
from nasd.embed.store import PreparedModel
from tests.fakes.tiny_model import make_tiny_model
from tests.wired.process import DaemonProcess, paths_found, settled, until

pytestmark = pytest.mark.real_model
MakeDaemon = Callable[..., DaemonProcess]
CONFIG = '[load]\nwhen_busy = "run"\nwhen_hot = "run"\non_battery = "run"\n[read]\nocr = "off"\n'
QUESTION = "how long does the guarantee last"
THINGS = ("kettle", "ladder", "bicycle", "violin", "boiler", "tent", "camera", "carpet", "oven", "saw")
PLACES = ("cellar", "attic", "garage", "kitchen", "garden", "shed")


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    return make_tiny_model(tmp_path / "tiny")


def write_letters(root: Path) -> None:
    for thing in THINGS:
        for place in PLACES:
            text = (
                f"Since last winter the old {thing} stands in the {place} because nobody in our family "
                f"wanted to carry it away. Who needs a {thing} may fetch it from the {place} any evening.\n"
            )
            (root / f"{thing} in the {place}.txt").write_text(text, "utf-8")


async def serving(client: Client) -> str:
    return next(one.name for one in await client.models() if one.role == "serving")


def answers(client: Client, name: str) -> Callable[[], Awaitable[bool]]:
    async def so() -> bool:
        return any(one.name == name and one.active for one in await client.models())

    return so


async def coming(client: Client) -> wire.ModelOut | None:
    return next((one for one in await client.models() if one.role == "next"), None)


async def test_a_model_is_refused_forced_interrupted_and_changed_back(
    make_daemon: MakeDaemon, folder: Path, tiny: Path
) -> None:
    write_letters(folder)
    daemon = make_daemon(config=CONFIG)
    daemon.start()
    await daemon.ready()
    async with daemon.client() as client:
        await client.add_volume(wire.VolumeIn(path=str(folder)))
        await settled(client)
        measured = await client.evaluate()
        assert measured.queries > 30 and measured.modes["hybrid"].recall_at_10 > 0.8
        status = await client.status()
        assert status.evaluation == measured
        assert await client.evaluations() == [measured]

        with pytest.raises(errors.NotFound):
            await client.use_model(wire.ModelUse(name="nonsense"))
        await client.use_model(wire.ModelUse(name=str(tiny)))

        async def is_refused() -> bool:
            found = await coming(client)
            assert "Letters/warranty.md" in await paths_found(client, QUESTION, "hybrid")
            return found is not None and found.state == "failed"

        await until(is_refused, "the tiny model is refused")
        refused = await coming(client)
        assert refused is not None and refused.detail is not None and "recall@10" in refused.detail
        assert await serving(client) == DEFAULT_MODEL
        await client.use_model(wire.ModelUse(name=str(tiny), force=True))
    daemon.kill()

    daemon.start()
    await daemon.ready()
    async with daemon.client() as client:
        await until(answers(client, str(tiny)), "the tiny model answers")
        status = await settled(client)
        assert status.index.vectors == status.coverage.semantic
        assert "Letters/warranty.md" in await paths_found(client, QUESTION, "hybrid")
    daemon.kill()

    shutil.rmtree(tiny)  # what was prepared of it is enough
    daemon.start()
    await daemon.ready()
    async with daemon.client() as client:
        await until(answers(client, str(tiny)), "the tiny model answers again")
        await client.use_model(wire.ModelUse(name=DEFAULT_MODEL))
        await until(answers(client, DEFAULT_MODEL), "the former model answers")
        status = await settled(client)
        assert status.index.vectors == status.coverage.semantic
        assert "Letters/warranty.md" in await paths_found(client, QUESTION, "hybrid")
        assert [one.role for one in await client.models()].count("previous") == 1


async def test_a_model_in_the_configuration_file_wins(
    make_daemon: MakeDaemon, folder: Path, prepared_model: PreparedModel
) -> None:
    daemon = make_daemon(config=f'{CONFIG}[embedding]\nmodel = "{DEFAULT_MODEL}"\n')
    daemon.start()
    await daemon.ready()
    async with daemon.client() as client:
        with pytest.raises(errors.Conflict, match="settings name the model"):
            await client.use_model(wire.ModelUse(name=str(folder)))
