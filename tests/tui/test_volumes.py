from __future__ import annotations

from typing import Any

import pytest
from textual.pilot import Pilot

from nasd import wire
from nasd.errors import Conflict, InvalidRequest, NotPermitted
from tests.tui.driving import StillApp, shown, type_text, until, until_gone, until_shown
from tests.tui.scripted import ScriptedDaemon
from tests.tui.specimens import empty_status, failure
from tui.screens.add_volume import check


async def at_volumes(pilot: Pilot[Any]) -> None:
    await until_shown(pilot, "● ready")
    await pilot.press("3")
    await until_shown(pilot, "last scan")


async def test_the_table_and_the_failed_files_of_the_chosen_volume(
    app: StillApp, daemon: ScriptedDaemon
) -> None:
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        await at_volumes(pilot)
        await until_shown(pilot, "/srv/home", "● active", "95%", "68%", "4 min ago", "*.tmp  node_modules/")
        await until_shown(pilot, "3 failed files", "encrypted: The document asks for a password.")
        await pilot.press("down", "down")
        await until_shown(pilot, "/mnt/attic", "The folder is empty all of a sudden", "No file failed.")
        assert "tax-2019.pdf" not in shown(pilot)
    assert ("home", "failed") in daemon.asked("files")


async def test_scan_pause_and_resume(app: StillApp, daemon: ScriptedDaemon) -> None:
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        await at_volumes(pilot)
        await pilot.press("s")
        await until_shown(pilot, "Scanning home.", "◐ scanning")
        await pilot.press("p")
        await until_shown(pilot, "home is paused.", "‖ paused")
        await pilot.press("p")
        await until_shown(pilot, "home is watched again.")
    assert (
        daemon.asked("scan_volume")
        == daemon.asked("pause_volume")
        == daemon.asked("resume_volume")
        == ["home"]
    )


async def test_remove_asks_first_and_says_that_files_are_safe(app: StillApp, daemon: ScriptedDaemon) -> None:
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        await at_volumes(pilot)
        await pilot.press("d")
        await until_shown(pilot, "Remove home?", "The files themselves are not touched.")
        await pilot.press("enter")
        await until_gone(pilot, "Remove home?")
        assert daemon.asked("remove_volume") == []
        await pilot.press("d", "y")
        await until_shown(pilot, "home is forgotten. Its files were not touched.")
        await until_gone(pilot, "/srv/home")
    assert daemon.asked("remove_volume") == ["home"]


async def test_the_red_button_can_be_reached_by_arrow(app: StillApp, daemon: ScriptedDaemon) -> None:
    async with app.run_test(notifications=True) as pilot:
        await at_volumes(pilot)
        await pilot.press("d")
        await until_shown(pilot, "Remove home?")
        await pilot.press("right", "enter")
        await until(pilot, lambda: daemon.asked("remove_volume") == ["home"])


async def test_a_refusal_is_shown_and_harms_nothing(app: StillApp, daemon: ScriptedDaemon) -> None:
    daemon.refusals["remove_volume"] = Conflict(
        "home stands in the configuration file.", cure="Remove it from nasd.toml."
    )
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        await at_volumes(pilot)
        await pilot.press("d", "y")
        await until_shown(pilot, "home stands in the configuration file.", "Remove it from", "● active")


async def test_add_a_volume(app: StillApp, daemon: ScriptedDaemon) -> None:
    async with app.run_test(size=(100, 30), notifications=True) as pilot:
        await at_volumes(pilot)
        await pilot.press("a")
        await until_shown(pilot, "Add a volume")
        await type_text(pilot, "/srv/music")
        await pilot.press("tab")
        await type_text(pilot, "songs")
        await pilot.press("enter")
        await until_shown(pilot, "songs is added; it is being scanned.")
        await until_shown(pilot, "songs", "18,320")
    assert daemon.asked("add_volume") == [wire.VolumeIn(path="/srv/music", name="songs")]


@pytest.mark.parametrize("button", ["#add", "#cancel"])
async def test_the_buttons_of_the_form_work(app: StillApp, daemon: ScriptedDaemon, button: str) -> None:
    async with app.run_test(size=(100, 30), notifications=True) as pilot:
        await at_volumes(pilot)
        await pilot.press("a")
        await until_shown(pilot, "Add a volume")
        await type_text(pilot, "/srv/music")
        await pilot.click(button)
        await until_gone(pilot, "Add a volume")
    assert bool(daemon.asked("add_volume")) == (button == "#add")


