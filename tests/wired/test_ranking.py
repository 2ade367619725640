"""How search orders what it finds, through a real daemon and as its owner asks."""

from __future__ import annotations

import os
from pathlib import Path

from nasd import wire
from nasd.client import Client
from tests.wired.process import DaemonProcess, settled

LEASE = (
    "The lease of the flat in Harbour Street 5 began on 1 April 2021. The tenant pays 950 euros a month, due "
    "on the third day. Pets may be kept. Either side may end it with three months' written notice."
)


def fill(root: Path) -> None:
    files = {
        "Kitchen/Fridgor X200.md": "# Care\n\n## Defrosting\n\nDo it twice a year and wipe it dry.\n",
        "Kitchen/kettle.txt": "Boil the water and let it stand for a minute before it meets the tea.\n",
        "Finance/pension statement.txt": "Balance at the end of the year, and what was paid each month.\n",
        "Finance/one.txt": "Invoice INV-2023-0042 of the plumber, for a new pipe and two hours.\n",
        "Finance/two.txt": "Invoice INV-2023-0043 of the plumber, for an old pipe and four hours.\n",
        "Finance/three.txt": "Invoices of the plumber are kept in the folder of invoices by number.\n",
        "Home/lease.txt": LEASE,
        "Backup/lease.txt": LEASE,
        "Home/lease.md": LEASE.replace(". ", ".\n"),
        "Mail/lease.txt": "Am 02.03.2021 um 10:00 schrieb Bert Kunz:\n> " + LEASE.replace(". ", ".\n> "),
        "Home/lease 2024.txt": LEASE.replace("950", "980"),
        "Home/lease draft.txt": LEASE.replace("may be kept", "may not be kept"),
        "Garden/tomatoes.txt": "Tomatoes want sun, water and warmth. Sow the seeds in March.\n",
        "Garden/roses.txt": "Roses are cut back in spring. The seeds of weeds are pulled out.\n",
    }
    files["Garden/diary.txt"] = "\n\n".join(
        f"Week {week}. The garden diary tells of seeds, of rain and of {word}. "
        + f"It was a {word} day. " * 40
        for week, word in enumerate(("wet", "dry", "cold", "warm", "windy", "foggy", "mild", "bright"), 1)
    )
    for number in range(12):
        files[f"Garden/note {number}.txt"] = f"Note {number}: seeds bought, packet of {number + 3} grams.\n"
    for number, (path, text) in enumerate(files.items()):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, "utf-8")
        os.utime(root / path, (1_600_000_000 + number * 86_400,) * 2)


async def hits(client: Client, query: str, mode: str = "hybrid", **more: object) -> list[wire.HitOut]:
    asked = wire.SearchIn.model_validate({"query": query, "mode": mode, **more})
    return (await client.search(asked)).hits


async def paths(client: Client, query: str, mode: str = "hybrid", **more: object) -> list[str]:
    return [hit.file.path for hit in await hits(client, query, mode, **more)]


async def test_the_order_of_hits(daemon: DaemonProcess, tmp_path: Path) -> None:
    root = tmp_path / "home"
    fill(root)
    daemon.cli("volume", "add", str(root), "--name", "home")
    async with daemon.client() as client:
        await settled(client)
        await names_and_headings_count(client)
        await identifiers_come_first(client)
        await operators_hold_in_every_mode(client)
        await words_may_be_misspelt(client)
        await a_file_has_three_of_the_first_ten(client)
        await copies_are_one_hit(client, daemon)
        await the_newest_comes_first_when_asked_for(client, daemon)


async def names_and_headings_count(client: Client) -> None:
    fridge = "Kitchen/Fridgor X200.md"
    assert (await paths(client, "defrosting", "lexical")) == [fridge], "a heading"
    assert (await paths(client, "fridgor", "lexical")) == [fridge], "a name of a file"
    assert (await paths(client, "kitchen fridgor", "lexical"))[0] == fridge, "a folder"
    assert (await paths(client, "how to thaw the ice", "semantic"))[0] == fridge, "a heading, by meaning"
    assert (await paths(client, "pension"))[0] == "Finance/pension statement.txt"


async def identifiers_come_first(client: Client) -> None:
    for query in ("INV-2023-0042", "inv 2023 0042", "INV20230042", "X200"):
        best = (await hits(client, query))[0]
        assert best.file.path == ("Kitchen/Fridgor X200.md" if query == "X200" else "Finance/one.txt"), query
        assert best.lanes["lexical"] == 1


async def operators_hold_in_every_mode(client: Client) -> None:
    for mode in ("hybrid", "semantic", "lexical"):
        found = await hits(client, '"new pipe" plumber', mode)
        assert [hit.file.path for hit in found] == ["Finance/one.txt"], mode
        assert await paths(client, '"pipe new"', mode) == [], mode
        without = await hits(client, "plumber -pipe", mode)
        assert without and not any("pipe" in hit.passage.text for hit in without), mode
        without = await hits(client, 'plumber -"old pipe"', mode)
        assert "Finance/one.txt" in [hit.file.path for hit in without], mode
        assert "Finance/two.txt" not in [hit.file.path for hit in without], mode


async def words_may_be_misspelt(client: Client) -> None:
    assert set(await paths(client, "tomatos", "lexical")) == {"Garden/tomatoes.txt"}
    assert set(await paths(client, "tomattoes", "lexical")) == {"Garden/tomatoes.txt"}
    assert (await paths(client, "plumbre pipe", "lexical"))[0].startswith("Finance/")
    assert "Garden/tomatoes.txt" not in await paths(client, '"tomattoes"', "lexical"), "meant as it stands"


async def a_file_has_three_of_the_first_ten(client: Client) -> None:
    for mode in ("hybrid", "semantic", "lexical"):
        found = await paths(client, "garden diary seeds", mode)
        assert len(found) == 10
        assert found.count("Garden/diary.txt") <= 3, mode
    alone = await paths(client, "garden diary seeds", filters={"path": "Garden/diary.txt"})
    assert len(alone) >= 8, "a filter that names the file"


async def copies_are_one_hit(client: Client, daemon: DaemonProcess) -> None:
    same = {"Home/lease.txt", "Backup/lease.txt", "Home/lease.md"}
    for mode in ("hybrid", "semantic", "lexical"):
        found = [
            hit for hit in await hits(client, "lease flat Harbour Street", mode) if "lease" in hit.file.path
        ]
        shown = {hit.file.path for hit in found}
        assert {"Home/lease 2024.txt", "Home/lease draft.txt"} <= shown, "a number, a not"
        others = [
            hit for hit in found if hit.file.path not in ("Home/lease 2024.txt", "Home/lease draft.txt")
        ]
        places = [{hit.file.path, *(one.file.path for one in hit.also)} for hit in others]
        assert set().union(*places) == same | {"Mail/lease.txt"}
        assert any(same <= place for place in places), mode
        assert all(hit.copies == len(hit.also) for hit in others)
    told = daemon.cli("search", "lease flat Harbour Street").stdout
    assert "also in home:" in told


async def the_newest_comes_first_when_asked_for(client: Client, daemon: DaemonProcess) -> None:
    invoices = ["Finance/three.txt", "Finance/two.txt", "Finance/one.txt"]
    assert (await paths(client, "latest plumber invoice"))[:3] == invoices
    assert (await paths(client, "plumber invoice", sort="newest"))[:3] == invoices
    told = daemon.cli("search", "neueste invoice plumber", "--mode", "lexical")
    assert "newest first" in told.stderr
    assert told.stdout.index("three.txt") < told.stdout.index("one.txt")
