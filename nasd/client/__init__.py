"""The only way faces reach the daemon: its HTTP API over the owner's socket or over the network."""

from nasd.client.api import Client

__all__ = ["Client"]
