from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from textual.pilot import Pilot

from nasd import wire
from nasd.errors import InvalidRequest, Unavailable
from tests.tui.driving import StillApp, shown, type_text, until, until_gone, until_shown
from tests.tui.scripted import ScriptedDaemon
from tests.tui.specimens import WARRANTY, abstention, coverage, empty_status, hits, passage
from tui.screens.text import passage_range
from tui.widgets.found import from_hits


async def at_search(pilot: Pilot[Any]) -> None:
    await until_shown(pilot, "● ready")
    await pilot.press("2")
    await until_shown(pilot, "Type some words")


async def test_enter_searches_and_the_passage_follows_the_chosen_hit(
    app: StillApp, daemon: ScriptedDaemon
) -> None:
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        await at_search(pilot)
        await type_text(pilot, "dishwasher warranty")
        await pilot.press("enter")
        await until_shown(
            pilot, "bosch-sms6.pdf", "page 3", "sheet Kitchen · row 14", "§ Repairs · lines 41–43", "slide 7"
        )
        await until_shown(pilot, "4 hits · 18 ms", "found by meaning 1 · words 2 · 1 copy elsewhere")
        await pilot.press("down", "down")
        await until_shown(pilot, "papers are in the blue folder.")
    assert daemon.asked("search") == [wire.SearchIn(query="dishwasher warranty", k=20)]


async def test_what_was_found_is_marked_in_the_passage(app: StillApp) -> None:
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        await at_search(pilot)
        await type_text(pilot, "dishwasher")
        await pilot.press("enter")
        await until_shown(pilot, "bosch-sms6.pdf")
        marked = app.screen.query_one("#passage-text").visual  # type: ignore[attr-defined]
        assert [WARRANTY[span.start : span.end] for span in marked.spans] == ["guaranteed", "dishwasher"]


async def test_a_question_mark_asks_and_the_quotes_are_shown_in_their_passages(
    app: StillApp, daemon: ScriptedDaemon
) -> None:
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        await at_search(pilot)
        await type_text(pilot, "how long is the warranty?")
        await pilot.press("enter")
        await until_shown(
            pilot, "Citations", "[1] bosch-sms6.pdf", "[2] 2023.xlsx", "2 citations · 96 ms", "extractive"
        )
        await until_shown(pilot, "purchase [1].")
        await until_shown(pilot, "Underlined: no passage supports it.")
        marked = app.screen.query_one("#passage-text").visual  # type: ignore[attr-defined]
        assert [WARRANTY[span.start : span.end] for span in marked.spans] == [
            daemon.answers.citations[0].quote
        ]
        await pilot.press("down")
        await until_shown(pilot, "12 May 2023")
    assert daemon.asked("ask_stream") == [wire.AskIn(question="how long is the warranty?", stream=True)]
    assert daemon.asked("search") == []


async def test_ctrl_a_asks_too(app: StillApp, daemon: ScriptedDaemon) -> None:
    async with app.run_test(notifications=True) as pilot:
        await at_search(pilot)
        await type_text(pilot, "warranty period")
        await pilot.press("ctrl+a")
        await until(pilot, lambda: len(daemon.asked("ask_stream")) == 1)
        await until_shown(pilot, "Citations")


async def test_an_abstention_is_said_plainly_with_the_nearest_passages(
    app: StillApp, daemon: ScriptedDaemon
) -> None:
    daemon.answers = abstention()
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        await at_search(pilot)
        await type_text(pilot, "who won the cup?")
        await pilot.press("enter")
        await until_shown(
            pilot, "No answer found", "Nothing in the files answers this.", "Nearest passages", "house.md"
        )
        assert "Citations" not in shown(pilot)


async def test_mode_and_volume_narrow_the_search_and_ask_again(app: StillApp, daemon: ScriptedDaemon) -> None:
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        await at_search(pilot)
        await type_text(pilot, "warranty")
        await pilot.press("enter")
        await until(pilot, lambda: len(daemon.asked("search")) == 1)
        await pilot.press("ctrl+o")
        await until(pilot, lambda: len(daemon.asked("search")) == 2)
        await pilot.press("ctrl+n")
        await until(pilot, lambda: len(daemon.asked("search")) == 3)
    first, second, third = daemon.asked("search")
    assert (first.mode, second.mode, third.mode) == ("hybrid", "semantic", "semantic")
    assert (second.filters.volumes, third.filters.volumes) == ([], ["home"])


async def test_nothing_found_says_what_to_try(app: StillApp, daemon: ScriptedDaemon) -> None:
    daemon.found = wire.SearchOut(
        hits=[],
        coverage=coverage(10, 4, 4),
        took_ms=3.2,
        notes=["vectors are not ready: found by words alone"],
    )
    async with app.run_test(size=(140, 36), notifications=True) as pilot:
        await at_search(pilot)
        await type_text(pilot, "unicorn")
        await pilot.press("enter")
        await until_shown(
            pilot,
            "Nothing found.",
            "Try other words",
            "0 hits",
            "6 files not read yet",
            "vectors are not ready",
        )


