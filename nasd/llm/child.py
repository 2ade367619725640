"""The process that holds a language model: `python -m nasd.llm.child`.

It reads one line of JSON from standard input, which says what to load and where to listen, and writes one
back once it serves: HTTP over a Unix socket, to whoever knows the key. It ends with its input.
`nasd.llm.process` is the other side.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

from nasd.llm.memory import CHECKPOINTS, KEPT_PROMPTS

CHECKPOINT_STEP = 512
"""Tokens between two places of a prompt that a model with a recurrent state can go back to."""

OOM_SCORE = 500
"""When memory runs out, the system ends this process rather than the daemon."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Orders:
    """What to load, and how. `batch`: tokens of a prompt read in one step. `memory`: at most so many bytes
    that no file stands behind."""

    model: str
    socket: str
    key: str
    context: int
    threads: int
    batch: int
    memory: int

    def line(self) -> bytes:
        return json.dumps(asdict(self)).encode() + b"\n"


def serve(orders: Orders, replies: IO[bytes]) -> object:
    """What keeps the model: it serves until it is let go."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))  # it writes no file
    resource.setrlimit(resource.RLIMIT_DATA, (orders.memory, orders.memory))
    _volunteer()
    try:
        server = _load(orders)
    except ImportError as error:
        _reply(replies, {"error": f"The runtime cannot be loaded: {str(error)[:200]}"})
        return None
    except (RuntimeError, MemoryError):
        _reply(replies, {"error": "The runtime refused the model"})
        return None
    Path(orders.socket).chmod(0o600)
    _reply(replies, {"ready": True})
    return server


def _load(orders: Orders) -> Any:
    import xllamacpp

    wanted = xllamacpp.CommonParams()
    wanted.model.path = orders.model
    wanted.n_ctx = orders.context
    wanted.n_parallel = 1
    wanted.n_batch = wanted.n_ubatch = orders.batch
    wanted.cpuparams.n_threads = wanted.cpuparams_batch.n_threads = orders.threads
    wanted.fit_params = False  # would choose a context of its own
    wanted.ctx_shift = False  # would forget the beginning of a prompt in silence
    wanted.no_extra_bufts = True  # would hold the weights a second time, in another order
    wanted.load_mode = xllamacpp.llama_load_mode.LLAMA_LOAD_MODE_MMAP
    wanted.cache_ram_mib = KEPT_PROMPTS >> 20
    wanted.n_ctx_checkpoints = CHECKPOINTS
    wanted.checkpoint_min_step = CHECKPOINT_STEP
    wanted.offline = True
    wanted.hostnames = [orders.socket]
    wanted.api_keys = [orders.key]
    wanted.ui = False
    wanted.cors_origins = ""
    wanted.cors_methods = ""
    wanted.cors_headers = ""
    wanted.cors_credentials = False
    wanted.endpoint_slots = False
    wanted.endpoint_props = False
    wanted.verbosity = 1
    return xllamacpp.Server(wanted)


def _volunteer() -> None:
    try:
        Path("/proc/self/oom_score_adj").write_text(f"{OOM_SCORE}\n", "ascii")
    except OSError:
        return  # where there is no such thing, nothing is lost


def _reply(replies: IO[bytes], message: dict[str, object]) -> None:
    replies.write(json.dumps(message).encode() + b"\n")
    replies.flush()


def main() -> int:
    os.umask(0o077)
    with os.fdopen(os.dup(1), "wb") as replies:
        os.dup2(2, 1)  # whatever the runtime prints must not reach the replies
        line = sys.stdin.buffer.readline()
        if not line:
            return 0
        orders = Orders(**json.loads(line))
        server = serve(orders, replies)
    if server is None:
        return 1
    sys.stdin.buffer.read()
    shutil.rmtree(Path(orders.socket).parent, ignore_errors=True)  # whoever made it may be dead
    # Taking the runtime down in order waits for replies that nobody reads any more.
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main())
