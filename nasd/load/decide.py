"""How much work in the background a machine gets. Pure.

A cause begins at its limit and ends some way below it, so that the work which it holds back does not make it
come and go. What is paused for heat, for other programs or for memory goes on slowly after `STARVING_S`:
resting has not helped by then, and no work waits for ever. A battery empties, so there a pause lasts.
"""

from __future__ import annotations

from nasd.load.base import Action, Cause, CauseName, Limits, Machine, Pace, Share, Verdict

STARVING_S = 600.0
COOLER_C = 8.0
CALMER = 0.2
SMOOTHING_S = 30.0
LOOSER = 0.9  # of the memory ceiling
ROOMIER = 1.5  # of the memory to be spared

_TIGHT = {
    **dict.fromkeys((Share.RECOGNISE, Share.TRANSCRIBE, Share.LOOK), Pace.PAUSED),
    Share.EMBED: Pace.FULL,
}
_PACE = {"pause": Pace.PAUSED, "slow": Pace.SLOW, "run": Pace.FULL}


def decide(limits: Limits, machine: Machine, before: Verdict, *, now: float, since_s: float) -> Verdict:
    """What follows from `machine` after `before`, which was decided `since_s` seconds ago; `now` is
    monotonic."""
    busy_share = _smoothed(before.busy_share, machine.others_busy, since_s)
    held = {cause.name: cause for cause in before.causes}
    causes: list[Cause] = []

    def judge(name: CauseName, begins: bool, goes_on: bool, words: str) -> None:
        known = held.get(name)
        if goes_on if known else begins:
            causes.append(Cause(name=name, since=known.since if known else now, words=words))

    judge("battery", bool(machine.on_battery), bool(machine.on_battery), "on battery")
    celsius = machine.celsius if machine.celsius is not None else 0.0
    judge(
        "heat",
        celsius >= limits.max_celsius,
        celsius > limits.max_celsius - COOLER_C,
        f"the processor has {celsius:.0f} °C",
    )
    judge(
        "busy",
        busy_share >= limits.busy_share,
        busy_share > max(limits.busy_share - CALMER, 0.0),
        f"other programs use {busy_share:.0%} of the processor",
    )
    judge(*_memory(limits, machine))
    return _verdict(limits, machine, tuple(causes), busy_share, now)


def _smoothed(before: float, found: float | None, since_s: float) -> float:
    weight = min(max(since_s, 0.0) / SMOOTHING_S, 1.0)
    return before + weight * ((found or 0.0) - before)


def _memory(limits: Limits, machine: Machine) -> tuple[CauseName, bool, bool, str]:
    own, available = machine.own or 0, machine.available
    over = own > limits.memory
    short = available is not None and available < limits.spare
    tight = own > limits.memory * LOOSER or (available is not None and available < limits.spare * ROOMIER)
    words = (
        f"nasd takes {own >> 20:,} MiB of {limits.memory >> 20:,} MiB"
        if over or available is None or available >= limits.spare * ROOMIER
        else f"only {available >> 20:,} MiB of memory are free"
    )
    return "memory", over or short, tight, words


def _verdict(
    limits: Limits, machine: Machine, causes: tuple[Cause, ...], busy_share: float, now: float
) -> Verdict:
    paces = dict.fromkeys(Share, Pace.FULL)
    reasons: dict[Share, str] = {}
    for cause in causes:
        for share in Share:
            pace = _pace(limits, cause, share, now)
            if pace < paces[share]:
                paces[share], reasons[share] = pace, cause.words
    return Verdict(
        readers=1 if paces[Share.LIGHT] < Pace.FULL else _fitting(limits, machine),
        paces=paces,
        reasons=reasons,
        causes=causes,
        busy_share=busy_share,
    )


def _pace(limits: Limits, cause: Cause, share: Share, now: float) -> Pace:
    if cause.name == "memory":
        # An embedding model takes its memory whether it works or not; readers and recognisers come and go.
        pace = _TIGHT.get(share, Pace.SLOW)
    else:
        actions: dict[str, Action] = {
            "battery": limits.on_battery, "heat": limits.when_hot, "busy": limits.when_busy,
        }  # fmt: skip
        pace = _PACE[actions[cause.name]]
    if pace is Pace.PAUSED and cause.name != "battery" and now - cause.since >= STARVING_S:
        pace = Pace.SLOW
    return max(pace, Pace.SLOW) if share is Share.LIGHT else pace


def _fitting(limits: Limits, machine: Machine) -> int:
    """As many readers as fit under the ceiling if each takes all that it may; at least one."""
    base = min(machine.daemon or 0, limits.memory)
    return max(1, min(limits.readers, (limits.memory - base) // max(limits.reader_memory, 1)))
