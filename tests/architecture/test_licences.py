"""What nasd brings with it may be used under its own licence: no GPL, AGPL, SSPL or BUSL."""

from __future__ import annotations

import re
from importlib.metadata import Distribution

import pytest
from packaging.utils import canonicalize_name

from tests.architecture.requirements import direct_requirements, installed_closure

FORBIDDEN = re.compile(
    r"(?<![A-Za-z])A?GPL|(?<!Lesser )General Public License|Affero"
    r"|SSPL|Server Side Public|BUSL|Business Source",
    re.IGNORECASE,
)
KNOWN = re.compile(
    r"MIT|BSD|Apache|ISC|PSF|Python Software Foundation|MPL|Mozilla Public|LGPL|Lesser General|CC0|Zlib",
    re.IGNORECASE,
)

REVIEWED: dict[str, str] = {}
"""Packages whose metadata name no licence: canonical name to the licence found in their sources."""

EXPECTED_FORBIDDEN = (
    "GPL-3.0-only",
    "AGPL-3.0",
    "GNU General Public License v3 (GPLv3)",
    "SSPL-1.0",
    "BUSL-1.1",
)


def stated_licence(found: Distribution) -> str:
    """What a package says of its licence: the expression, else its classifiers and licence field."""
    metadata = found.metadata
    if expression := metadata.get("License-Expression"):
        return str(expression)
    classified = [
        text.removeprefix("License :: ").removeprefix("OSI Approved :: ")
        for text in metadata.get_all("Classifier") or []
        if text.startswith("License :: ") and text != "License :: OSI Approved"
    ]
    # The field is a name in some packages and the whole text in others; its first line tells which.
    field = (metadata.get("License") or "").strip().partition("\n")[0]
    return "; ".join([*classified, *([field] if field and (KNOWN.search(field) or not classified) else [])])


def test_every_package_has_a_permitted_licence() -> None:
    wrong: dict[str, str] = {}
    for found in installed_closure(direct_requirements()):
        name = canonicalize_name(found.name)
        licence = REVIEWED.get(name) or stated_licence(found)
        if FORBIDDEN.search(licence) or not KNOWN.search(licence):
            wrong[name] = licence or "none stated"
    assert wrong == {}


@pytest.mark.parametrize("licence", EXPECTED_FORBIDDEN)
def test_the_forbidden_ones_would_be_seen(licence: str) -> None:
    assert FORBIDDEN.search(licence)


@pytest.mark.parametrize("licence", ["LGPL-2.1-or-later", "GNU Lesser General Public License v3", "MIT"])
def test_the_permitted_ones_pass(licence: str) -> None:
    assert KNOWN.search(licence)
    assert not FORBIDDEN.search(licence)
