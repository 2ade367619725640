from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from nasd.embed.store import PreparedModel
from tests.wired.process import DaemonProcess


@pytest.fixture
def make_daemon(tmp_path: Path, prepared_model: PreparedModel) -> Iterator[Callable[..., DaemonProcess]]:
    """Makes daemons over state folders in `tmp_path`; what still runs at the end is killed."""
    made: list[DaemonProcess] = []

    def make(name: str = "state", *, config: str = "", with_model: bool = True) -> DaemonProcess:
        daemon = DaemonProcess(tmp_path / name, prepared_model if with_model else None, config=config)
        made.append(daemon)
        return daemon

    yield make
    for daemon in made:
        daemon.end()


@pytest_asyncio.fixture
async def daemon(make_daemon: Callable[..., DaemonProcess]) -> AsyncIterator[DaemonProcess]:
    """One that runs and is ready."""
    daemon = make_daemon()
    daemon.start()
    await daemon.ready()
    yield daemon


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A volume with a few real documents."""
    root = tmp_path / "home"
    (root / "Letters").mkdir(parents=True)
    (root / "Letters" / "warranty.md").write_text(
        "# Dishwasher\n\nThe guarantee period is five years from the date of purchase.\n", "utf-8"
    )
    (root / "Letters" / "rent.txt").write_text(
        "The rent of the flat in Harbour Street is 840 euros a month, payable on the third.\n", "utf-8"
    )
    (root / "bread.html").write_text(
        "<html><head><title>Sourdough</title></head><body><h1>Sourdough</h1>"
        "<p>Bake the loaf for forty minutes at 230 degrees.</p></body></html>",
        "utf-8",
    )
    (root / "costs.csv").write_text("month,electricity\nJanuary,91.40\nFebruary,88.10\n", "utf-8")
    return root
