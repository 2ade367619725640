"""Libraries that would report to their makers are told not to before they are loaded, in every process."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

SWITCHES = ("ORT_DISABLE_TELEMETRY", "ORT_TELEMETRY_DISABLED", "HF_HUB_DISABLE_TELEMETRY", "DO_NOT_TRACK")


@pytest.mark.parametrize("module", ["nasd", "nasd.embed.onnx", "nasd.extract.child", "nasd.daemon.assemble"])
def test_it_is_off_as_soon_as_anything_of_nasd_is_imported(module: str) -> None:
    script = f"import os, {module}; print([name for name in {SWITCHES!r} if os.environ.get(name) != '1'])"
    environment = {name: value for name, value in os.environ.items() if name not in SWITCHES}
    environment["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, env=environment, check=True)
    assert done.stdout == b"[]\n"
