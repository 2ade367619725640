"""Whatever a machine does, over any length of time, work in the background is held back only as the owner
allows, gives no more than there is room for, and never starves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from nasd.load.base import Limits, Machine, Pace, Share, Verdict
from nasd.load.decide import STARVING_S, decide

GIB = 1 << 30
actions = st.sampled_from(["pause", "slow", "run"])
shares = st.floats(0, 1)
limits = st.builds(
    Limits,
    on_battery=actions,
    when_hot=actions,
    when_busy=actions,
    max_celsius=st.floats(40, 100),
    busy_share=st.floats(0.1, 1),
    readers=st.integers(1, 16),
    reader_memory=st.integers(64 << 20, 4 * GIB),
    memory=st.integers(0, 64 * GIB),
    spare=st.integers(0, GIB),
)
machines = st.builds(
    Machine,
    on_battery=st.none() | st.booleans(),
    celsius=st.none() | st.floats(1, 130),
    others_busy=st.none() | shares,
    available=st.none() | st.integers(0, 64 * GIB),
    own=st.none() | st.integers(0, 8 * GIB),
    daemon=st.none() | st.integers(0, 8 * GIB),
)
steps = st.lists(st.tuples(machines, st.floats(1, 400)), min_size=1, max_size=20)


def follow(limits: Limits, steps: Sequence[tuple[Machine, float]]) -> list[tuple[float, Machine, Verdict]]:
    now, verdict, found = 1000.0, Verdict(readers=limits.readers), []
    for machine, since in steps:
        now += since
        verdict = decide(limits, machine, verdict, now=now, since_s=since)
        found.append((now, machine, verdict))
    return found


@settings(deadline=None)
@given(limits, steps)
def test_there_is_always_a_reader_and_small_texts_are_always_read(
    limits: Limits, steps: Sequence[tuple[Machine, float]]
) -> None:
    for _, _, verdict in follow(limits, steps):
        assert 1 <= verdict.readers <= limits.readers
        assert verdict.paces[Share.LIGHT] > Pace.PAUSED
        assert 0 <= verdict.busy_share <= 1


@settings(deadline=None)
@given(limits, steps)
def test_what_is_held_back_has_a_reason_and_what_is_not_has_none(
    limits: Limits, steps: Sequence[tuple[Machine, float]]
) -> None:
    for _, _, verdict in follow(limits, steps):
        held = {share for share, pace in verdict.paces.items() if pace < Pace.FULL}
        assert held == set(verdict.reasons)
        assert all(verdict.reasons.values())
        assert not held or verdict.causes


@settings(deadline=None)
@given(limits, steps)
def test_readers_fit_under_the_ceiling(limits: Limits, steps: Sequence[tuple[Machine, float]]) -> None:
    for _, machine, verdict in follow(limits, steps):
        most = (machine.daemon or 0) + verdict.readers * limits.reader_memory
        assert verdict.readers == 1 or most <= limits.memory


@settings(deadline=None)
@given(limits, machines, st.floats(20, 300))
def test_nothing_but_a_battery_pauses_for_ever(limits: Limits, machine: Machine, pause: float) -> None:
    """However bad it stays."""
    often = int(2 * STARVING_S / pause) + 60
    _, _, last = follow(limits, [(machine, pause)] * often)[-1]
    empties = bool(machine.on_battery) and limits.on_battery == "pause"
    assert empties or Pace.PAUSED not in last.paces.values()


@settings(deadline=None)
@given(limits, steps)
def test_calm_brings_everything_back(limits: Limits, steps: Sequence[tuple[Machine, float]]) -> None:
    calm = Machine(on_battery=False, celsius=20, others_busy=0, available=64 * GIB, own=0, daemon=0)
    _, _, last = follow(limits, [*steps, *[(calm, 60.0)] * 3])[-1]
    if limits.max_celsius > 28 and limits.memory:
        assert set(last.paces.values()) == {Pace.FULL}
        assert last.causes == ()


@settings(deadline=None)
@given(limits, st.lists(st.floats(0.0, 0.19), min_size=2, max_size=30))
def test_a_cause_does_not_come_and_go_at_its_limit(limits: Limits, wobble: Sequence[float]) -> None:
    """Heat that moves by less than the hysteresis changes the decision once at most."""
    heats = [Machine(celsius=limits.max_celsius - 7.9 * (share / 0.19)) for share in wobble]
    names = [
        {cause.name for cause in verdict.causes}
        for _, _, verdict in follow(limits, [(machine, 5.0) for machine in heats])
    ]
    changes = sum(before != after for before, after in pairwise(names))
    assert changes <= 1


@settings(deadline=None)
@given(limits, machines)
def test_the_owner_who_says_run_is_obeyed(limits: Limits, machine: Machine) -> None:
    free = replace(limits, on_battery="run", when_hot="run", when_busy="run", memory=1 << 62, spare=0)
    for _, _, verdict in follow(free, [(machine, 30.0)] * 5):
        assert set(verdict.paces.values()) == {Pace.FULL}
