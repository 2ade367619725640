"""Which files are read at all: by kind, and by the owner's policy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from blake3 import blake3

from nasd.clock import Clock
from nasd.config import PolicyRule
from nasd.domain.files import FileStat, display_path
from nasd.extract.kinds import kind_of, supported
from nasd.extract.registry import CONTAINERS, READERS
from nasd.policy.rules import FileSubject, decide
from nasd.store.changes import Seen


class Admission:
    def __init__(self, policy: Sequence[PolicyRule], clock: Clock) -> None:
        self._policy = policy
        self._clock = clock

    @property
    def ages(self) -> bool:
        """Whether the passing of time alone can change what is read."""
        return any(rule.match.older_than is not None for rule in self._policy)

    @property
    def fingerprint(self) -> str:
        """Changes when the policy or the readers do: then every file is to be judged anew."""
        rules = [rule.model_dump_json() for rule in self._policy]
        entries = [*READERS.items(), *CONTAINERS.items()]
        readers = sorted(f"{kind} {entry.label}" for kind, entry in entries)
        return blake3("\n".join([*rules, *readers]).encode()).hexdigest()

    def admit(self, volume: str, stat: FileStat) -> Seen:
        """A file as it is to be recorded: to be read, or skipped with the reason why."""
        kind = kind_of(stat.path)
        if self._policy:
            age = self._clock.now() - datetime.fromtimestamp(0, UTC) - timedelta(seconds=stat.mtime_ns / 1e9)
            subject = FileSubject(
                volume=volume, path=display_path(stat.path), kind=kind.name, size=stat.size, age=age
            )
            decision = decide(self._policy, subject)
            if not decision.embed:
                return self.skipped(stat, "policy", f"left out by the policy “{decision.rule}”")
        if not supported(kind.name):
            return self.skipped(stat, "unsupported", f"files of kind {kind.name} are not read yet")
        return Seen(stat=stat, kind=kind.name, media_type=kind.media_type)

    def skipped(self, stat: FileStat, reason: str, detail: str) -> Seen:
        kind = kind_of(stat.path)
        return Seen(
            stat=stat, kind=kind.name, media_type=kind.media_type, skip_reason=reason, skip_detail=detail
        )

    def same_treatment(self, volume: str, old_path: bytes, stat: FileStat) -> bool:
        """Whether a file that moved is read as before: then nothing about it needs to be looked at again."""
        before = self.admit(volume, replace(stat, path=old_path))
        after = self.admit(volume, stat)
        if after.kind in CONTAINERS and any(rule.match.path is not None for rule in self._policy):
            return False  # its members' paths change too, and may be judged otherwise
        return (before.kind, before.skip_reason) == (after.kind, after.skip_reason)
