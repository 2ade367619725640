"""Models that are worth having on a home server, all with an open licence: where they lie, and what they are.

A revision names one state of a repository for ever, and the digest is of the file's content. To another model
the owner gives both.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from nasd.errors import InvalidRequest

OPEN_LICENCES = frozenset({"apache-2.0", "mit", "bsd-2-clause", "bsd-3-clause", "cc-by-4.0", "cc0-1.0"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A file on a model hub. `bytes` and `licence` are None where they are not known yet."""

    name: str  # that the model gets
    repository: str
    revision: str
    file: str
    sha256: str
    bytes: int | None = None
    licence: str | None = None

    @property
    def origin(self) -> str:
        return f"{self.repository}/{self.file}@{self.revision}"


SUGGESTED = (
    Source(
        name="qwen3.5-0.8b-q4_k_m",
        repository="unsloth/Qwen3.5-0.8B-GGUF",
        revision="6ab461498e2023f6e3c1baea90a8f0fe38ab64d0",
        file="Qwen3.5-0.8B-Q4_K_M.gguf",
        sha256="bd258782e35f7f458f8aced1adc053e6e92e89bc735ba3be89d38a06121dc517",
        bytes=532_517_120,
        licence="apache-2.0",
    ),
    Source(
        name="qwen3.5-2b-q4_k_m",
        repository="unsloth/Qwen3.5-2B-GGUF",
        revision="f6d5376be1edb4d416d56da11e5397a961aca8ae",
        file="Qwen3.5-2B-Q4_K_M.gguf",
        sha256="aaf42c8b7c3cab2bf3d69c355048d4a0ee9973d48f16c731c0520ee914699223",
        bytes=1_280_835_840,
        licence="apache-2.0",
    ),
    Source(
        name="qwen3.5-4b-q4_k_m",
        repository="unsloth/Qwen3.5-4B-GGUF",
        revision="e87f176479d0855a907a41277aca2f8ee7a09523",
        file="Qwen3.5-4B-Q4_K_M.gguf",
        sha256="00fe7986ff5f6b463e62455821146049db6f9313603938a70800d1fb69ef11a4",
        bytes=2_740_937_888,
        licence="apache-2.0",
    ),
    Source(
        name="granite-4.0-micro-q4_k_m",
        repository="ibm-granite/granite-4.0-micro-GGUF",
        revision="ec48475f0c811d812fbfb61975717a9c36eeb652",
        file="granite-4.0-micro-Q4_K_M.gguf",
        sha256="97c417dcc0534b0737c74016fb2af083cb17c3b51eaac621192d23961b7024eb",
        bytes=2_099_502_528,
        licence="apache-2.0",
    ),
    Source(
        name="gemma-4-e2b-it-q4_k_m",
        repository="unsloth/gemma-4-E2B-it-GGUF",
        revision="0314792d7f1f7e229411f620751375812bb9faf2",
        file="gemma-4-E2B-it-Q4_K_M.gguf",
        sha256="740185b21d22ceb83a11c3aa62ad5842ef32c70f6096d756bbee85a1e4ec34b8",
        bytes=3_106_738_272,
        licence="apache-2.0",
    ),
)

_EXPLICIT = re.compile(
    r"(?P<repository>[A-Za-z0-9._-]+/[A-Za-z0-9._-]+)/(?P<file>[A-Za-z0-9._/-]+\.gguf)@(?P<revision>[0-9a-f]{40})"
)


def source_of(wanted: str, sha256: str | None = None) -> Source:
    """`wanted` is the name of a suggestion, or OWNER/REPOSITORY/FILE.gguf@REVISION, which needs `sha256`.
    Raises InvalidRequest."""
    for one in SUGGESTED:
        if one.name == wanted.lower():
            return one
    found = _EXPLICIT.fullmatch(wanted)
    if found is None or ".." in wanted:
        raise InvalidRequest(
            f"{wanted!r} is no suggested model, and does not name a file either.",
            cure=f"Use one of {', '.join(one.name for one in SUGGESTED)}; or "
            "OWNER/REPOSITORY/FILE.gguf@REVISION, the revision as 40 hexadecimal digits, with --sha256.",
            fields={"name": "a suggested model, or a file at a revision"},
        )
    if sha256 is None or re.fullmatch(r"[0-9a-f]{64}", sha256.lower()) is None:
        raise InvalidRequest(
            f"{wanted} needs the SHA-256 of its file.",
            cure="Give it with --sha256; the model's page on its hub shows it.",
            fields={"sha256": "64 hexadecimal digits"},
        )
    return Source(
        name=model_name(found["file"]),
        repository=found["repository"],
        revision=found["revision"],
        file=found["file"],
        sha256=sha256.lower(),
    )


def model_name(file: str) -> str:
    """The name of the model in a file called `file`."""
    stem = file.rpartition("/")[2].removesuffix(".gguf").lower()
    return re.sub(r"[^a-z0-9._-]+", "-", stem).strip("-._")[:63] or "model"
