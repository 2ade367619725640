"""`nasd config …`, `nasd db …`, `nasd model …`, `nasd openapi`, `nasd version`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from nasd.cli.find import Json
from nasd.cli.language import bench_language, import_gguf
from nasd.cli.session import Session
from nasd.errors import InvalidRequest

config_app = typer.Typer(help="The settings.", no_args_is_help=True, rich_markup_mode=None)
db_app = typer.Typer(help="The catalogue.", no_args_is_help=True, rich_markup_mode=None)
model_app = typer.Typer(
    help="Models of language, embedding, speech and pictures.", no_args_is_help=True, rich_markup_mode=None
)


class ModelKind(StrEnum):
    SPEECH = "speech"
    PICTURE = "picture"
    RERANK = "rerank"


@config_app.command(name="show")
def config_show(context: typer.Context, as_json: Json = False) -> None:
    """The result of file, environment and arguments, with secrets hidden."""
    from nasd.cli import show
    from nasd.config import show as as_tree

    session: Session = context.obj
    tree = as_tree(session.settings())
    if as_json:
        show.emit_json(tree)
        return
    paths = tree.pop("paths")
    for name, path in paths.items():
        show.emit_text(f"# {name}: {path}")
    show.emit_text(toml_text(tree))


@config_app.command(name="check")
def config_check(context: typer.Context, as_json: Json = False) -> None:
    """Whether the daemon would start with these settings. Exit code 2 when not."""
    from nasd.cli import show
    from nasd.config import bind_host, problems, warnings
    from nasd.errors import ConfigError

    session: Session = context.obj
    settings = session.settings()
    wrong, notes = problems(settings), warnings(settings)
    host, reason = bind_host(settings)
    if reason:
        notes.append(f"The daemon listens on {host} only: {reason}.")
    if wrong:
        raise ConfigError("\n".join(wrong))
    file = settings.paths.config_file
    if as_json:
        show.emit_json({"ok": True, "file": str(file), "exists": file.exists(), "warnings": notes})
        return
    for note in notes:
        show.narrate(f"note: {note}")
    show.emit_text(f"{file}: good." if file.exists() else f"{file}: not there; the defaults hold.")


def toml_text(tree: Mapping[str, Any]) -> str:
    """Nested plain values as TOML: tables for mappings, arrays of tables for lists of mappings."""
    return "\n".join(_tables(tree, ())).strip()


def _tables(tree: Mapping[str, Any], above: tuple[str, ...]) -> list[str]:
    plain = {key: value for key, value in tree.items() if not _is_table(value) and not _are_tables(value)}
    lines = [f"{key} = {_value(value)}" for key, value in plain.items()]
    for key, value in tree.items():
        name = ".".join((*above, key))
        if _are_tables(value):
            for item in value:
                lines += ["", f"[[{name}]]", *(f"{inner} = {_value(of)}" for inner, of in item.items())]
        elif _is_table(value):
            inner_lines = _tables(value, (*above, key))
            own = not inner_lines or inner_lines[0] != ""  # a key of its own, or nothing at all
            lines += ["", f"[{name}]", *inner_lines] if own else inner_lines
    return lines


def _is_table(value: object) -> bool:
    return isinstance(value, Mapping)


def _are_tables(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(item, Mapping) for item in value)


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key} = {_value(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_value, value)) + "]"
    # Numbers, booleans and text are written as in JSON; TOML's basic strings know its escapes.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


@db_app.command(name="upgrade")
def db_upgrade(context: typer.Context) -> None:
    """Bring the catalogue to this version's form; a copy is put aside first. The daemon must not run."""
    from nasd.cli.show import emit_text
    from nasd.daemon.upkeep import upgrade_database

    session: Session = context.obj
    emit_text(upgrade_database(session.settings()))


@db_app.command(name="check")
def db_check(context: typer.Context, as_json: Json = False) -> None:
    """Look for damage in the catalogue. Exit code 1 when there is some."""
    from nasd.cli.show import emit_json, emit_text, one_line
    from nasd.daemon.upkeep import check_database

    session: Session = context.obj
    found = check_database(session.settings())
    if as_json:
        emit_json({"ok": not found, "problems": found})
    for problem in [] if as_json else found or ["The catalogue is sound."]:
        emit_text(one_line(problem))
    if found:
        raise typer.Exit(1)


@db_app.command(name="rebuild-index")
def db_rebuild_index(context: typer.Context) -> None:
    """Make the vector index anew from the catalogue's vectors. The daemon must not run."""
    from nasd.cli.show import emit_text
    from nasd.daemon.upkeep import rebuild_index

    session: Session = context.obj
    emit_text(f"{rebuild_index(session.settings())} vectors are in the new index.")


