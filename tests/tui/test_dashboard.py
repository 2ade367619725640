from __future__ import annotations

from nasd import wire
from tests.tui.driving import StillApp, shown, until, until_gone, until_shown
from tests.tui.scripted import ScriptedDaemon
from tests.tui.specimens import NOW, empty_status, status, volume


async def test_it_shows_volumes_work_engine_failures_and_events(app: StillApp) -> None:
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        await until_shown(
            pilot,
            "● home  active  3 failed  /srv/home",
            "◐ photos  scanning",
            "▲ attic  frozen",
            "The folder is empty all of a sudden",
            "words  22%  meaning  11%",
            "Indexing  about 1 h 7 min left",
            "31,204 passages",
            "71/s",
            "64,120 vectors",
            "all-MiniLM-L6-v2",
            "312 MiB",
            "tax-2019.pdf",
            "encrypted: The document asks for a password.",
            "volume frozen",
            "house.md",
        )


async def test_it_follows_the_daemon(app: StillApp, daemon: ScriptedDaemon) -> None:
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        await until_shown(pilot, "◐ photos")
        daemon.answers_status = status(
            volumes=[volume("home")], queue=wire.QueueOut(), pending_searchable=0, pending_semantic=0
        )
        await daemon.happen(wire.EventOut(id=50, type="volume.removed", at=NOW, data={"volume": "photos"}))
        await until_shown(pilot, "volume removed", "Up to date")
        await until_gone(pilot, "◐ photos")


async def test_without_a_volume_it_says_what_to_do(app: StillApp, daemon: ScriptedDaemon) -> None:
    daemon.answers_status, daemon.remembered = empty_status(), []
    async with app.run_test(notifications=True) as pilot:
        await until_shown(pilot, "No volume yet.", "Press a to add a folder, or run nasd volume add PATH.")
        await until_shown(pilot, "No file failed.", "Nothing has happened")
        await pilot.press("w")
        assert "Why" not in shown(pilot).splitlines()[3]
        await pilot.press("a")
        await until_shown(pilot, "Add a volume")


async def test_why_tells_the_story_of_a_failed_file(app: StillApp, daemon: ScriptedDaemon) -> None:
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        await until_shown(pilot, "broken.eml")
        await pilot.press("tab", "down", "w")
        await until_shown(pilot, "failed  It was found, but reading it failed.", "Found by the scan.")
        assert daemon.asked("why") == ["home:Mail/2018/broken.eml"]
        await pilot.press("escape")
        await until_shown(pilot, "Recent failures")


async def test_the_chosen_failure_stays_chosen_when_a_new_one_comes(
    app: StillApp, daemon: ScriptedDaemon
) -> None:
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        await until_shown(pilot, "broken.eml")
        await pilot.press("tab", "down")
        known = daemon.answers_status.recent_failures
        new = known[0].model_copy(update={"id": "f_new", "path": "Scans/new.pdf"})
        daemon.answers_status = status(recent_failures=[new, *known])
        await pilot.press("ctrl+r")
        await until_shown(pilot, "new.pdf")
        await pilot.press("enter")
        await until(pilot, lambda: daemon.asked("why") == ["home:Mail/2018/broken.eml"])
