"""The folders of models that were brought, `models/<kind>/<name>/`: putting one there, and finding one whole.

Beside its files each holds `manifest.json`. A folder is written under another name and renamed, so a model is
there as a whole or not at all.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from nasd.errors import Conflict, InvalidRequest, ModelError, StateError

FORMAT = 1
MANIFEST = "manifest.json"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A file of a model, as nasd calls it, and where an export may have it, the likeliest first."""

    name: str
    sources: Sequence[str]
    needed: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    name: str
    kind: str
    licence: str
    files: Mapping[str, str]  # name to sha256

    @property
    def fingerprint(self) -> str:
        """32 hexadecimal digits over all files."""
        return hashlib.sha256(json.dumps(dict(sorted(self.files.items()))).encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Brought:
    folder: Path
    manifest: Manifest


def bring(
    models: Path,
    kind: str,
    source: Path,
    wanted: Sequence[Wanted],
    *,
    name: str | None,
    licence: str | None,
    check: Callable[[Path], None],
) -> Brought:
    """Copies a model from the folder `source`, after `check` has found its copy usable (it raises
    `ModelError`). By default `name` is the folder's own, and `licence` what its README says. Blocks.

    Raises InvalidRequest: no folder, no name; ModelError: a file is missing; Conflict: there is a model of
    this name; StateError: the state folder cannot be written.
    """
    chosen = name or source.resolve().name
    if not NAME.fullmatch(chosen):
        raise InvalidRequest(
            f"{chosen!r} is no name for a model.", fields={"name": "letters, digits, dot, dash, underscore"}
        )
    found = _find_files(source, wanted)
    folder = models / kind / chosen
    if folder.exists():
        raise Conflict(
            f"There is a {kind} model {chosen} already.", cure=f"Remove {folder}, or choose another --name."
        )
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(prefix=f".{chosen}-", suffix=".part", dir=folder.parent))
    except OSError as error:
        raise StateError(f"The folder of models cannot be written: {error.strerror}.") from error
    try:
        for target, path in found.items():
            shutil.copyfile(path, work / target)
        manifest = Manifest(
            name=chosen,
            kind=kind,
            licence=licence or _stated_licence(source) or "not stated",
            files={target: _sha256(work / target) for target in sorted(found)},
        )
        check(work)
        text = json.dumps({"format": FORMAT, **asdict(manifest)}, indent=1, ensure_ascii=False)
        (work / MANIFEST).write_text(text + "\n", "utf-8")
        work.chmod(0o755)
        work.rename(folder)
    except OSError as error:
        raise StateError(f"The model cannot be copied: {error.strerror or error}.") from error
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return Brought(folder=folder, manifest=manifest)


def brought(models: Path, kind: str) -> tuple[Brought, ...]:
    """All models of a kind by name, their files not looked at."""
    made = []
    for path in sorted((models / kind).glob(f"*/{MANIFEST}")):
        if path.parent.name.startswith("."):
            continue
        try:
            values = json.loads(path.read_text("utf-8"))
            if values.pop("format") != FORMAT:
                continue
            manifest = Manifest(**values)
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            continue
        if manifest.kind == kind and manifest.name == path.parent.name:
            made.append(Brought(folder=path.parent, manifest=manifest))
    return tuple(made)


def verify(model: Brought) -> None:
    """Reads every file. Raises `ModelError` when one is missing or is not what was brought."""
    for name, digest in model.manifest.files.items():
        try:
            same = "/" not in name and _sha256(model.folder / name) == digest
        except OSError:
            same = False
        if not same:
            raise ModelError(
                f"The file {name} of the {model.manifest.kind} model {model.manifest.name} is missing or "
                "damaged.",
                cure=f"Remove {model.folder} and bring the model again with `nasd model import`.",
            )


def _find_files(source: Path, wanted: Sequence[Wanted]) -> dict[str, Path]:
    if not source.is_dir():
        raise InvalidRequest(f"There is no folder {source}.", fields={"folder": "a folder is needed"})
    found: dict[str, Path] = {}
    for one in wanted:
        places = [path for name in one.sources for path in (source / name, source / "onnx" / name)]
        there = next((path for path in places if path.is_file()), None)
        if there is not None:
            found[one.name] = there
        elif one.needed:
            raise ModelError(
                f"{source} lacks {one.name}.",
                cure="Its folder needs " + ", ".join(w.name for w in wanted if w.needed) + ".",
            )
    return found


def _stated_licence(source: Path) -> str | None:
    """From the head of a model card, `license: mit` between two lines of dashes."""
    try:
        card = (source / "README.md").read_text("utf-8", "replace")
    except OSError:
        return None
    head = card.split("---", 2)[1] if card.startswith("---") and card.count("---") > 1 else ""
    stated = re.search(r"^license:\s*['\"]?([\w.+-]{1,60})", head, re.MULTILINE)
    return stated[1] if stated else None


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
