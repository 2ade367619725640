"""`nasd device …`: devices and what they may do."""

from __future__ import annotations

from typing import Annotated

import typer

from nasd.cli.find import Json
from nasd.cli.session import Session, request, typed_text

app = typer.Typer(help="Devices and what they may do.", no_args_is_help=True, rich_markup_mode=None)
Name = Annotated[str, typer.Argument(metavar="NAME")]


@app.command()
def pair(
    context: typer.Context,
    name: Name,
    scope: Annotated[
        list[str] | None,
        typer.Option(
            "--scope", help="search, ask, files or admin; may be repeated. Default: the first three."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Add a device and print its token, which is shown this once."""
    from nasd import wire
    from nasd.cli import show
    from nasd.identity.tokens import parse_scopes

    session: Session = context.obj
    given: dict[str, object] = {"name": typed_text(name)}
    if scope:
        given["scopes"] = sorted(one.value for one in parse_scopes(scope))
    wanted = request(wire.DeviceIn, {"name": "NAME", "scopes": "--scope"}, **given)
    device = session.call(lambda client: client.add_device(wanted))
    if as_json:
        show.emit_json(device)
        return
    show.narrate(f'Device "{device.name}" may: {", ".join(device.scopes)}. Its token, shown this once:')
    show.emit_text(device.token)


@app.command(name="list")
def list_devices(context: typer.Context, as_json: Json = False) -> None:
    """All devices, revoked ones too."""
    from nasd.cli import show, tables

    session: Session = context.obj
    devices = session.call(lambda client: client.devices())
    if as_json:
        show.emit_items(devices)
    else:
        tables.print_devices(devices)


@app.command()
def show(context: typer.Context, name: Name, as_json: Json = False) -> None:
    """One device."""
    from nasd.cli import show as output
    from nasd.cli import tables

    session: Session = context.obj
    device = session.call(lambda client: client.device(typed_text(name)))
    if as_json:
        output.emit_json(device)
    else:
        tables.print_devices([device])


@app.command()
def revoke(context: typer.Context, name: Name, as_json: Json = False) -> None:
    """End a device's access at once."""
    from nasd.cli import show

    session: Session = context.obj
    device = session.call(lambda client: client.revoke_device(typed_text(name)))
    if as_json:
        show.emit_json(device)
    else:
        show.emit_text(f'Device "{device.name}" has no access any more.')
