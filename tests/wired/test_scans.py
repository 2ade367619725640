"""Photos, scans and songs in a real daemon: found by what they are, by recognised words, and shown small."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import aiohttp
import pytest
from multidict import CIMultiDict

from nasd import wire
from nasd.extract.ocr import tesseract
from nasd.extract.samples_media import photo, song
from tests.fakes.scans import WORDS, saved, sheet
from tests.wired.process import DaemonProcess, paths_found, settled, until

MakeDaemon = Callable[..., DaemonProcess]
needs_tesseract = pytest.mark.skipif(tesseract.find() is None, reason="tesseract is not installed")
NUMBERS = ("first", "second", "third", "fourth")


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    root = tmp_path / "pictures"
    root.mkdir()
    (root / "IMG_0001.jpg").write_bytes(photo())
    (root / "track.mp3").write_bytes(song())
    pages = [sheet(f"This is the {number} page\nof the scanned contract") for number in NUMBERS]
    (root / "contract.pdf").write_bytes(saved(pages, "PDF"))
    (root / "letter.png").write_bytes(saved([sheet(WORDS, rotation=180)], "PNG"))
    return root


async def fetch(daemon: DaemonProcess, path: str, **headers: str) -> tuple[int, CIMultiDict[str], bytes]:
    connector = aiohttp.UnixConnector(path=str(daemon.socket))
    async with (
        aiohttp.ClientSession(connector=connector) as session,
        session.get(f"http://local{path}", headers=headers) as reply,
    ):
        return reply.status, CIMultiDict(reply.headers), await reply.read()


@needs_tesseract
async def test_scans_are_found_by_their_words_page_by_page(daemon: DaemonProcess, pictures: Path) -> None:
    daemon.cli("volume", "add", str(pictures))
    async with daemon.client() as client:
        status = await settled(client)
        assert status.coverage.searchable == status.coverage.semantic == 4
        assert (status.ocr.state, status.ocr.waiting) == ("ready", 0)
        assert status.ocr.engine is not None and status.ocr.engine.startswith("tesseract")
        assert await paths_found(client, "canon 2019 lisbon") == ["IMG_0001.jpg"]
        assert await paths_found(client, "plumber invoice") == ["letter.png"]
        hits = (await client.search(wire.SearchIn(query="third scanned contract", mode="lexical"))).hits
        assert (hits[0].file.path, hits[0].passage.place.page) == ("contract.pdf", 3)
        told = daemon.cli_json("why", str(pictures / "contract.pdf"))
        assert told["file"]["metadata"]["ocr_pages"] == "1-4"
        assert any("recognised by tesseract" in note for note in told["file"]["notes"])


@needs_tesseract
async def test_a_kill_costs_one_page_and_keeps_the_content(make_daemon: MakeDaemon, pictures: Path) -> None:
    daemon = make_daemon()
    daemon.start()
    await daemon.ready()
    pages = [sheet(f"Page {number} of the long report") for number in range(1, 13)]
    (pictures / "report.pdf").write_bytes(saved(pages, "PDF"))
    (pictures / "contract.pdf").unlink()
    daemon.cli("volume", "add", str(pictures))

    async def detail() -> wire.FileDetail | None:
        found = [file for file in (await client.files()).items if file.path == "report.pdf"]
        return await client.file(found[0].id) if found else None

    async def some() -> bool:
        seen = await detail()
        return seen is not None and "-" in seen.metadata.get("ocr_pages", "")

    async with daemon.client() as client:
        await until(some, "some pages are recognised")
        before = await detail()
    daemon.kill()
    assert before is not None and before.metadata.get("unread_pages")
    done_before = before.metadata["ocr_pages"]
    daemon.start()
    await daemon.ready()
    async with daemon.client() as client:
        after = await detail()
        assert after is not None
        assert after.metadata.get("ocr_pages", "").split("-")[0] == done_before.split("-")[0]
        assert after.passages >= before.passages, "what was recognised is still there"
        status = await settled(client)
        end = await detail()
        assert end is not None
        assert end.metadata["ocr_pages"] == "1-12"
        assert end.passages == 12, "no page twice, none missing"
        assert status.coverage.pending == 0


async def test_without_recognition_nothing_waits_for_it(make_daemon: MakeDaemon, pictures: Path) -> None:
    daemon = make_daemon(config='[read]\nocr = "off"\n')
    daemon.start()
    await daemon.ready()
    daemon.cli("volume", "add", str(pictures))
    async with daemon.client() as client:
        status = await settled(client)
        assert (status.ocr.state, status.ocr.engine) == ("off", None)
        assert status.coverage.searchable == 4
        assert await paths_found(client, "plumber invoice") == []
        assert await paths_found(client, "artist title") == ["track.mp3"]


async def test_thumbnails(make_daemon: MakeDaemon, pictures: Path) -> None:
    daemon = make_daemon(config='[read]\nocr = "off"\n')
    daemon.start()
    await daemon.ready()
    daemon.cli("volume", "add", str(pictures))
    async with daemon.client() as client:
        await settled(client)
        ids = {file.path: file.id for file in (await client.files()).items}
    for path in ("IMG_0001.jpg", "contract.pdf"):
        status, headers, body = await fetch(daemon, f"/api/v1/files/{ids[path]}/thumbnail")
        assert (status, headers["Content-Type"]) == (200, "image/webp")
        assert body[8:12] == b"WEBP"
    kept = list((daemon.state_dir / "thumbnails").rglob("*.webp"))
    assert len(kept) == 2
    url = f"/api/v1/files/{ids['contract.pdf']}/thumbnail"
    assert (await fetch(daemon, url, **{"If-None-Match": headers["ETag"]}))[0] == 304
    assert (await fetch(daemon, f"/api/v1/files/{ids['track.mp3']}/thumbnail"))[0] == 404