@model_app.command(name="list")
def model_list(context: typer.Context, as_json: Json = False) -> None:
    """The models and what state they are in."""
    from nasd.cli import show, tables

    session: Session = context.obj
    models = session.call(lambda client: client.models())
    if as_json:
        show.emit_items(models)
    else:
        tables.print_models(models)


@model_app.command(name="use")
def model_use(
    context: typer.Context,
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME_OR_FOLDER", help="A language model that is here, or a sentence-transformers model."
        ),
    ],
    force: Annotated[
        bool, typer.Option("--force", help="Even if it finds less of your own documents.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Change the language model, or the embedding model: its present one answers until the new one is ready
    and found good."""
    from nasd import wire
    from nasd.cli import show, tables

    session: Session = context.obj
    folder = Path(name).expanduser()
    if folder.is_dir() and ("/" in name or name.startswith((".", "~"))):
        name = str(folder.resolve())
    model = session.call(lambda client: client.use_model(wire.ModelUse(name=name, force=force)))
    if as_json:
        show.emit_json(model)
    else:
        tables.print_models([model])


@model_app.command(name="prepare")
def model_prepare(
    context: typer.Context,
    name: Annotated[str | None, typer.Argument(help="By default the one of the settings.")] = None,
    as_json: Json = False,
) -> None:
    """Export an embedding model for serving, and check that it agrees with the original."""
    from nasd.cli import show, tables
    from nasd.daemon.upkeep import prepare_model

    session: Session = context.obj
    overrides = {"embedding": {"model": name}} if name else None
    model = prepare_model(session.settings(overrides=overrides), show.narrate)
    if as_json:
        show.emit_json(model)
    else:
        tables.print_models([model])


@model_app.command(name="bench")
def model_bench(
    context: typer.Context,
    name: Annotated[str | None, typer.Argument(help="By default the one of the settings.")] = None,
    again: Annotated[bool, typer.Option("--again", help="Measure now; takes a minute.")] = False,
    as_json: Json = False,
) -> None:
    """How fast a model is on this machine: a language model by its name, or the ways to serve an embedding
    model, with how near each is to the original."""
    from nasd.cli import show, tables
    from nasd.daemon.measure import bench_model

    session: Session = context.obj
    if name is not None and bench_language(session, name, as_json=as_json):
        return
    overrides = {"embedding": {"model": name}} if name else None
    told = bench_model(session.settings(overrides=overrides), show.narrate, again=again)
    if as_json:
        show.emit_json(told)
    else:
        tables.print_bench(told)


@model_app.command(name="import")
def model_import(
    context: typer.Context,
    folder: Annotated[
        Path, typer.Argument(metavar="PATH", help="A GGUF file, or a folder with the files of the model.")
    ],
    kind: Annotated[
        ModelKind | None, typer.Option("--kind", help="What the model in a folder is for.")
    ] = None,
    name: Annotated[str | None, typer.Option("--name", help="By default the file's or folder's own.")] = None,
    licence: Annotated[
        str | None, typer.Option("--licence", help="By default what its model card says.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Copy a model into the state and try it; a running daemon takes it up."""
    from nasd.cli import show, tables
    from nasd.daemon.bring import import_model
    from nasd.daemon.rerankers import import_reranker

    session: Session = context.obj
    if folder.is_file() or folder.suffix == ".gguf":
        model = import_gguf(session, folder, name=name, licence=licence)
    elif kind is None:
        raise InvalidRequest(
            "A folder does not say what its model is for.",
            cure=f"Give --kind {' or '.join(ModelKind)}; a language model is one GGUF file.",
            fields={"kind": "is needed for a folder"},
        )
    elif kind is ModelKind.RERANK:
        model = import_reranker(
            session.settings(),
            folder,
            name=name,
            licence=licence,
            on_progress=lambda at: show.narrate(f"{at.stage}, {at.step} of {at.steps}"),
        )
    else:
        model = import_model(session.settings(), folder, kind.value, name=name, licence=licence)
    if as_json:
        show.emit_json(model)
    else:
        tables.print_models([model])


def openapi(context: typer.Context, as_json: Json = False) -> None:
    """The daemon's OpenAPI 3.1 document: JSON, whether asked for or not."""
    from nasd.cli.show import emit_json

    session: Session = context.obj
    emit_json(session.call(lambda client: client.openapi()))


def version(as_json: Json = False) -> None:
    """This program's version."""
    import platform

    from nasd import __version__

    if as_json:
        told = {"version": __version__, "python": platform.python_version(), "machine": platform.machine()}
        print(json.dumps(told, indent=2), flush=True)
    else:
        print(f"nasd {__version__}", flush=True)
