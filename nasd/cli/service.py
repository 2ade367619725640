"""`nasd run`, `nasd tui`."""

from __future__ import annotations

import importlib
from typing import Annotated, Any

import typer

from nasd.cli.session import Session


def run(
    context: typer.Context,
    host: Annotated[str | None, typer.Option("--host", help="Instead of server.host.")] = None,
    port: Annotated[
        int | None, typer.Option("--port", min=0, max=65535, help="Instead of server.port; 0: any free one.")
    ] = None,
) -> None:
    """The daemon in the foreground, ready when /readyz answers 200."""
    from nasd.cli.show import narrate
    from nasd.config import problems, warnings
    from nasd.daemon.run import run as run_daemon
    from nasd.errors import ConfigError

    session: Session = context.obj
    given: dict[str, Any] = {}
    if host is not None:
        given["host"] = host
    if port is not None:
        given["port"] = port
    settings = session.settings(overrides={"server": given} if given else None)
    if wrong := problems(settings):
        raise ConfigError("\n".join(wrong))
    for note in warnings(settings):
        narrate(f"note: {note}")
    raise typer.Exit(run_daemon(settings))


def tui(context: typer.Context) -> None:
    """The terminal admin UI."""
    session: Session = context.obj
    # The two faces are strangers to one another: this one starts the other by its name alone.
    start = importlib.import_module("tui.app").run
    raise typer.Exit(start(session.client))
