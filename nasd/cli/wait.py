"""Waiting until nothing is pending: when it is over, when it cannot succeed, and how it is shown."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

from nasd.errors import ModelError, NasdError

if TYPE_CHECKING:
    from types import TracebackType

    from nasd import wire

Goal = Literal["searchable", "semantic"]
POLL_S = 0.25
CALM_POLLS = 2
"""How often in a row nothing must be pending: a change that was just saved may lie between two counts."""

MODEL_GRACE_S = 30.0
"""How long a model may be missing before anybody has begun to prepare it."""

NARRATE_S = 5.0


class TimedOut(NasdError):
    code = "timed_out"
    title = "Not done in time"


class ShowProgress(Protocol):
    def __enter__(self) -> ShowProgress: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
    def update(self, status: wire.StatusOut, goal: Goal) -> None: ...


def pending(status: wire.StatusOut, goal: Goal) -> int:
    """What is still missing for the goal; at least 1 while the daemon starts."""
    missing = status.pending_searchable
    if goal == "semantic":
        missing = max(missing, status.pending_semantic)
    return max(missing, 1) if status.state == "starting" else missing


def hopeless(status: wire.StatusOut, goal: Goal, *, waited_s: float) -> str | None:
    """Why the goal cannot be reached, in a sentence; None while it can."""
    if goal == "searchable" or not pending(status, goal):
        return None
    models = [model for model in status.models if model.purpose == "embedding"]
    model = next((model for model in models if model.active), models[0] if models else None)
    if model is None:
        return None
    detail = f": {model.detail}" if model.detail else "."
    if model.state == "failed":
        return f"The embedding model {model.name} cannot be prepared{detail}"
    if model.state == "missing" and waited_s > MODEL_GRACE_S:
        return f"The embedding model {model.name} is missing{detail}"
    return None


async def wait_until(
    status: Callable[[], Awaitable[wire.StatusOut]],
    goal: Goal,
    *,
    recognition: bool = True,
    timeout_s: float | None = None,
    progress: ShowProgress | None = None,
    poll_s: float | None = None,
    monotonic: Callable[[], float] = time.monotonic,
) -> wire.StatusOut:
    """Asks for `status` every `poll_s` seconds (by default `POLL_S`) and returns the first
    that has reached the goal for good. Without `recognition`, text in pictures and speech are not waited for:
    they may take hours.

    Raises ModelError when the model that it takes cannot be had, TimedOut after `timeout_s`, and whatever
    `status` raises.
    """
    started = monotonic()
    calm = 0
    with progress or best_progress() as shown:
        while True:
            seen = await status()
            awaited = seen if recognition else without_recognition(seen)
            shown.update(awaited, goal)
            missing = pending(awaited, goal)
            calm = calm + 1 if missing == 0 else 0
            if calm >= CALM_POLLS:
                return seen
            waited = monotonic() - started
            if reason := hopeless(awaited, goal, waited_s=waited):
                raise ModelError(
                    reason, cure="See `nasd model list`; `nasd wait --for searchable` needs no model."
                )
            if timeout_s is not None and waited >= timeout_s:
                raise TimedOut(f"After {waited:.0f} s, {missing} are still pending.")
            await asyncio.sleep(POLL_S if poll_s is None else poll_s)


def without_recognition(status: wire.StatusOut) -> wire.StatusOut:
    """As if no text in pictures, no speech and no look at pictures were waiting."""
    from nasd.cli.work import RECOGNITION

    work = [one for one in status.work if one.kind not in RECOGNITION]
    times = [one.eta_s for one in work]
    left = {
        "pending_searchable": max(status.pending_searchable - status.pending_recognition, 0),
        "pending_semantic": max(
            status.pending_semantic - status.pending_recognition - status.pending_pictures, 0
        ),
        "pending_recognition": 0,
        "pending_pictures": 0,
        "work": work,
        "queue": status.queue.model_copy(
            update={"eta_s": None if None in times else sum(time for time in times if time is not None)}
        ),
    }
    return status.model_copy(update=left)


def best_progress() -> ShowProgress:
    """A bar on a terminal, else a line now and then; both on stderr."""
    return Bar() if sys.stderr.isatty() else Lines()


@dataclass(slots=True)
class Lines:
    """What is pending, as a line on stderr each `NARRATE_S` seconds while it changes."""

    said: str = ""
    said_at: float = float("-inf")

    def __enter__(self) -> Lines:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return

    def update(self, status: wire.StatusOut, goal: Goal) -> None:
        from nasd.cli.show import narrate

        text = describe(status, goal)
        now = time.monotonic()
        if text != self.said and now - self.said_at >= NARRATE_S and pending(status, goal):
            narrate(text)
            self.said, self.said_at = text, now


class Bar:
    """A progress bar with what is going on and an ETA."""

    def __init__(self) -> None:
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

        from nasd.cli.show import console

        self._progress = Progress(
            BarColumn(bar_width=30),
            TaskProgressColumn(),
            TextColumn("{task.description}", markup=False),
            console=console(stderr=True),
            transient=True,
        )
        self._task = self._progress.add_task("starting", total=None)

    def __enter__(self) -> Bar:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def update(self, status: wire.StatusOut, goal: Goal) -> None:
        missing = pending(status, goal)
        done = status.coverage.semantic if goal == "semantic" else status.coverage.searchable
        scanning = status.queue.scanning > 0 or status.state == "starting"
        self._progress.update(
            self._task,
            total=None if scanning and not done else done + missing,
            completed=done,
            description=describe(status, goal),
        )


def describe(status: wire.StatusOut, goal: Goal) -> str:
    """What is going on, in one line."""
    from nasd.cli.show import seconds_words
    from nasd.cli.tables import queue_words
    from nasd.cli.work import work_words

    if status.state == "starting":
        return "starting"
    preparing = [one for one in status.models if one.state == "preparing" and one.role != "next"]
    kinds = [one for one in status.work if goal == "semantic" or one.kind != "embedding"]
    words = queue_words(status.queue) or f"{pending(status, goal)} pending"
    if kinds:
        words = work_words(kinds)
        if len(kinds) > 1 and status.queue.eta_s is not None and goal == "semantic":
            words += f"; about {seconds_words(status.queue.eta_s)} in all"
    if goal == "semantic" and preparing:
        words += f", preparing the model {preparing[0].name}"
    return words
