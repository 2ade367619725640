"""The pure parts of the flows."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nasd.domain.jobs import BACKOFF, next_attempt
from nasd.flows.choosing import FIRST, MOST_OF_ONE_FILE, spread
from nasd.flows.events import QUEUED, Hub
from nasd.flows.volumes import free_name
from nasd.flows.why import locate
from nasd.flows.work import Meter, Signal
from tests.fakes.catalogue import NOW
from tests.fakes.clock import ManualClock
from tests.fakes.volumes import volume


@given(st.lists(st.integers(1, 6), max_size=60), st.integers(1, 40))
def test_the_first_ten_hold_at_most_three_of_a_file(files: list[int], k: int) -> None:
    order = spread(files, k=k, cap=MOST_OF_ONE_FILE)
    assert len(order) == len(set(order)) <= k
    first = [files[position] for position in order[:FIRST]]
    assert all(first.count(file) <= MOST_OF_ONE_FILE for file in first)
    assert order[:FIRST] == sorted(order[:FIRST]), "the best stay in their order"
    if len(order) > FIRST:
        assert order[FIRST:] == sorted(order[FIRST:])
    most_in_ten = min(FIRST, sum(min(files.count(file), MOST_OF_ONE_FILE) for file in set(files)))
    assert len(order) >= min(k, most_in_ten)


@given(st.lists(st.integers(1, 5), max_size=30), st.integers(1, 20))
def test_a_filter_that_names_one_file_lifts_the_limit(files: list[int], k: int) -> None:
    assert spread(files, k=k, cap=len(files)) == list(range(min(k, len(files))))


def test_the_meter_forgets_what_is_long_ago() -> None:
    clock = ManualClock()
    meter = Meter(clock)
    assert meter.rate() == 0.0
    clock.move(2)
    meter.add(10, took_s=2)
    assert meter.rate() == pytest.approx(5.0)
    clock.move(60)
    assert meter.rate() == 0.0


def test_backoff_grows_and_ends() -> None:
    waits = [next_attempt(n, temporary=True, now=NOW) for n in range(1, len(BACKOFF) + 2)]
    assert waits[-1] is None
    times = [at for at in waits if at is not None]
    assert times == sorted(set(times))
    assert next_attempt(1, temporary=False, now=NOW) is None


def test_names_of_volumes_are_free_and_plain() -> None:
    assert free_name("/srv/My Photos", set()) == "My-Photos"
    assert free_name("/srv/home", {"home", "home-2"}) == "home-3"
    assert free_name("/srv/…", set()) == "volume"


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/srv/home/a/b.txt", ("home", b"a/b.txt")),
        ("/srv/home/../home/a", ("home", b"a")),
        ("home:a/b.txt", ("home", b"a/b.txt")),
        ("/srv/homely/a", None),
        ("/srv/home", ("home", b"")),
        ("nowhere:a", None),
        ("a/b", None),
    ],
)
def test_a_path_belongs_to_the_volume_that_holds_it(path: str, expected: tuple[str, bytes] | None) -> None:
    found = locate(path, (volume("home", "/srv/home"), volume("work", "/srv/work")))
    assert (found and (found[0].name, found[1])) == expected


async def test_subscribers_hear_what_they_missed_and_lose_only_the_oldest() -> None:
    hub = Hub(ManualClock())
    hub.publish("a", n=1)
    late = hub.subscribe(after_id=0)
    first = await anext(late)
    assert (first.type, first.data) == ("a", {"n": 1})
    for number in range(QUEUED + 5):
        hub.publish("b", n=number)
    assert (await anext(late)).data["n"] == 5
    await late.aclose()  # type: ignore[attr-defined]
    fresh = hub.subscribe(after_id=first.id + QUEUED + 4)
    assert (await anext(fresh)).data["n"] == QUEUED + 4


async def test_a_signal_reaches_every_worker_and_none_twice() -> None:
    signal = Signal()
    before = signal.count
    waiting = [asyncio.create_task(signal.beyond(before, 60)) for _ in range(2)]
    await asyncio.sleep(0)
    signal.set()
    await asyncio.wait_for(asyncio.gather(*waiting), 10)
    await signal.beyond(before, 60)  # it was set since the worker looked: there is no waiting
    late = asyncio.create_task(signal.beyond(signal.count, 60))
    await asyncio.sleep(0)
    assert not late.done()
    late.cancel()
