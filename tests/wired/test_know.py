"""The main line, end to end, through the HTTP API and the command line of a real daemon."""

from __future__ import annotations

import shutil
from pathlib import Path

from nasd import wire
from tests.wired.process import DaemonProcess, paths_found, settled, until


async def test_a_folder_is_found_by_words_and_by_meaning_and_answered_from(
    daemon: DaemonProcess, folder: Path
) -> None:
    daemon.cli("volume", "add", str(folder))
    daemon.cli("wait", "--timeout", "90")
    async with daemon.client() as client:
        status = await client.status()
        assert status.coverage.model_dump() == {
            **{"files": 4, "searchable": 4, "semantic": 4},
            **{"pending": 0, "failed": 0, "skipped": 0},
        }
        assert await paths_found(client, "sourdough") == ["bread.html"]
        # None of these words stands in the file.
        assert (await paths_found(client, "appliance repair coverage duration", "semantic"))[0] == (
            "Letters/warranty.md"
        )
        answer = await client.ask(wire.AskIn(question="How long is the guarantee of the dishwasher?"))
        assert not answer.abstained
        citation = answer.citations[0]
        assert citation.file.path == "Letters/warranty.md"
        assert citation.passage.text[citation.quote_start : citation.quote_end] == citation.quote
        assert "five years" in citation.quote
        assert citation.passage.place.line_start is not None
    assert daemon.process is not None
    loaded = Path(f"/proc/{daemon.process.pid}/maps").read_text()
    assert "onnxruntime" in loaded
    assert "torch" not in loaded, "a prepared model is served without it"
    told = daemon.cli_json("search", "electricity February")
    assert told["hits"][0]["file"]["path"] == "costs.csv"
    marked = told["hits"][0]
    assert {marked["passage"]["text"][a:b].lower() for a, b in marked["highlights"]} >= {"february"}


async def test_what_happens_to_files_while_it_runs(daemon: DaemonProcess, folder: Path) -> None:
    daemon.cli("volume", "add", str(folder))
    async with daemon.client() as client:
        await settled(client)
        before = (await client.status()).index.vectors

        (folder / "new.txt").write_text("A zeppelin passed over the harbour at noon.\n", "utf-8")
        await until(lambda: found(client, "zeppelin", ["new.txt"]), "a saved file is found")

        (folder / "new.txt").write_text("A submarine passed below the harbour at noon.\n", "utf-8")
        await until(lambda: found(client, "submarine", ["new.txt"]), "a changed file is found")
        assert await paths_found(client, "zeppelin") == []

        (folder / "new.txt").unlink()
        await until(lambda: found(client, "submarine", []), "a deleted file is not shown")
        await settled(client)
        assert "new.txt" not in await paths_found(client, "vessel under water in the port", "semantic")
        assert (await client.status()).index.vectors == before


async def found(client: object, query: str, paths: list[str]) -> bool:
    return await paths_found(client, query) == paths  # type: ignore[arg-type]


async def test_a_renamed_or_copied_folder_costs_no_embedding(daemon: DaemonProcess, folder: Path) -> None:
    daemon.cli("volume", "add", str(folder), "--name", "home")
    async with daemon.client() as client:
        await settled(client)
        ids = {file.path: file.id for file in (await client.files()).items}
        vectors = vectors_made(daemon)

        (folder / "Letters").rename(folder / "Post")
        await until(lambda: found(client, "guarantee", ["Post/warranty.md"]), "the new path is shown")
        shutil.copytree(folder / "Post", folder / "Copy")
        await settled(client)

        files = {file.path: file for file in (await client.files()).items}
        assert files["Post/warranty.md"].id == ids["Letters/warranty.md"], "a moved file keeps its id"
        assert files["Copy/rent.txt"].semantic
        assert vectors_made(daemon) == vectors
        hit = (await client.search(wire.SearchIn(query="guarantee period"))).hits[0]
        assert hit.copies == 1


def vectors_made(daemon: DaemonProcess) -> int:
    """How many vectors were ever written: their rows, and no id is given twice."""
    import sqlite3
    from contextlib import closing

    with closing(sqlite3.connect(daemon.state_dir / "catalogue.db")) as connection:
        row = connection.execute("SELECT count(*), max(passage_id) FROM vectors").fetchone()
        assert connection.execute("SELECT count(*) FROM passages").fetchone()[0] == row[0]
        return int(row[0])


