"""Whose turn it is, how the governor keeps it, and what is learned of this machine's rates."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nasd.flows.eta import eta_s, work_out
from nasd.flows.events import Hub
from nasd.flows.governor import Governor, sentence
from nasd.flows.rates import FILE_BYTES, REMEMBERED_S, Rate, Rates, Task, parse
from nasd.flows.turns import LONGEST_REST_S, Turns
from nasd.flows.work import Work
from nasd.load.base import Limits, Machine, Pace, Share, Verdict
from nasd.store import facts, queue
from nasd.store.lane import Lane
from nasd.store.queue import QueueCounts
from nasd.store.upgrade import database_path, upgrade
from tests.fakes.catalogue import NOW
from tests.fakes.clock import ManualClock


@pytest.fixture
async def lane(tmp_path: Path) -> AsyncIterator[Lane]:
    upgrade(tmp_path, NOW)
    lane = Lane(database_path(tmp_path))
    yield lane
    await lane.close()


def paces(**changed: Pace) -> dict[Share, Pace]:
    return dict.fromkeys(Share, Pace.FULL) | {Share(name): pace for name, pace in changed.items()}


def test_readers_beyond_the_allowed_take_only_what_is_fresh() -> None:
    turns = Turns(ManualClock())
    assert turns.reads(63) == queue.LAST, "before anybody has looked, all may work"
    turns.change(Verdict(readers=2))
    assert [turns.reads(number) for number in range(3)] == [queue.LAST, queue.LAST, queue.FRESH_LAST]
    turns.change(Verdict(readers=1, paces=paces(read=Pace.PAUSED, light=Pace.SLOW)))
    assert turns.reads(0) == queue.BACKLOG, "small texts of the backlog are read even so"


def test_slow_work_rests_as_long_as_it_works_but_never_for_what_is_fresh() -> None:
    clock = ManualClock()
    turns = Turns(clock)
    turns.change(Verdict(readers=1, paces=paces(embed=Pace.SLOW, recognise=Pace.PAUSED)))
    assert turns.allows(Share.EMBED) == queue.LAST
    turns.worked(Share.EMBED, 4.0)
    assert turns.allows(Share.EMBED) == queue.FRESH_LAST
    assert turns.patience_s(Share.EMBED, 30.0) == pytest.approx(4.0)
    clock.move(4.5)
    assert turns.allows(Share.EMBED) == queue.LAST
    assert turns.patience_s(Share.EMBED, 30.0) == 30.0
    turns.worked(Share.EMBED, 4000.0)
    assert turns.patience_s(Share.EMBED, 900.0) == pytest.approx(LONGEST_REST_S)
    assert turns.allows(Share.RECOGNISE) == queue.FRESH_LAST
    turns.change(Verdict(readers=1))
    assert turns.allows(Share.EMBED) == turns.allows(Share.RECOGNISE) == queue.LAST, "a rest ends with it"
    turns.worked(Share.EMBED, 4.0)
    assert turns.allows(Share.EMBED) == queue.LAST, "at full pace nothing rests"


async def test_a_change_wakes_the_workers_and_is_told_once(lane: Lane) -> None:
    clock = ManualClock()
    hub, work = Hub(clock), Work(clock)
    seen = [Machine(on_battery=True), Machine(on_battery=True), Machine(on_battery=False)]
    governor = Governor(lane, hub, work, clock, limits=Limits(readers=3), look=lambda: seen.pop(0))
    before = work.to_embed.count
    for _ in range(3):
        clock.move(5)
        await governor.step()
    subscription = hub.subscribe(after_id=0)
    told = [await anext(subscription) for _ in range(2)]
    assert [event.type for event in told] == ["load.changed"] * 2
    assert "text recognition" in str(told[0].data["detail"])
    assert "on battery" in str(told[0].data["detail"])
    assert told[1].data == {"detail": "all work goes at full pace", "readers": 3}
    assert work.to_embed.count == before + 2


def test_what_is_held_back_in_words() -> None:
    verdict = Verdict(
        readers=1,
        paces=paces(recognise=Pace.PAUSED, transcribe=Pace.PAUSED, read=Pace.SLOW),
        reasons={Share.RECOGNISE: "on battery", Share.TRANSCRIBE: "on battery", Share.READ: "hot"},
    )
    assert sentence(verdict) == "waiting: text recognition, speech (on battery); slow: other files (hot)"
    assert sentence(Verdict(readers=1)) == ""


# --- rates ----------------------------------------------------------------------------------------------


@settings(deadline=None)
@given(st.lists(st.tuples(st.floats(0, 200), st.floats(0.01, 50)), min_size=1, max_size=25))
def test_time_is_counted_once_however_many_work(spans: list[tuple[float, float]]) -> None:
    rate = Rate()
    ordered = sorted((began, began + took) for began, took in spans)
    ordered.sort(key=lambda span: span[1])
    seconds = 0.0
    for began, ended in ordered:
        seconds += rate._cover(began, ended)
    covered, high = 0.0, float("-inf")
    for began, ended in sorted(ordered):
        covered += max(0.0, ended - max(began, high))
        high = max(high, ended)
    assert seconds == pytest.approx(covered)


def test_a_rate_follows_what_changes_and_forgets_rests() -> None:
    rate, now = Rate(), 0.0
    assert rate.per_s is None
    for _ in range(100):
        rate.add(10, now, now + 1)
        now += 100  # a rest
    assert rate.per_s == pytest.approx(10)
    for _ in range(round(8 * REMEMBERED_S)):
        rate.add(2, now, now + 1)
        now += 1
    assert rate.per_s == pytest.approx(2, rel=0.05)
    assert rate.seconds <= REMEMBERED_S


async def test_rates_outlive_the_daemon(lane: Lane) -> None:
    clock = ManualClock()
    rates = Rates(clock)
    await rates.save(lane)
    assert await lane.read(facts.fact, "rates") is None
    rates.add_file("markdown", 1000, 0.01)
    rates.add_file("pdf", 1_000_000 - FILE_BYTES, 2.0)
    rates.add(Task.EMBED, 140, 2.0)
    await rates.save(lane)
    again = Rates(clock)
    await again.load(lane)
    assert again.per_s(Task.LIGHT) == pytest.approx(100)
    assert again.per_s(Task.READ) == pytest.approx(500_000)
    assert again.per_s(Task.EMBED) == pytest.approx(70)
    assert again.per_s(Task.RECOGNISE) is None


@pytest.mark.parametrize("text", ["", "nonsense", "[]", "3", '{"embedding": 3}', '{"embedding": ["a", 1]}'])
def test_what_cannot_be_understood_is_not_known(text: str) -> None:
    assert parse(text) == {}


def test_other_kinds_than_known_here_are_passed_over() -> None:
    assert parse('{"embedding": [10, 2], "telepathy": [1, 1], "speech": [0, 4]}') == {Task.EMBED: (10.0, 2.0)}


# --- how long it will take ------------------------------------------------------------------------------

COUNTS = QueueCounts(
    read=12, read_light=10, read_bytes=2_000_000 - 2 * FILE_BYTES, embed=3, embed_passages=100, ocr=2,
    ocr_pages=20,
)  # fmt: skip
KNOWN = {Task.LIGHT: 100.0, Task.READ: 1_000_000.0, Task.EMBED: 50.0, Task.RECOGNISE: 2.0}


def test_each_kind_has_its_time_and_they_add_up() -> None:
    work = work_out(COUNTS, KNOWN.get, Verdict(readers=2), left_out=frozenset())
    assert [(one.kind, one.amount, one.eta_s) for one in work] == [
        ("small_text", 10, 0.1),
        ("other_files", COUNTS.read_bytes, 2.0),
        ("embedding", 100, 2.0),
        ("text_recognition", 20, 10.0),
    ]
    assert eta_s(work) == pytest.approx(14.1)
    assert eta_s([]) == 0.0


def test_what_has_no_engine_is_left_out() -> None:
    work = work_out(COUNTS, KNOWN.get, Verdict(readers=2), left_out=frozenset({Task.RECOGNISE}))
    assert [one.kind for one in work] == ["small_text", "other_files", "embedding"]


def test_slow_work_takes_twice_as_long_and_what_is_paused_has_no_end() -> None:
    verdict = Verdict(
        readers=1,
        paces=paces(embed=Pace.SLOW, recognise=Pace.PAUSED),
        reasons={Share.EMBED: "busy", Share.RECOGNISE: "on battery"},
    )
    work = {one.kind: one for one in work_out(COUNTS, KNOWN.get, verdict, left_out=frozenset())}
    assert (work["embedding"].eta_s, work["embedding"].pace, work["embedding"].reason) == (
        4.0,
        "slow",
        "busy",
    )
    waiting = work["text_recognition"]
    assert (waiting.eta_s, waiting.pace, waiting.reason) == (None, "paused", "on battery")
    assert eta_s(list(work.values())) is None


def test_what_was_never_measured_has_no_time_yet() -> None:
    work = work_out(
        QueueCounts(embed=1, embed_passages=4), KNOWN.get, Verdict(readers=1), left_out=frozenset()
    )
    assert eta_s(work) == 0.1
    unknown = work_out(
        QueueCounts(speech=1, speech_s=60), KNOWN.get, Verdict(readers=1), left_out=frozenset()
    )
    assert (unknown[0].per_s, unknown[0].eta_s, eta_s(unknown)) == (None, None, None)