async def test_what_is_wrong_in_the_form_is_said_at_its_field(app: StillApp, daemon: ScriptedDaemon) -> None:
    async with app.run_test(size=(100, 30), notifications=True) as pilot:
        await at_volumes(pilot)
        await pilot.press("a")
        await until_shown(pilot, "Add a volume")
        await pilot.press("enter")
        await until_shown(pilot, "Give the folder to watch.")
        await type_text(pilot, "music")
        await pilot.press("enter")
        await until_shown(pilot, "Give the whole path")
        assert daemon.asked("add_volume") == []


async def test_the_daemon_refusal_is_shown_in_the_form_which_stays(
    app: StillApp, daemon: ScriptedDaemon
) -> None:
    daemon.refusals["add_volume"] = InvalidRequest(
        "The folder /srv/home/sub is already covered.",
        cure="It lies within home.",
        fields={"path": "already covered by home"},
    )
    async with app.run_test(size=(100, 32), notifications=True) as pilot:
        await at_volumes(pilot)
        await pilot.press("a")
        await until_shown(pilot, "Add a volume")
        await type_text(pilot, "/srv/home/sub")
        await pilot.press("enter")
        await until_shown(
            pilot,
            "The folder /srv/home/sub is already covered.",
            "It lies within home.",
            "already covered by home",
        )
        daemon.refusals.clear()
        await pilot.press("enter")
        await until_gone(pilot, "Add a volume")
    assert len(daemon.asked("add_volume")) == 2


async def test_failed_files_that_may_not_be_listed_are_said(app: StillApp, daemon: ScriptedDaemon) -> None:
    daemon.refusals["files"] = NotPermitted("The scope files is missing.", cure="Pair again with it.")
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        await at_volumes(pilot)
        await until_shown(pilot, "The scope files is missing.", "Pair again with it.")


async def test_why_a_file_failed(app: StillApp, daemon: ScriptedDaemon) -> None:
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        await at_volumes(pilot)
        await until_shown(pilot, "3 failed files")
        await pilot.press("tab", "enter")
        await until_shown(pilot, "reading it failed")
    assert daemon.asked("why") == ["home:Scans/tax-2019.pdf"]


async def test_without_a_volume_keys_do_nothing_and_the_table_says_what_to_do(
    app: StillApp, daemon: ScriptedDaemon
) -> None:
    daemon.answers_status = empty_status()
    async with app.run_test(notifications=True) as pilot:
        await until_shown(pilot, "● ready")
        await pilot.press("3")
        await until_shown(pilot, "No volume yet.", "nasd volume add PATH")
        await pilot.press("s", "p", "d", "w")
        assert "No volume yet." in shown(pilot)
    assert {name for name, _ in daemon.calls} <= {"status", "events"}


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"path": ""}, "path"),
        ({"path": "relative"}, "path"),
        ({"path": "/" + "x" * 5000}, "path"),
        ({"name": "-bad"}, "name"),
        ({"name": "a b"}, "name"),
        ({"poll_seconds": "0"}, "poll_seconds"),
        ({"poll_seconds": "soon"}, "poll_seconds"),
    ],
)
def test_the_form_finds_what_is_wrong(changes: dict[str, str], field: str) -> None:
    good = {"path": "/srv/x", "name": "", "poll_seconds": "60", "ignore": ""}
    wanted, problems = check(good | changes, "auto")
    assert wanted is None
    assert set(problems) == {field}


def test_the_form_makes_a_request() -> None:
    wanted, problems = check(
        {"path": " /srv/x ", "name": "x", "poll_seconds": "", "ignore": "*.tmp, My Folder/,"}, "poll"
    )
    assert problems == {}
    assert wanted == wire.VolumeIn(
        path="/srv/x", name="x", watch="poll", poll_seconds=300, ignore=["*.tmp", "My Folder/"]
    )


async def test_many_failed_files_scroll_without_breaking_their_lines(
    app: StillApp, daemon: ScriptedDaemon
) -> None:
    many = [
        failure(f"Scans/{number:03}.pdf", "encrypted", "It asks for a password.", number)
        for number in range(60)
    ]
    daemon.answers_status = daemon.answers_status.model_copy(update={"recent_failures": many})
    async with app.run_test(notifications=True) as pilot:
        await at_volumes(pilot)
        await until_shown(pilot, "60 failed files")
        await pilot.press("tab", "end")
        await until_shown(pilot, "059.pdf")
        lines = shown(pilot).splitlines()
        row = next(number for number, line in enumerate(lines) if "059.pdf" in line)
        assert "59 min ago" in lines[row] and "asks for a password" in lines[row + 1]
