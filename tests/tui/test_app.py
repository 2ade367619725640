from __future__ import annotations

import pytest
from textual.command import CommandPalette

from nasd.errors import Unauthenticated
from tests.tui.driving import StillApp, shown, type_text, until, until_gone, until_shown
from tests.tui.scripted import ScriptedDaemon
from tui.screens.help import HelpScreen


async def test_keys_lead_from_screen_to_screen(app: StillApp) -> None:
    async with app.run_test(notifications=True) as pilot:
        await until_shown(pilot, "Recent failures")
        await pilot.press("3")
        await until_shown(pilot, "last scan")
        await pilot.press("2")
        await until_shown(pilot, "Type some words")
        await pilot.press("f2")
        await until_shown(pilot, "Recent failures")
        await pilot.press("slash")
        await until_shown(pilot, "Type some words")


async def test_a_click_on_a_tab_goes_there(app: StillApp) -> None:
    async with app.run_test(notifications=True) as pilot:
        await until_shown(pilot, "● ready")
        await pilot.click("TopBar Tab:last-of-type")
        await until_shown(pilot, "last scan")


async def test_digits_typed_into_the_field_stay_there(app: StillApp) -> None:
    async with app.run_test(notifications=True) as pilot:
        await pilot.press("2")
        await until_shown(pilot, "Type some words")
        await type_text(pilot, "form 1")
        await until_shown(pilot, "form 1")
        assert app.current_mode == "search"
        await pilot.press("escape", "1")
        await until(pilot, lambda: app.current_mode == "dashboard")


async def test_help_lists_the_keys_that_work(app: StillApp) -> None:
    async with app.run_test(size=(100, 60), notifications=True) as pilot:
        await until_shown(pilot, "● ready")
        await pilot.press("question_mark")
        await until_shown(pilot, "Everywhere", "Pause/resume", "Light or dark", "Whole text", "In lists")
        await pilot.press("f1")
        assert isinstance(app.screen, HelpScreen)
        assert len(app.screen_stack) == 2
        await pilot.press("escape")
        await until_gone(pilot, "Everywhere")


async def test_the_theme_turns_light_and_dark_again(app: StillApp) -> None:
    async with app.run_test(notifications=True) as pilot:
        await until_shown(pilot, "● ready")
        dark = app.screen.background_colors[1]
        await pilot.press("ctrl+t")
        await until(pilot, lambda: app.screen.background_colors[1].brightness > 0.8)
        await pilot.press("ctrl+t")
        await until(pilot, lambda: app.screen.background_colors[1] == dark)


async def test_the_palette_knows_the_volumes(app: StillApp, daemon: ScriptedDaemon) -> None:
    async with app.run_test(notifications=True) as pilot:
        await until_shown(pilot, "photos")
        await pilot.press("ctrl+p")
        await until(pilot, lambda: isinstance(app.screen, CommandPalette))
        await until_shown(pilot, "Scan all volumes")
        await type_text(pilot, "scan photos")
        await until_gone(pilot, "Scan all volumes")
        await until_shown(pilot, "Scan photos")
        await pilot.press("enter")
        await until(pilot, lambda: daemon.asked("scan_volume") == ["photos"])


async def test_no_daemon_at_the_start_is_said_and_then_made_good(
    app: StillApp, daemon: ScriptedDaemon
) -> None:
    await daemon.leave()
    async with app.run_test(notifications=True) as pilot:
        await until_shown(pilot, "○ no daemon", "No daemon answers", "nasd run", "Waiting for the daemon")
        daemon.come_back()
        await pilot.press("ctrl+r")
        await until_shown(pilot, "● ready", "/srv/home")
        await until_gone(pilot, "No daemon answers")


async def test_a_daemon_that_goes_away_leaves_what_was_known(app: StillApp, daemon: ScriptedDaemon) -> None:
    async with app.run_test(notifications=True) as pilot:
        await until_shown(pilot, "/srv/home")
        await daemon.leave()
        await pilot.press("ctrl+r")
        await until_shown(pilot, "No daemon answers", "/srv/home")
        await pilot.press("3", "s")
        await until_shown(pilot, "Not available now")
        await pilot.press("2")
        await until_shown(pilot, "No daemon answers")


async def test_a_wrong_token_is_not_answered_with_starting_the_daemon(
    app: StillApp, daemon: ScriptedDaemon
) -> None:
    daemon.away = Unauthenticated("The token is not known.", cure="Pair this device again.")
    async with app.run_test(notifications=True) as pilot:
        await until_shown(pilot, "The token is not known.", "Pair this device again.")
        assert "nasd run" not in shown(pilot)


@pytest.mark.parametrize("size", [(80, 24), (100, 30), (200, 60), (60, 16)])
async def test_every_screen_can_be_drawn_at_every_size(app: StillApp, size: tuple[int, int]) -> None:
    async with app.run_test(size=size, notifications=True) as pilot:
        await until_shown(pilot, "home")
        for key in ("3", "2", "1"):
            await pilot.press("escape", key)
            await until_shown(pilot, {"1": "Work", "2": "Hits", "3": "state"}[key])
            assert all(len(line) <= size[0] for line in shown(pilot).splitlines())


async def test_leaving_ends_the_app(app: StillApp) -> None:
    async with app.run_test(notifications=True) as pilot:
        await until_shown(pilot, "● ready")
        await pilot.press("ctrl+q")
        await until(pilot, lambda: not app.is_running)
    assert not app.return_code
