"""Files in archives, mailboxes and mails, through a real daemon: found, cited, counted, explained, gone."""

from __future__ import annotations

import io
import shutil
import sqlite3
import tarfile
import zipfile
from collections.abc import Callable
from contextlib import closing
from email.message import EmailMessage
from pathlib import Path

import aiohttp
import pytest
from multidict import CIMultiDict

from nasd import wire
from nasd.client import Client
from tests.fakes.scans import WORDS, saved, sheet
from tests.fakes.sevenzip import seven_zip
from tests.wired.process import DaemonProcess, paths_found, settled, until

MAIL = (
    b"From: ann@example.org\nSubject: The invoice\nDate: Mon, 2 Mar 2026 10:00:00 +0100\n"
    b"Content-Type: multipart/mixed; boundary=b\n\n--b\n"
    b"Content-Type: text/plain\n\nSee the kingfisher.\n--b\n"
    b"Content-Type: text/plain\nContent-Disposition: attachment; filename=invoice.txt\n\n"
    b"The invoice amounts to 77 euros for the lighthouse.\n--b--\n"
)


def packed(**members: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def tarred(**members: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size, info.mtime = len(data), 1_700_000_000
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


async def states(client: Client) -> dict[str, str]:
    found: dict[str, str] = {}
    cursor = None
    while True:
        page = await client.files(limit=200, cursor=cursor)
        found |= {file.path: file.state for file in page.items}
        cursor = page.next_cursor
        if cursor is None:
            return found


async def test_what_lies_in_containers_is_found_cited_counted_and_explained(
    daemon: DaemonProcess, tmp_path: Path
) -> None:
    root = tmp_path / "home"
    root.mkdir()
    inner = tarred(**{"deep/otter.txt": b"The otter swims in the river Test.\n"})
    (root / "a.zip").write_bytes(
        packed(
            **{
                "b.txt": b"The heron stands in the shallow water and waits.\n",
                "broken.pdf": b"%PDF-1.7\nno document follows\n",
                "song.rar": b"Rar!\x1a\x07\x00 and so on",
                "cache/thing.tmp": b"An unfinished thing.\n",
                "n/inner.tgz": inner,
            }
        )
    )
    (root / "post.eml").write_bytes(MAIL)
    (root / "box.mbox").write_bytes(b"From ann Mon Mar  2 10:00:00 2026\n" + MAIL)
    daemon.cli("volume", "add", str(root), "--name", "home")
    async with daemon.client() as client:
        status = await settled(client)
        found = await states(client)
        assert found == {
            "a.zip": "indexed",
            "a.zip!/b.txt": "indexed",
            "a.zip!/broken.pdf": "failed",
            "a.zip!/song.rar": "skipped",
            "a.zip!/cache/thing.tmp": "skipped",
            "a.zip!/n/inner.tgz": "indexed",
            "a.zip!/n/inner.tgz!/deep/otter.txt": "indexed",
            "post.eml": "indexed",
            "post.eml!/invoice.txt": "indexed",
            "box.mbox": "indexed",
            "box.mbox!/00001 The invoice.eml": "indexed",
            "box.mbox!/00001 The invoice.eml!/invoice.txt": "indexed",
        }
        coverage = status.coverage
        assert (coverage.files, coverage.searchable, coverage.semantic) == (9, 9, 9)
        assert (coverage.pending, coverage.failed, coverage.skipped) == (0, 1, 2)
        assert await paths_found(client, "heron") == ["a.zip!/b.txt"]
        assert await paths_found(client, "otter river") == ["a.zip!/n/inner.tgz!/deep/otter.txt"]
        assert (await paths_found(client, "wading bird", "semantic"))[0] == "a.zip!/b.txt"
        hit = (await client.search(wire.SearchIn(query="lighthouse"))).hits[0]
        assert hit.file.path in {path for path in found if path.endswith("invoice.txt")}
        answer = await client.ask(wire.AskIn(question="Where does the heron stand and wait?"))
        assert answer.citations[0].file.path == "a.zip!/b.txt"
        text = await client.file_text(answer.citations[0].file.id)
        assert "shallow water" in text.text

        for path, verdict, words in (
            ("a.zip!/b.txt", "searchable", "by its words and by meaning"),
            ("a.zip!/broken.pdf", "failed", "cannot be opened"),
            ("a.zip!/song.rar", "skipped", "RAR"),
            ("a.zip!/cache/thing.tmp", "skipped", "*.tmp"),
            ("a.zip", "searchable", "opened"),
            ("a.zip!/nothing.txt", "unknown", "no such file in it"),
        ):
            why = await client.why(f"home:{path}")
            assert (why.verdict, words in why.summary) == (verdict, True), why


async def test_members_live_and_die_with_their_container(daemon: DaemonProcess, tmp_path: Path) -> None:
    root = tmp_path / "home"
    root.mkdir()
    heron, lynx = b"The heron stands in the water.\n", b"The lynx leaves no trace.\n"
    (root / "a.zip").write_bytes(packed(**{"b.txt": heron, "c.txt": lynx}))
    daemon.cli("volume", "add", str(root), "--name", "home")
    async with daemon.client() as client:
        status = await settled(client)
        ids = {file.path: file.id for file in (await client.files()).items}
        vectors = vectors_made(daemon)

        async def shown(query: str, paths: list[str]) -> bool:
            return await paths_found(client, query) == paths

        (root / "a.zip").rename(root / "z.zip")
        await until(lambda: shown("heron", ["z.zip!/b.txt"]), "a member goes along with its container")
        assert {file.path: file.id for file in (await client.files()).items} == {
            path.replace("a.zip", "z.zip"): number for path, number in ids.items()
        }

        # One member stays as it is, one goes, one comes.
        (root / "z.zip").write_bytes(packed(**{"b.txt": heron, "d.txt": b"The marmot whistles.\n"}))
        await until(lambda: shown("marmot", ["z.zip!/d.txt"]), "a new member is found")
        status = await settled(client)
        assert await paths_found(client, "lynx") == []
        assert {file.path: file.id for file in (await client.files()).items}["z.zip!/b.txt"] == ids[
            "a.zip!/b.txt"
        ]
        assert vectors_made(daemon) == vectors + 1
        assert status.index.vectors == 2

        (root / "z.zip").unlink()
        await until(lambda: shown("heron", []), "members go with their container")
        status = await settled(client)
        assert (await client.files()).items == []
        assert (status.coverage.files, status.index.vectors) == (0, 0)


def vectors_made(daemon: DaemonProcess) -> int:
    """How many vectors were ever made: none is deleted within a week."""
    with closing(sqlite3.connect(daemon.state_dir / "catalogue.db")) as connection:
        return int(connection.execute("SELECT count(*) FROM vectors").fetchone()[0])


@pytest.mark.corpus
async def test_bombs_end_as_a_reason_and_disturb_nothing(
    daemon: DaemonProcess, corpora: Path, tmp_path: Path
) -> None:
    root = tmp_path / "home"
    root.mkdir()
    for name in ("s-nested.zip", "s-zeros.txt.gz"):
        shutil.copy(corpora / "hostile" / "files" / "bomb" / name, root)
    shutil.copy(corpora / "hostile" / "files" / "wrongtype" / "s-slip.zip", root)
    (root / "plain.zip").write_bytes(packed(**{"b.txt": b"The heron stands in the water.\n"}))
    daemon.cli("volume", "add", str(root), "--name", "home")
    async with daemon.client() as client:
        status = await settled(client)
        assert await paths_found(client, "heron") == ["plain.zip!/b.txt"]
        found = await states(client)
        assert found["s-zeros.txt.gz!/s-zeros.txt"] == "skipped"
        assert not any(".." in path.split("/") for path in found)
        assert status.coverage.pending == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["home", "state", "state.log", "state.toml"]


# --- what a member is, byte for byte --------------------------------------------------------------------


async def fetch(daemon: DaemonProcess, path: str, **headers: str) -> tuple[int, CIMultiDict[str], bytes]:
    connector = aiohttp.UnixConnector(path=str(daemon.socket))
    async with (
        aiohttp.ClientSession(connector=connector) as session,
        session.get(f"http://local{path}", headers=headers) as reply,
    ):
        return reply.status, CIMultiDict(reply.headers), await reply.read()


async def test_members_are_served_shown_small_and_recognised(daemon: DaemonProcess, tmp_path: Path) -> None:
    """A picture in an archive in a mail: its bytes, a part of them, its thumbnail, the words in it."""
    root = tmp_path / "home"
    root.mkdir()
    letter = saved([sheet(WORDS)], "PNG")
    mail = EmailMessage()
    mail["Subject"] = "Papers"
    mail.set_content("See the archive.")
    mail.add_attachment(
        packed(**{"scans/letter.png": letter}), maintype="application", subtype="zip", filename="scans.zip"
    )
    (root / "mail.eml").write_bytes(mail.as_bytes())
    before = {path: path.stat() for path in root.rglob("*")}
    daemon.cli("volume", "add", str(root), "--name", "home")
    async with daemon.client() as client:
        status = await settled(client)
        ids = {file.path: file.id for file in (await client.files()).items}
        member = ids["mail.eml!/scans.zip!/scans/letter.png"]
        url = f"/api/v1/files/{member}/content"
        code, headers, body = await fetch(daemon, url)
        assert (code, body) == (200, letter)
        assert headers["Content-Type"] == "image/png"
        assert 'filename="letter.png"' in headers["Content-Disposition"]
        code, part, body = await fetch(daemon, url, Range="bytes=10-19", **{"If-Range": headers["ETag"]})
        assert (code, body) == (206, letter[10:20])
        assert part["Content-Range"] == f"bytes 10-19/{len(letter)}"
        assert (await fetch(daemon, url, **{"If-None-Match": headers["ETag"]}))[0] == 304
        code, _, body = await fetch(daemon, f"/api/v1/files/{member}/thumbnail")
        assert code == 200
        assert body[8:12] == b"WEBP"
        if status.ocr.state == "ready":
            assert await paths_found(client, "plumber invoice") == ["mail.eml!/scans.zip!/scans/letter.png"]
            code, _, body = await fetch(daemon, f"/api/v1/files/{member}/text")
            assert code == 200
            assert b"invoice" in body.lower()
    assert {path: path.stat() for path in root.rglob("*")} == before, "the volume is as it was"


async def test_members_of_7z_archives_and_of_what_is_locked(
    make_daemon: Callable[..., DaemonProcess], tmp_path: Path
) -> None:
    root = tmp_path / "home"
    root.mkdir()
    (root / "a.7z").write_bytes(seven_zip({"n/heron.txt": b"The heron stands.\n", "b.txt": b"A lynx.\n"}))
    (root / "locked.7z").write_bytes(seven_zip({"c.txt": b"secret"}, locked=True))
    (root / "old.rar").write_bytes(b"Rar!\x1a\x07\x01\x00" + bytes(200))
    daemon = make_daemon(config='[read]\nocr = "off"\n')
    daemon.start()
    await daemon.ready()
    daemon.cli("volume", "add", str(root), "--name", "home")
    async with daemon.client() as client:
        await settled(client)
        assert await paths_found(client, "heron") == ["a.7z!/n/heron.txt"]
        found = {file.path: file for file in (await client.files()).items}
        assert (found["locked.7z!/c.txt"].state, found["locked.7z!/c.txt"].reason) == ("failed", "encrypted")
        assert (found["old.rar"].state, found["old.rar"].reason) == ("skipped", "unsupported")
        assert "RAR" in (found["old.rar"].detail or "")
        code, _, body = await fetch(daemon, f"/api/v1/files/{found['a.7z!/b.txt'].id}/content")
        assert (code, body) == (200, b"A lynx.\n")
        code, _, body = await fetch(daemon, f"/api/v1/files/{found['locked.7z!/c.txt'].id}/content")
        assert code == 409
        assert b"password" in body
        (root / "a.7z").write_bytes(seven_zip({"b.txt": b"A marmot.\n"}))
        code, _, body = await fetch(daemon, f"/api/v1/files/{found['a.7z!/b.txt'].id}/content")
        assert body != b"A lynx.\n", "never the bytes of a file that is not there any more"
