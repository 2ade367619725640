"""`nasd volume …`: the storage that is watched."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from nasd.cli.find import Json
from nasd.cli.session import Session, request, typed_text

if TYPE_CHECKING:
    from nasd import wire

app = typer.Typer(help="The storage that is watched.", no_args_is_help=True, rich_markup_mode=None)
Name = Annotated[str, typer.Argument(metavar="NAME")]
OPTIONS = {"path": "PATH", "name": "--name", "poll_seconds": "--poll-seconds", "ignore": "--ignore"}


@app.command()
def add(
    context: typer.Context,
    *,
    path: Annotated[str, typer.Argument(metavar="PATH", help="A folder; it is only ever read.")],
    name: Annotated[str | None, typer.Option("--name", help="Its name; by default the folder's.")] = None,
    watch: Annotated[
        Literal["auto", "events", "poll", "off"], typer.Option("--watch", help="How changes are noticed.")
    ] = "auto",
    poll_seconds: Annotated[
        int | None,
        typer.Option("--poll-seconds", min=1, help="How often to look where events are not to be had."),
    ] = None,
    ignore: Annotated[
        list[str] | None,
        typer.Option("--ignore", help="A gitignore rule for what not to read; may be repeated."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Watch a folder from now on."""
    from nasd import wire

    session: Session = context.obj
    given: dict[str, object] = {"path": volume_path(session, path), "watch": watch}
    if name is not None:
        given["name"] = typed_text(name)
    if poll_seconds is not None:
        given["poll_seconds"] = poll_seconds
    if ignore:
        given["ignore"] = [typed_text(rule) for rule in ignore]
    wanted = request(wire.VolumeIn, OPTIONS, **given)
    volume = session.call(lambda client: client.add_volume(wanted))
    _print_done(volume, as_json, f'Volume "{volume.name}" is watched: {volume.path}')


def volume_path(session: Session, path: str) -> str:
    """The absolute path that was meant. Over the network it must be absolute already: it names a folder of
    the daemon's machine. InvalidRequest otherwise, and for one that cannot be written in JSON."""
    from nasd.errors import InvalidRequest

    try:
        os.fsencode(path).decode("utf-8")
    except UnicodeDecodeError:
        raise InvalidRequest(
            "PATH: the folder's name is not UTF-8.", cure="Name a folder above it, or rename it."
        ) from None
    if session.url:
        if not path.startswith("/"):
            raise InvalidRequest(
                f"PATH: {path} is relative, and the daemon is on another machine.",
                cure="Give the absolute path of the folder there.",
            )
        return path
    return os.path.abspath(Path(path).expanduser())  # noqa: PTH100 - a link is the owner's choice


@app.command(name="list")
def list_volumes(context: typer.Context, as_json: Json = False) -> None:
    """All volumes with their coverage."""
    from nasd.cli import show, tables

    session: Session = context.obj
    volumes = session.call(lambda client: client.volumes())
    if as_json:
        show.emit_items(volumes)
    else:
        tables.print_volumes(volumes)


@app.command()
def show(context: typer.Context, name: Name, as_json: Json = False) -> None:
    """One volume in full."""
    from nasd.cli import show as output
    from nasd.cli import tables

    session: Session = context.obj
    volume = session.call(lambda client: client.volume(typed_text(name)))
    if as_json:
        output.emit_json(volume)
    else:
        tables.print_volume(volume)


@app.command()
def scan(context: typer.Context, name: Name, as_json: Json = False) -> None:
    """Look at every file again now; failed ones are tried again."""
    session: Session = context.obj
    volume = session.call(lambda client: client.scan_volume(typed_text(name)))
    _print_done(volume, as_json, f'Volume "{volume.name}" is being scanned.')


@app.command()
def pause(context: typer.Context, name: Name, as_json: Json = False) -> None:
    """Stop looking for changes; what is known stays searchable."""
    session: Session = context.obj
    volume = session.call(lambda client: client.pause_volume(typed_text(name)))
    _print_done(volume, as_json, f'Volume "{volume.name}" is {volume.state}.')


@app.command()
def resume(context: typer.Context, name: Name, as_json: Json = False) -> None:
    """Watch again; of a frozen volume: take what is there now for right."""
    session: Session = context.obj
    volume = session.call(lambda client: client.resume_volume(typed_text(name)))
    _print_done(volume, as_json, f'Volume "{volume.name}" is {volume.state}.')


@app.command()
def remove(context: typer.Context, name: Name) -> None:
    """Forget a volume and what was learned of it; the files stay as they are."""
    from nasd.cli.show import narrate

    session: Session = context.obj
    session.call(lambda client: client.remove_volume(typed_text(name)))
    narrate(f'Volume "{name}" is no longer known; its files are untouched.')


def _print_done(volume: wire.VolumeOut, as_json: bool, sentence: str) -> None:
    from nasd.cli.show import emit_json, emit_text, one_line

    if as_json:
        emit_json(volume)
    else:
        emit_text(one_line(sentence))
