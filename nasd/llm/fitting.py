"""Whether a model can run here: the runtime, the processor, the memory, and how large its steps may be."""

from __future__ import annotations

import importlib.util

from nasd.llm.base import ModelAbsent, Speed
from nasd.llm.cpu import missing_instructions
from nasd.llm.memory import BATCH, Footprint

LEAST_BATCH = 8
STEP_S = 0.5
"""A step of reading takes at most so long, by the speed known: nothing can be stopped within one."""


def check_machine() -> None:
    """Raises ModelAbsent where the runtime is not installed or cannot run."""
    if importlib.util.find_spec("xllamacpp") is None:
        raise ModelAbsent(
            "The runtime for language models is not installed.",
            cure='Install nasd with its extra "llm", or set llm.serve to a server.',
        )
    if missing := missing_instructions():
        raise ModelAbsent(
            f"This machine's processor lacks {', '.join(missing).upper()}, which the runtime for language "
            "models needs.",
            cure="Set llm.serve to a server on another machine; answers are extractive without one.",
        )


def check_memory(name: str, needed: Footprint, *, available: int | None, allowed: int | None) -> None:
    """Raises ModelAbsent, with the figures, for a model that does not fit. All figures are bytes."""
    weights, state, working = mib(needed.weights), mib(needed.state), mib(needed.working)
    parts = f"{weights} of weights, {state} for its context, {working} to work"
    if allowed is not None and needed.total > allowed:
        raise ModelAbsent(
            f"{name} needs {mib(needed.total)} of memory ({parts}); llm.memory grants {mib(allowed)}.",
            cure="Set llm.memory higher or llm.context lower, or choose a smaller model.",
        )
    if available is not None and needed.total > available:
        raise ModelAbsent(
            f"{name} needs {mib(needed.total)} of memory ({parts}); {mib(available)} are free.",
            cure="Free some memory, set llm.context lower, or choose a smaller model.",
        )


def mib(size: int) -> str:
    return f"{size / (1 << 20):,.0f} MiB"


def batch_for(speed: Speed | None) -> int:
    """Tokens a step, a power of two."""
    batch = BATCH
    while speed is not None and batch > LEAST_BATCH and batch > speed.prompt * STEP_S:
        batch //= 2
    return batch