async def test_an_error_is_shown_with_its_cure_and_the_next_search_works(
    app: StillApp, daemon: ScriptedDaemon
) -> None:
    daemon.refusals["search"] = Unavailable("The index is being rebuilt.", cure="Try again in a minute.")
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        await at_search(pilot)
        await type_text(pilot, "warranty")
        await pilot.press("enter")
        await until_shown(pilot, "The index is being rebuilt.", "Try again in a minute.")
        daemon.refusals.clear()
        await pilot.press("slash", "enter")
        await until_shown(pilot, "bosch-sms6.pdf")
        await until_gone(pilot, "The index is being rebuilt.")


async def test_a_question_that_is_too_long_is_refused_here(app: StillApp, daemon: ScriptedDaemon) -> None:
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        await at_search(pilot)
        app.screen.query_one("#query").value = "x" * 4001  # type: ignore[attr-defined]
        await pilot.press("enter")
        await until_shown(pilot, "The question cannot be put")
    assert daemon.asked("search") == []


async def test_an_answer_that_breaks_off_is_said(app: StillApp, daemon: ScriptedDaemon) -> None:
    async def broken(wanted: wire.AskIn, /) -> AsyncIterator[tuple[str, dict[str, Any]]]:
        yield "token", {"text": "The warr"}
        raise InvalidRequest("The answerer stopped.")

    daemon.ask_stream = broken  # type: ignore[method-assign]
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        await at_search(pilot)
        await type_text(pilot, "warranty?")
        await pilot.press("enter")
        await until_shown(pilot, "Not answered", "The answerer stopped.")


async def test_the_whole_text_opens_at_the_passage(app: StillApp, daemon: ScriptedDaemon) -> None:
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        await at_search(pilot)
        await type_text(pilot, "warranty")
        await pilot.press("enter")
        await until_shown(pilot, "bosch-sms6.pdf")
        await pilot.press("t")
        await until_shown(pilot, "characters", "Guarantee period: 5 years", "The end.")
        assert "Chapter one" not in shown(pilot)
        await pilot.press("escape")
        await until_shown(pilot, "4 hits")
    assert daemon.asked("file_text") == [hits()[0].file.id]


async def test_why_can_be_asked_of_a_hit(app: StillApp, daemon: ScriptedDaemon) -> None:
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        await at_search(pilot)
        await type_text(pilot, "warranty")
        await pilot.press("enter")
        await until_shown(pilot, "bosch-sms6.pdf")
        await pilot.press("w")
        await until(pilot, lambda: daemon.asked("why") == ["home:Documents/Kitchen/bosch-sms6.pdf"])


async def test_a_found_passage_stays_while_the_status_is_polled(
    app: StillApp, daemon: ScriptedDaemon
) -> None:
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        await at_search(pilot)
        await type_text(pilot, "warranty")
        await pilot.press("enter")
        await until_shown(pilot, "bosch-sms6.pdf")
        await pilot.press("down")
        asked = len(daemon.asked("status"))
        await pilot.press("ctrl+r")
        await until(pilot, lambda: len(daemon.asked("status")) > asked)
        await until_shown(pilot, "12 May 2023")


async def test_without_a_volume_it_says_where_to_add_one(app: StillApp, daemon: ScriptedDaemon) -> None:
    daemon.answers_status = empty_status()
    async with app.run_test(notifications=True) as pilot:
        await until_shown(pilot, "● ready")
        await pilot.press("2")
        await until_shown(pilot, "No volume yet, so there is nothing to search.", "nasd volume add PATH")


LONG = (
    "An unrelated sentence about nothing in particular. " * 60
    + "The needle lies here. "
    + "More follows. " * 60
)


async def test_a_mark_far_down_a_long_passage_is_scrolled_to(app: StillApp, daemon: ScriptedDaemon) -> None:
    hit = hits()[0].model_copy(
        update={"passage": passage(LONG), "highlights": [(LONG.index("needle"), LONG.index("needle") + 6)]}
    )
    daemon.found = daemon.found.model_copy(update={"hits": [hit]})
    daemon.text = "before " * 2000 + "\n" + LONG + "\n" + "after " * 2000
    async with app.run_test(size=(120, 30), notifications=True) as pilot:
        await at_search(pilot)
        await type_text(pilot, "needle")
        await pilot.press("enter")
        await until_shown(pilot, "1 hit ")
        await until(pilot, lambda: shown(pilot).count("needle lies here.") == 2)
        await pilot.press("t")
        await until_shown(pilot, "characters", "The needle lies here.")


def test_the_passage_is_found_in_a_text_that_was_read_anew() -> None:
    one = from_hits(hits())[0]
    moved = "Added above. " + one.passage.text
    assert passage_range(moved, one) == (13, len(moved))
    assert passage_range("x" * 5200, one) == (5120, 5200)
    assert passage_range("short", one) == (5, 5)
