"""What waits, kind by kind, and what the machine is taken to bear, in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from nasd.cli.show import one_line, seconds_words, size_words

if TYPE_CHECKING:
    from nasd import wire

NAMES = {
    "small_text": "small texts",
    "other_files": "other files",
    "embedding": "embedding",
    "text_recognition": "text recognition",
    "speech": "speech",
    "pictures": "pictures",
}
RECOGNITION = frozenset({"text_recognition", "speech", "pictures"})


def amount_words(one: wire.WorkOut) -> str:
    """How much waits: "3 files, 1.5 MiB", "1,200 passages"."""
    files = f"{one.files:,} {'file' if one.files == 1 else 'files'}"
    match one.unit:
        case "files":
            return files
        case "bytes":
            return f"{files}, {size_words(one.amount)}"
        case "seconds":
            return f"{files}, {seconds_words(one.amount)} of sound"
    noun = one.unit[:-1] if one.amount == 1 else one.unit
    return f"{one.amount:,} {noun}"


def rate_words(one: wire.WorkOut) -> str:
    """How fast this machine does it; "" before it ever did."""
    if one.per_s is None:
        return ""
    if one.unit == "bytes":
        return f"{size_words(round(one.per_s))}/s"
    digits = 0 if one.per_s >= 100 else 1 if one.per_s >= 1 else 2
    return f"{one.per_s:.{digits}f} {'s of sound' if one.unit == 'seconds' else one.unit}/s"


def when_words(one: wire.WorkOut) -> str:
    """When it will be done, or why it does not go on."""
    if one.pace == "paused":
        return f"waits: {one_line(one.reason or 'paused')}"
    slow = f", slowly: {one_line(one.reason)}" if one.pace == "slow" and one.reason else ""
    about = f"about {seconds_words(one.eta_s)}" if one.eta_s is not None else "how long is not known yet"
    return about + slow


def work_words(work: Sequence[wire.WorkOut]) -> str:
    """All that waits, on one line."""
    return "; ".join(f"{NAMES[one.kind]}: {amount_words(one)}, {when_words(one)}" for one in work)


def work_rows(work: Sequence[wire.WorkOut]) -> dict[str, str]:
    """A line for each kind that waits, by its name."""
    return {
        NAMES[one.kind]: ", ".join(
            part for part in (amount_words(one), rate_words(one), when_words(one)) if part
        )
        for one in work
    }


def recognition_words(engine: str, work: Sequence[wire.WorkOut], kind: str) -> str:
    """What is told of an engine, with what waits for it and until when."""
    waiting = [f"{amount_words(one)}, {when_words(one)}" for one in work if one.kind == kind]
    return ", ".join([engine, *waiting])


def load_words(load: wire.LoadOut) -> str:
    """What is held back and why, and what is known of the machine."""
    parts = [one_line(load.detail)] if load.detail else []
    if load.readers:
        parts.append(f"{load.readers} {'file' if load.readers == 1 else 'files'} read at once")
    if load.memory_bytes is not None and load.memory_limit is not None:
        parts.append(f"{size_words(load.memory_bytes)} of {size_words(load.memory_limit)} memory")
    if load.others_busy is not None and "other programs" not in load.detail:
        parts.append(f"other programs use {load.others_busy:.0%} of the processor")
    if load.celsius is not None:
        parts.append(f"{load.celsius:.0f} °C")
    if load.on_battery is not None:
        parts.append("on battery" if load.on_battery else "on mains")
    return ", ".join(parts)
