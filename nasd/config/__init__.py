"""The settings: one TOML file, the environment and arguments, checked as a whole before anything starts."""

from nasd.config.credentials import read_credential
from nasd.config.load import load
from nasd.config.models import (
    AnswerSettings,
    EmbeddingSettings,
    Endpoint,
    LlmEndpoint,
    LlmSettings,
    LoadSettings,
    Match,
    Paths,
    PolicyRule,
    ReadSettings,
    ServerSettings,
    Settings,
    SyncSettings,
    SyncTarget,
    TlsFiles,
    VolumeSettings,
    WatchSettings,
)
from nasd.config.present import bind_host, problems, show, warnings

__all__ = [
    "AnswerSettings",
    "EmbeddingSettings",
    "Endpoint",
    "LlmEndpoint",
    "LlmSettings",
    "LoadSettings",
    "Match",
    "Paths",
    "PolicyRule",
    "ReadSettings",
    "ServerSettings",
    "Settings",
    "SyncSettings",
    "SyncTarget",
    "TlsFiles",
    "VolumeSettings",
    "WatchSettings",
    "bind_host",
    "load",
    "problems",
    "read_credential",
    "show",
    "warnings",
]
