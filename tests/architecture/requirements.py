"""What pyproject.toml asks for and what that brings with it, read once for the tests beside this file."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator
from importlib.metadata import Distribution, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]


def direct_requirements(*, tests: bool = True) -> list[Requirement]:
    """The requirements in pyproject.toml: of nasd, of building it, with `tests` of tests and extras."""
    document = tomllib.loads((ROOT / "pyproject.toml").read_text())
    named = document["project"]["dependencies"] + document["build-system"]["requires"]
    if tests:
        for extra in document["project"]["optional-dependencies"].values():
            named += extra
    return [Requirement(text) for text in named]


def applies(requirement: Requirement, extras: Iterable[str]) -> bool:
    """Whether its marker holds on this machine, for a package installed with `extras`."""
    marker = requirement.marker
    return marker is None or any(marker.evaluate({"extra": extra}) for extra in ("", *extras))


def installed_closure(roots: Iterable[Requirement]) -> Iterator[Distribution]:
    """Each installed package that `roots` need, directly or not, once."""
    waiting = [(root, frozenset[str]()) for root in roots]
    walked: set[tuple[str, frozenset[str]]] = set()
    given: set[str] = set()
    while waiting:
        requirement, extras_of_parent = waiting.pop()
        key = (canonicalize_name(requirement.name), frozenset(requirement.extras))
        if not applies(requirement, extras_of_parent) or key in walked:
            continue
        walked.add(key)
        found = distribution(requirement.name)
        if key[0] not in given:
            given.add(key[0])
            yield found
        waiting += [(Requirement(text), frozenset(requirement.extras)) for text in found.requires or []]
