"""Reading the settings: file, then environment, then arguments, merged deeply and checked as a whole."""

from __future__ import annotations

import difflib
import json
import os
import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from nasd.config import toml
from nasd.config.locate import Key, find_line
from nasd.config.models import TAGS, FileSettings, Settings
from nasd.config.places import find_paths
from nasd.config.present import bind_host
from nasd.config.quantities import format_bytes
from nasd.errors import ConfigError

OTHER_NAMES = ("NASD_CONFIG", "NASD_STATE_DIR", "NASD_URL", "NASD_TOKEN", "NASD_CORPORA")
OTHER_PREFIXES = ("NASD_CREDENTIAL_", "NASD_TEST_")
"""Names in the environment that are no settings: credentials of targets, and what tests speak of."""

_ALLOWED = {
    "int_type": "a whole number is allowed",
    "int_parsing": "a whole number is allowed",
    "int_from_float": "a whole number is allowed",
    "float_type": "a number is allowed",
    "float_parsing": "a number is allowed",
    "bool_type": "true or false is allowed",
    "bool_parsing": "true or false is allowed",
    "string_type": "text is allowed",
    "string_too_short": "text that is not empty is allowed",
    "tuple_type": "a list is allowed",
    "path_type": "a path is allowed",
    "model_type": "a table is allowed",
    "model_attributes_type": "a table is allowed",
}
_OTHER_BRANCH = {
    "tls": '{cert = "…", key = "…"}',
    "serve": '{url = "http://…/v1"}',
    "threads": "a whole number",
    "workers": "a whole number",
    "cores": "a whole number",
    "context": "a whole number",
}
"""What a key takes beside the words that its type lists."""

_NAME_ALLOWED = "a name of letters, digits, dots, dashes and underscores, at most 63, is allowed"


def load(
    config: Path | None,
    state_dir: Path | None,
    environ: Mapping[str, str],
    *,
    overrides: Mapping[str, Any] | None = None,
    root: bool | None = None,
) -> Settings:
    """The settings of all layers. `overrides` is shaped like the file: {"server": {"port": 0}}.

    A file that was named must exist; the default one need not. Raises ConfigError with one line for each
    thing that is wrong: which file and line (or variable, or argument), what was found, what is allowed.
    """
    paths = find_paths(config, state_dir, environ, root=os.geteuid() == 0 if root is None else root)
    named = config is not None or bool(environ.get("NASD_CONFIG"))
    source = _read(paths.config_file, named=named)
    tree = _parse(paths.config_file, source)
    from_environment, variables = read_environment(environ)
    merged = merge(merge(tree, from_environment), overrides or {})

    def origin(key: Key) -> str:
        """Where the value at `key` comes from, in words."""
        if overrides and _holds(overrides, key):
            return "argument"
        for held, variable in variables.items():
            if key[: len(held)] == held or (held[: len(key)] == key and not _holds(tree, key)):
                return f"environment variable {variable}"
        line = find_line(source, key)
        return f"{paths.config_file}, line {line}" if line else str(paths.config_file)

    try:
        settings = Settings(**dict(FileSettings.model_validate(merged)), paths=paths)
    except ValidationError as error:
        lines = [_explain(item, origin) for item in error.errors(include_url=False, include_context=True)]
        raise ConfigError("\n".join(dict.fromkeys(lines))) from None

    found = [f"{origin(key)}: {sentence}" for key, sentence in _contradictions(settings)]
    if found:
        raise ConfigError("\n".join(found))
    bind_host(settings)
    return settings


def _read(path: Path, *, named: bool) -> str:
    try:
        return path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        if named:
            raise ConfigError(f"{path}: there is no such file.", cure="Name another with --config.") from None
        return ""
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise ConfigError(f"{path}, line {line}: not UTF-8; TOML files are UTF-8.") from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}.") from None


def _parse(path: Path, source: str) -> dict[str, Any]:
    try:
        return toml.loads(source)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: not valid TOML: {error}.") from None


def read_environment(environ: Mapping[str, str]) -> tuple[dict[str, Any], dict[Key, str]]:
    """The tree of settings in `NASD_SECTION__KEY` variables, and which variable gave which key.

    Lists and tables are written as JSON or TOML. ConfigError for a NASD_ name that means nothing.
    """
    tree: dict[str, Any] = {}
    variables: dict[Key, str] = {}
    wrong: list[str] = []
    for name in sorted(environ):
        if not name.startswith("NASD_") or name in OTHER_NAMES or name.startswith(OTHER_PREFIXES):
            continue
        key = tuple(part.lower() for part in name.removeprefix("NASD_").split("__"))
        if key[0] not in FileSettings.model_fields or (len(key) > 1 and key[1] not in _keys(key[0])):
            wrong.append(f"environment variable {name}: unknown.{_suggest_variable(name)}")
            continue
        tree = merge(tree, _nest(key, _literal(name, environ[name])))
        variables[key] = name
    if wrong:
        raise ConfigError("\n".join(wrong))
    return tree, variables


def _keys(section: str) -> list[str]:
    annotation = FileSettings.model_fields[section].annotation
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return list(annotation.model_fields)
    return []


def _variable_names() -> list[str]:
    names = list(OTHER_NAMES)
    for section in FileSettings.model_fields:
        keys = _keys(section)
        names += [f"NASD_{section}__{key}".upper() for key in keys] or [f"NASD_{section}".upper()]
    return names


