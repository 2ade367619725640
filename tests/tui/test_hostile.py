"""File names, passages and errors are data: nothing in them is obeyed, all of it can be seen."""

from __future__ import annotations

from nasd import wire
from nasd.errors import Conflict
from tests.tui.driving import StillApp, shown, type_text, until_shown
from tests.tui.scripted import ScriptedDaemon
from tests.tui.specimens import NOW, coverage, failure, file, passage, status, volume

NAME = "[bold]\x1b[31mred\x1b[0m [link=x]\nsecond.txt"
SEEN = "[bold]␛[31mred␛[0m [link=x]␊second.txt"
TEXT = "Start [red]not red[/red] \x1b]0;title\x07 \x9b2J [@click=app.quit]press[/] end."
TEXT_SEEN = "Start [red]not red[/red] ␛]0;title␇ \ufffd2J [@click=app.quit]press[/] end."


def raw(text: str) -> bool:
    return any(control in text for control in ("\x1b", "\x07", "\x9b"))


async def test_in_the_dashboard(app: StillApp, daemon: ScriptedDaemon) -> None:
    daemon.answers_status = status(
        volumes=[volume("home", path=f"/srv/{NAME}", detail=TEXT)],
        recent_failures=[failure(NAME, "malformed", TEXT, 3)],
        services={"[bold]x\x1b": "[/]failed"},
    )
    daemon.remembered = [wire.EventOut(id=1, type="file.gone", at=NOW, data={"volume": "home", "path": NAME})]
    async with app.run_test(size=(160, 40), notifications=True) as pilot:
        await until_shown(pilot, f"/srv/{SEEN}", f"home:{SEEN}", TEXT_SEEN, "[bold]x␛: [/]failed", "gone")
        assert not raw(shown(pilot))


async def test_in_hits_and_passages(app: StillApp, daemon: ScriptedDaemon) -> None:
    hit = wire.HitOut(
        rank=1,
        score=1.0,
        file=file(f"Docs/{NAME}", "txt", title="[b]title\x1b"),
        passage=passage(TEXT, heading="[u]head\x1b"),
        highlights=[(TEXT.index("not red"), TEXT.index("not red") + 7)],
        lanes={"lexical": 1},
    )
    daemon.found = wire.SearchOut(hits=[hit], coverage=coverage(1, 1, 1), took_ms=1, notes=["[b]note\x1b"])
    daemon.text = TEXT
    async with app.run_test(size=(180, 40), notifications=True) as pilot:
        await until_shown(pilot, "● ready")
        await pilot.press("2")
        await type_text(pilot, "x")
        await pilot.press("enter")
        await until_shown(pilot, SEEN, TEXT_SEEN, "§ [u]head␛", "[b]title␛", "[b]note␛")
        assert not raw(shown(pilot))
        await pilot.press("t")
        await until_shown(pilot, f"Docs/{SEEN}"[:60], TEXT_SEEN)
        assert not raw(shown(pilot))


async def test_in_answers(app: StillApp, daemon: ScriptedDaemon) -> None:
    daemon.answers = wire.AskOut(
        answer=TEXT, abstained=False, answerer="[b]llm\x1b", coverage=coverage(1, 1, 1), took_ms=1
    )
    async with app.run_test(size=(180, 40), notifications=True) as pilot:
        await until_shown(pilot, "● ready")
        await pilot.press("2")
        await type_text(pilot, "x?")
        await pilot.press("enter")
        await until_shown(pilot, TEXT_SEEN, "[b]llm␛")
        assert not raw(shown(pilot))


async def test_in_the_volumes_and_in_errors(app: StillApp, daemon: ScriptedDaemon) -> None:
    daemon.answers_status = status(
        volumes=[volume("home", path=f"/srv/{NAME}", ignore=["[b]*.tmp\x1b"])],
        recent_failures=[failure(NAME, "malformed", TEXT, 3)],
    )
    daemon.refusals["scan_volume"] = Conflict("[bold]busy\x1b[2J", cure="[/]wait")
    async with app.run_test(size=(160, 40), notifications=True) as pilot:
        await until_shown(pilot, "● ready")
        await pilot.press("3")
        await until_shown(pilot, f"/srv/{SEEN}", "[b]*.tmp␛", TEXT_SEEN)
        await pilot.press("s")
        await until_shown(pilot, "[bold]busy␛[2J [/]wait")
        assert not raw(shown(pilot))
        await pilot.press("d")
        await until_shown(pilot, SEEN[:20])
        assert not raw(shown(pilot))
