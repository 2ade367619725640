"""One ordered policy for reading, answering and sending: the first rule that matches decides.

Some conditions cannot be judged yet (labels, personal data, meaning). A rule that hangs on one of them may
or may not match, so both outcomes are taken together and the stricter one stands: what it denies is denied,
and what it allows is allowed only if the rules after it allow that too. So nothing is read, shown or sent by
mistake because a condition could not be judged.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from nasd.config.models import Match, PolicyRule
from nasd.domain.globs import matches

NOT_JUDGED = ("labels", "personal_data", "meaning")
"""Conditions that this version cannot judge."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileSubject:
    """What the policy looks at: `path` is within the volume, `size` in bytes, `age` since the last change."""

    volume: str
    path: str
    kind: str
    size: int
    age: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """`rule` names the rule that decided about embedding, None when none matched. `unknown` names each
    condition that could not be judged and bore on the outcome, as "rule: condition"."""

    embed: bool = True
    remote_llm: bool = False
    sync: tuple[str, ...] = ()
    rule: str | None = None
    unknown: tuple[str, ...] = ()


def decide(rules: Sequence[PolicyRule], subject: FileSubject) -> Decision:
    """What may be done with a file. With no rule that matches: it may be embedded, and nothing else."""
    uncertain: list[tuple[str, PolicyRule]] = []
    unknown: list[str] = []
    settled = Decision()
    for number, rule in enumerate(rules, start=1):
        name = rule.name or f"rule {number}"
        if not _holds(rule.match, subject):
            continue
        open_conditions = [
            condition for condition in NOT_JUDGED if getattr(rule.match, condition) is not None
        ]
        if open_conditions:
            uncertain.append((name, rule))
            unknown += [f"{name}: {condition}" for condition in open_conditions]
            continue
        settled = Decision(embed=rule.embed, remote_llm=rule.remote_llm, sync=rule.sync, rule=name)
        break

    denying = [name for name, rule in uncertain if not rule.embed]
    return Decision(
        embed=settled.embed and not denying,
        remote_llm=settled.remote_llm and all(rule.remote_llm for _, rule in uncertain),
        sync=tuple(target for target in settled.sync if all(target in rule.sync for _, rule in uncertain)),
        rule=denying[0] if denying else settled.rule,
        unknown=tuple(unknown),
    )


def _holds(match: Match, subject: FileSubject) -> bool:
    """Whether every condition that can be judged holds."""
    return (
        (match.volumes is None or subject.volume in match.volumes)
        and (match.path is None or matches(match.path, subject.path))
        and (match.kinds is None or subject.kind in match.kinds)
        and (match.larger_than is None or subject.size > match.larger_than)
        and (match.older_than is None or subject.age > match.older_than)
    )
