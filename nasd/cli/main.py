"""The command line: global options, every command, and errors turned into lines and exit codes.

Exit codes: 0 done, 1 failed, 2 wrong usage or configuration, 3 no daemon reachable, 4 not found,
5 not permitted, 6 abstained, 130 interrupted. Errors are lines on stderr with `--json` too; stdout then
stays empty.

Modules of commands import nothing heavy before one of their commands runs: the start must be quick.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from nasd.cli import devices, evaluate, find, language, service, status, trial, upkeep, volumes
from nasd.cli.session import session_from
from nasd.errors import NasdError

app = typer.Typer(
    help="Search and ask your own files, on your own machine.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command()(service.run)
app.command(name="try")(trial.try_folder)
app.add_typer(volumes.app, name="volume")
app.command()(status.wait)
app.command()(status.status)
app.command()(find.search)
app.command()(find.ask)
app.command()(find.why)
app.add_typer(devices.app, name="device")
upkeep.model_app.command(name="pull")(language.model_pull)
app.add_typer(upkeep.model_app, name="model")
app.command()(evaluate.evaluate)
app.add_typer(upkeep.config_app, name="config")
app.add_typer(upkeep.db_app, name="db")
app.command()(upkeep.openapi)
app.command()(service.tui)
app.command()(upkeep.version)


@app.callback()
def options(
    context: typer.Context,
    config: Annotated[Path | None, typer.Option("--config", metavar="FILE", help="Or NASD_CONFIG.")] = None,
    state_dir: Annotated[
        Path | None, typer.Option("--state-dir", metavar="DIR", help="Or NASD_STATE_DIR.")
    ] = None,
    url: Annotated[
        str | None, typer.Option("--url", metavar="URL", help="A daemon on the network. Or NASD_URL.")
    ] = None,
    token: Annotated[
        str | None,
        typer.Option(
            "--token", metavar="TOKEN", help="For --url. Better NASD_TOKEN, which other users cannot see."
        ),
    ] = None,
) -> None:
    context.obj = session_from(config, state_dir, url, token, os.environ)


def run() -> NoReturn:
    """The entry point `nasd`."""
    try:
        app(prog_name="nasd")
    except NasdError as error:
        sys.exit(report(error))
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        # Whoever read the output has had enough. Flushing at exit must not complain a second time.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    sys.exit(0)


def run_tui() -> NoReturn:
    """The entry point `nasd-tui`: `nasd tui` with the same options."""
    sys.argv[1:] = [*sys.argv[1:], "tui"]
    run()


def report(error: NasdError) -> int:
    """The error as lines on stderr, what to do about it on the last; the exit code that it stands for."""
    from nasd.cli.show import narrate

    first, *others = error.detail.splitlines() or [error.title]
    narrate(f"nasd: {first}")
    for line in others:
        narrate(f"      {line}")
    if error.cure:
        narrate(f"      {error.cure}")
    return error.exit_code
