"""Files in archives, mailboxes and mails, through a real daemon: found, cited, counted, explained, gone."""

from __future__ import annotations

import io
import shutil
import sqlite3
import tarfile
import zipfile
from contextlib import closing
from pathlib import Path

import pytest

from nasd import wire
from nasd.client import Client
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
