from __future__ import annotations

from nasd.domain.files import Volume
from tests.fakes.catalogue import NOW


def volume(name: str, path: str, number: int = 1) -> Volume:
    return Volume(id=number, name=name, path=path, added=NOW)
