"""A daemon that kills itself, as `kill -9` would, at a chosen commit point."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class KillAt:
    """The `count`-th (from 1) transaction called `name`; before it commits or just after."""

    name: str
    count: int = 1
    after: bool = False


def run_daemon(
    config_file: Path, state_dir: Path, log: Path, kill_at: KillAt | None, trace: Path | None
) -> None:
    """In a process of its own. `trace` gets the name of every transaction, in order."""
    from nasd.config import load
    from nasd.daemon.run import run

    with log.open("ab") as out:
        os.dup2(out.fileno(), 1)
        os.dup2(out.fileno(), 2)
    os.environ["NASD_SERVER__PORT"] = "0"
    seen: dict[str, int] = {}

    def commit_point(name: str, done: bool) -> None:
        if not done:
            seen[name] = seen.get(name, 0) + 1
            if trace is not None:
                with trace.open("a") as lines:
                    lines.write(f"{name}\n")
        if (
            kill_at is not None
            and kill_at.name == name
            and seen[name] == kill_at.count
            and done == kill_at.after
        ):
            os.kill(os.getpid(), signal.SIGKILL)

    settings = load(config_file, state_dir, os.environ)
    os._exit(run(settings, commit_point=commit_point))
