"""nasd/constraints.txt pins what pyproject.toml asks for, and all that this brings."""

from __future__ import annotations

import re

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from tests.architecture.requirements import ROOT, direct_requirements, installed_closure


def read_pins() -> dict[str, Version]:
    pins: dict[str, Version] = {}
    for line in (ROOT / "nasd" / "constraints.txt").read_text().splitlines():
        if not line or line.startswith("#"):
            continue
        requirement = Requirement(line)
        (pin,) = requirement.specifier
        assert pin.operator == "==", line
        assert "*" not in pin.version, line
        name = canonicalize_name(requirement.name)
        assert name not in pins, f"{name} is pinned twice"
        pins[name] = Version(pin.version)
    return pins


PINS = read_pins()


@pytest.mark.parametrize("requirement", direct_requirements(), ids=str)
def test_every_direct_requirement_is_pinned_within_its_range(requirement: Requirement) -> None:
    pin = PINS.get(canonicalize_name(requirement.name))
    assert pin is not None, f"{requirement.name} is not in nasd/constraints.txt"
    assert pin in requirement.specifier


def test_everything_that_is_brought_along_is_pinned() -> None:
    # A CUDA build of torch brings packages that it pins itself.
    of_cuda = re.compile(r"(nvidia|cuda)-|triton$")
    needed = {canonicalize_name(found.name) for found in installed_closure(direct_requirements())}
    assert sorted(name for name in needed - PINS.keys() if not of_cuda.match(name)) == []


def test_pins_that_nothing_needs_are_gone() -> None:
    needed = {canonicalize_name(found.name) for found in installed_closure(direct_requirements())}
    # uv fetches the CPU build of torch where pip sees none; no package needs it.
    assert sorted(PINS.keys() - needed - {"uv"}) == []


def test_the_pins_agree_with_each_other() -> None:
    for found in installed_closure(direct_requirements()):
        for text in found.requires or []:
            requirement = Requirement(text)
            pin = PINS.get(canonicalize_name(requirement.name))
            if pin is None or (requirement.marker and not requirement.marker.evaluate({"extra": ""})):
                continue
            assert requirement.specifier.contains(pin, prereleases=True), f"{found.name} needs {text}"


def test_torch_is_pinned_without_a_build() -> None:
    assert PINS["torch"].local is None
    installer = (ROOT / "install.sh").read_text()
    assert f"readonly torch_version={PINS['torch']}\n" in installer


def test_no_pin_is_for_a_python_outside_the_range() -> None:
    for found in installed_closure(direct_requirements()):
        wanted = SpecifierSet(found.metadata.get("Requires-Python") or "")
        for version in ("3.11.2", "3.12.3", "3.13.5"):
            assert wanted.contains(version), f"{found.name} needs Python {wanted}"
