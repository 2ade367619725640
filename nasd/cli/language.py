"""`nasd model pull`, and what other commands of `nasd model` do with language models."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nasd.cli.find import Json
from nasd.cli.progress import counted
from nasd.cli.session import Session

if TYPE_CHECKING:
    from nasd import wire


def model_pull(
    context: typer.Context,
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME", help="As `nasd model list` has it, or OWNER/REPOSITORY/FILE.gguf@REVISION."
        ),
    ],
    sha256: Annotated[
        str | None, typer.Option("--sha256", metavar="DIGEST", help="Of a file that is not suggested.")
    ] = None,
    called: Annotated[str | None, typer.Option("--name", help="By default the file's own.")] = None,
    as_json: Json = False,
) -> None:
    """Fetch a language model from the hub of the settings. Broken off, the next pull goes on from there."""
    from nasd.daemon.language import pull_model

    session: Session = context.obj
    with counted() as bar:
        model = pull_model(
            session.settings(),
            name,
            sha256=sha256,
            name=called,
            on_progress=lambda done, total: bar(name, done >> 20, (total or done) >> 20),
        )
    show_model(model, as_json=as_json)


def import_gguf(session: Session, file: Path, *, name: str | None, licence: str | None) -> wire.ModelOut:
    from nasd.daemon.language import import_file

    return import_file(session.settings(), file, name=name, licence=licence)


def bench_language(session: Session, name: str, *, as_json: bool) -> bool:
    """Measures a language model; whether `name` is one."""
    from nasd.cli import show
    from nasd.daemon.language import bench_stored, is_stored

    settings = session.settings()
    if not is_stored(settings, name):
        return False
    show_model(bench_stored(settings, name, show.narrate), as_json=as_json)
    return True


def show_model(model: wire.ModelOut, *, as_json: bool) -> None:
    from nasd.cli import show, tables

    if as_json:
        show.emit_json(model)
    else:
        tables.print_models([model])
