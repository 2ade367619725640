"""How long what waits will take, by kind of work. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

from nasd import wire
from nasd.flows.rates import FILE_BYTES, Task
from nasd.load.base import Pace, Share, Verdict
from nasd.store.queue import QueueCounts
from nasd.wire_work import Unit

_SHARES = {
    Task.LIGHT: Share.LIGHT,
    Task.READ: Share.READ,
    Task.EMBED: Share.EMBED,
    Task.RECOGNISE: Share.RECOGNISE,
    Task.TRANSCRIBE: Share.TRANSCRIBE,
    Task.LOOK: Share.LOOK,
}
_RESTS = frozenset({Share.EMBED, Share.RECOGNISE, Share.TRANSCRIBE, Share.LOOK})
"""Of these, slow work rests as long as it works."""

_PACES: dict[Pace, Literal["full", "slow", "paused"]] = {
    Pace.FULL: "full", Pace.SLOW: "slow", Pace.PAUSED: "paused",
}  # fmt: skip


def work_out(
    counts: QueueCounts, per_s: Callable[[Task], float | None], verdict: Verdict, *, left_out: frozenset[Task]
) -> list[wire.WorkOut]:
    """What waits, in the order of its turn, without the kinds `left_out`: those for which this machine has no
    engine. `per_s` gives the learned rate of each."""
    others = counts.read - counts.read_light
    rows: Sequence[tuple[Task, int, int, Unit]] = (
        (Task.LIGHT, counts.read_light, counts.read_light, "files"),
        (Task.READ, others, counts.read_bytes, "bytes"),
        (Task.EMBED, counts.embed, counts.embed_passages, "passages"),
        (Task.RECOGNISE, counts.ocr, counts.ocr_pages, "pages"),
        (Task.TRANSCRIBE, counts.speech, counts.speech_s, "seconds"),
        (Task.LOOK, counts.pictures, counts.pictures, "pictures"),
    )
    found = []
    for task, files, amount, unit in rows:
        if not files or task in left_out:
            continue
        share, rate = _SHARES[task], per_s(task)
        pace = verdict.paces[share]
        units = amount + FILE_BYTES * files if task is Task.READ else amount
        seconds = None if rate is None or pace is Pace.PAUSED else units / rate
        if seconds is not None and pace is Pace.SLOW and share in _RESTS:
            seconds *= 2
        found.append(
            wire.WorkOut(
                kind=task.value,
                files=files,
                amount=amount,
                unit=unit,
                per_s=None if rate is None else round(rate, 3),
                eta_s=None if seconds is None else round(seconds, 1),
                pace=_PACES[pace],
                reason=verdict.reasons.get(share),
            )
        )
    return found


def eta_s(work: Sequence[wire.WorkOut]) -> float | None:
    """Seconds until all of it is done; None while a rate is not known or a kind does not go on. Kinds of work
    share the processor, so their times add up."""
    total = 0.0
    for one in work:
        if one.eta_s is None:
            return None
        total += one.eta_s
    return round(total, 1)