async def test_nothing_is_written_into_a_volume(daemon: DaemonProcess, folder: Path) -> None:
    def inventory() -> dict[str, tuple[int, int, int]]:
        return {
            str(path): (path.lstat().st_mtime_ns, path.lstat().st_size, path.lstat().st_mode)
            for path in [folder, *folder.rglob("*")]
        }

    before = inventory()
    daemon.cli("volume", "add", str(folder))
    async with daemon.client() as client:
        await settled(client)
        await client.ask(wire.AskIn(question="What is the rent?"))
    assert inventory() == before


async def test_why_tells_of_every_kind_of_file(daemon: DaemonProcess, folder: Path) -> None:
    (folder / "letters.ttf").write_bytes(b"\0\1\0\0" + bytes(200))
    (folder / "broken.pdf").write_bytes(b"%PDF-1.7\nnothing that follows is a document\n" * 20)
    (folder / "node_modules").mkdir()
    (folder / "node_modules" / "a.js").write_text("1", "utf-8")
    daemon.cli("volume", "add", str(folder), "--name", "home")
    daemon.cli("wait", "--timeout", "90")
    async with daemon.client() as client:
        verdicts = {
            name: (await client.why(f"{folder}/{name}")).verdict
            for name in ("Letters/rent.txt", "letters.ttf", "broken.pdf", "node_modules/a.js", "nothing.txt")
        }
        assert verdicts == {
            "Letters/rent.txt": "searchable",
            "letters.ttf": "skipped",
            "broken.pdf": "failed",
            "node_modules/a.js": "skipped",
            "nothing.txt": "unknown",
        }
        assert "node_modules/" in (await client.why("home:node_modules/a.js")).summary
        status = await client.status()
        assert [failure.path for failure in status.recent_failures] == ["broken.pdf"]
        assert status.recent_failures[0].reason == "malformed"
    assert daemon.cli("why", str(folder / "broken.pdf")).stdout


async def test_a_paused_volume_stands_still_and_a_removed_one_is_forgotten(
    daemon: DaemonProcess, folder: Path
) -> None:
    daemon.cli("volume", "add", str(folder), "--name", "home")
    async with daemon.client() as client:
        await settled(client)
        await client.pause_volume("home")
        (folder / "late.txt").write_text("An aardvark came late.\n", "utf-8")
        await settled(client)
        assert await paths_found(client, "aardvark") == []
        await client.resume_volume("home")
        await until(lambda: found(client, "aardvark", ["late.txt"]), "a resumed volume catches up")
        await client.remove_volume("home")
        assert await paths_found(client, "guarantee") == []
        assert (await client.status()).index.vectors == 0
    assert daemon.cli("volume", "show", "home", check=False).returncode == 4


async def test_an_emptied_mount_point_forgets_nothing(daemon: DaemonProcess, folder: Path) -> None:
    daemon.cli("volume", "add", str(folder), "--name", "home")
    async with daemon.client() as client:
        await settled(client)
        # As an unmount looks from above: the folder's place is taken by an empty one.
        away = folder.with_name("away")
        folder.rename(away)
        folder.mkdir()
        await client.scan_volume("home")

        async def frozen() -> bool:
            volume = await client.volume("home")
            # It may be looked at in the instant without any folder, which is told first.
            return volume.state == "frozen" and "empty" in (volume.detail or "")

        await until(frozen, "the volume is frozen")
        assert await paths_found(client, "guarantee") == ["Letters/warranty.md"]
        folder.rmdir()
        away.rename(folder)

        async def active() -> bool:
            return (await client.volume("home")).state == "active"

        await until(active, "the volume is active again")
        assert (await settled(client)).coverage.files == 4


async def test_the_last_file_deleted_before_our_eyes_is_gone(daemon: DaemonProcess, tmp_path: Path) -> None:
    root = tmp_path / "one"
    root.mkdir()
    (root / "only.txt").write_text("A pelican sat on the pier.\n", "utf-8")
    daemon.cli("volume", "add", str(root))
    async with daemon.client() as client:
        await settled(client)
        assert await paths_found(client, "pelican") == ["only.txt"]
        (root / "only.txt").unlink()
        await until(lambda: found(client, "pelican", []), "the only file is gone")
