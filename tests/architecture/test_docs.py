"""The documentation names every setting, route and command that exists, and none that does not."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel
from typer.main import get_command

from nasd.cli.main import app
from nasd.config.models import FileSettings
from nasd.server.app import ROUTES
from tests.architecture.requirements import ROOT

DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted(DOCS.glob("*.md"))]
TABLE_ROW = re.compile(r"^\| `([^`]+)` \| ([^|]+) \|", re.MULTILINE)


def rows(page: str) -> dict[str, str]:
    """First column to second, of every table row whose first column is code."""
    return {first: second.strip() for first, second in TABLE_ROW.findall((DOCS / page).read_text())}


def models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from models_in(argument)


def settings_of(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Each setting as (dotted key, default as the documentation writes it)."""
    shown = model.model_construct().model_dump(mode="json", warnings=False)
    for name, field in model.model_fields.items():
        below = list(models_in(field.annotation))
        listed = "tuple" in str(field.annotation) and bool(below)
        key = f"{prefix}{name}" + ("[]" if listed else "")
        has_words = not (isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel))
        only_tables = listed or not has_words or (below and name in ("match", "keep"))
        if not only_tables:
            default = shown.get(name)
            if field.is_required():
                yield key, "needed"
            elif default is None:
                yield key, "none"
            else:
                yield key, f"`{json.dumps(default)}`"
        for inner in below:
            yield from settings_of(inner, f"{key}.")


def commands_of(command: Any, name: str) -> Iterator[str]:
    below = getattr(command, "commands", None)
    if below is None:
        yield name
        return
    for word, inner in below.items():
        yield from commands_of(inner, f"{name} {word}")


def test_every_setting_is_documented_with_its_default() -> None:
    assert rows("configuration.md") == dict(settings_of(FileSettings))


def test_every_route_is_documented_with_its_scope() -> None:
    routes = {f"{route.method} {route.url}": route.scope.value if route.scope else "open" for route in ROUTES}
    assert rows("api.md") == routes


def test_every_command_is_documented() -> None:
    assert set(rows("commands.md")) == set(commands_of(get_command(app), "nasd"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_named_in_passing_exist(page: Path) -> None:
    known = set(commands_of(get_command(app), "nasd"))
    groups = {command.rpartition(" ")[0] for command in known} - {"nasd"}
    text = page.read_text()
    # In running text a command stands in backquotes; in a block of shell lines it begins the line.
    named = re.findall(r"(?<!`)`nasd ([a-z-]+(?: [a-z-]+)?)", text)
    for block in re.findall(r"```(?:sh|console)\n(.*?)```", text, re.DOTALL):
        named += re.findall(r"^(?:\$ )?(?:sudo )?nasd ([a-z-]+(?: [a-z-]+)?)", block, re.MULTILINE)
    for words in named:
        first = f"nasd {words.split()[0]}"
        assert first in known | groups, f"`nasd {words}` in {page.name}"
        if first in groups and " " in words:
            assert f"nasd {words}" in known, f"`nasd {words}` in {page.name}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_to_files_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text()):
        assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_options_of_the_installer_in_the_readme_exist() -> None:
    installer = (ROOT / "install.sh").read_text()
    readme = (ROOT / "README.md").read_text()
    for option in set(re.findall(r"install\.sh (--[a-z]+)", readme)):
        assert f"{option})" in installer or f"{option} |" in installer
    for variable in set(re.findall(r"NASD_[A-Z_]+(?==)", readme)):
        assert variable in installer