def _nest(key: Sequence[str], value: Any) -> dict[str, Any]:
    for part in reversed(key):
        value = {part: value}
    return dict(value)


def _literal(name: str, raw: str) -> Any:
    text = raw.strip()
    if not text.startswith(("[", "{")):
        return raw
    try:
        return json.loads(text)
    except ValueError:
        pass
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        raise ConfigError(
            f"environment variable {name}: found {_found(raw)}; a JSON or TOML list or table is allowed."
        ) from None


def merge(lower: Mapping[str, Any], upper: Mapping[str, Any]) -> dict[str, Any]:
    """`upper` over `lower`, table by table; lists are replaced whole."""
    result = dict(lower)
    for key, value in upper.items():
        below = result.get(key)
        if isinstance(value, Mapping) and isinstance(below, Mapping):
            result[key] = merge(below, value)
        else:
            result[key] = value
    return result


def _holds(tree: Any, key: Key) -> bool:
    for part in key:
        if not isinstance(tree, Mapping) or part not in tree:
            return False
        tree = tree[part]
    return True


def _suggest_variable(name: str) -> str:
    """The variable that ends with the same key (NASD_PORT for NASD_SERVER__PORT), else the most alike."""
    known = _variable_names()
    last = name.removeprefix("NASD_").rpartition("__")[2]
    same = [variable for variable in known if variable.endswith(f"__{last}")]
    return f" Did you mean {same[0]}?" if same else _suggest(name, known)


def _suggest(word: str, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    return f" Did you mean {close[0]}?" if close else ""


def _found(value: Any) -> str:
    shown = json.dumps(value, ensure_ascii=False, default=str)
    return shown if len(shown) <= 60 else shown[:57] + "…"


def dotted(key: Key) -> str:
    """("volumes", 1, "path") as "volumes[1].path", the way people read it."""
    text = ""
    for part in key:
        text += f"[{part}]" if isinstance(part, int) else (f".{part}" if text else part)
    return text


def _explain(item: Any, origin: Any) -> str:
    key: Key = tuple(part for part in item["loc"] if part not in TAGS)
    kind, value, context = item["type"], item["input"], item.get("ctx", {})
    if kind == "extra_forbidden":
        known = _allowed_keys(key[:-1])
        hint = _suggest(str(key[-1]), known) or f" Known here: {', '.join(known)}."
        return f"{origin(key)}: {dotted(key)}: unknown key.{hint}"
    if kind == "missing":
        return f"{origin(key[:-1])}: {dotted(key)}: is needed and not given."
    where = f"{origin(key)}: {dotted(key)}: found {_found(value)};"
    if kind == "value_error":
        return f"{where} {context['error']}."
    if kind == "literal_error":
        expected = context["expected"].replace("'", '"')
        hint = _suggest(value, re.findall(r'"([^"]+)"', expected)) if isinstance(value, str) else ""
        other = f" or {_OTHER_BRANCH[key[-1]]}" if key[-1] in _OTHER_BRANCH else ""
        return f"{where} {expected}{other} is allowed.{hint}"
    if kind == "string_pattern_mismatch":
        return f"{where} {_NAME_ALLOWED}."
    if kind in ("greater_than_equal", "greater_than", "less_than_equal", "less_than"):
        bound = next(context[name] for name in ("ge", "gt", "le", "lt") if name in context)
        words = {"ge": "at least", "gt": "more than", "le": "at most", "lt": "less than"}
        word = next(words[name] for name in words if name in context)
        size = isinstance(bound, int) and key[-1] in ("memory", "max_file")
        return f"{where} {word} {format_bytes(bound) if size else bound} is allowed."
    return f"{where} {_ALLOWED.get(kind, item['msg'][:1].lower() + item['msg'][1:])}."


def _allowed_keys(key: Key) -> list[str]:
    """The keys that are known in the table at `key`."""
    model: Any = FileSettings
    for part in key:
        if isinstance(part, int):
            continue
        field = model.model_fields.get(part)
        if field is None:
            return []
        model = _model_in(field.annotation)
        if model is None:
            return []
    return list(model.model_fields)


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """The model that an annotation holds: itself, the item of a tuple, a branch of a union."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for argument in getattr(annotation, "__args__", ()):
        if found := _model_in(argument):
            return found
    return None


def _contradictions(settings: Settings) -> list[tuple[Key, str]]:
    """What no single field can know: names given twice, a volume within another or within the state."""
    found: list[tuple[Key, str]] = []
    for kind, names in (
        (("volumes",), [volume.name for volume in settings.volumes]),
        (("policy",), [rule.name for rule in settings.policy]),
        (("sync", "targets"), [target.name for target in settings.sync.targets]),
    ):
        for position, name in enumerate(names):
            if name is not None and name in names[:position]:
                key: Key = (*kind, position, "name")
                found.append((key, f'{dotted(key)}: found "{name}", which an entry above has already.'))
    for position, volume in enumerate(settings.volumes):
        key = ("volumes", position, "path")
        if volume.path.is_relative_to(settings.paths.state_dir):
            found.append((key, f"{dotted(key)}: {volume.path} lies inside the state folder."))
        found += [
            (key, f'{dotted(key)}: {volume.path} and volume "{other.name}" cover the same files.')
            for other in settings.volumes[:position]
            if volume.path.is_relative_to(other.path) or other.path.is_relative_to(volume.path)
        ]
    return found
