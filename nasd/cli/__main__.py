"""`python -m nasd.cli`: the command line without its entry point."""

from nasd.cli.main import run

run()
