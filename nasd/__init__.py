"""nasd: a hybrid AI NAS daemon. It watches storage volumes, reads what is in them, and answers from it.

Two lines of motion; walk either by opening folders in order.

    know    file → hint → settled change → job → document → passages → (words, vectors) → search
            → cited answer
    keep    file → observed state → policy → (plan → guarded transfer → ledger → proven restore)

What stands in parentheses on the second line is not built yet: this version sends nothing anywhere.

Truth order: the disk owns files and is never written; the catalogue owns what was learned, their vectors
included; the indexes of words and of vectors are caches of the catalogue that can be lost at any moment.

Floors, imports only downward (contracts in pyproject.toml fail the build):

    tui  cli             faces: parse, call the client, render
    daemon               the process: assembly of adapters, supervision, systemd, the lock
    server | client      the HTTP API, and the only way faces reach it
    flows                what the daemon does, organ by organ: watching, reading, embedding, search, ask
    watch  extract  embed  index  llm  answer  identity  policy  store  load  weights  words
                         organs, strangers to one another
    render               domain values as what crosses HTTP
    config  wire         settings; the shapes that cross HTTP
    domain  clock        frozen values; time as a dependency
    errors               the error tree
"""

import os

# ONNX Runtime (1.29 and later) reports what it runs to its maker unless it is told otherwise before it is
# loaded, and so do the hub's libraries: this is the one place that every process of nasd passes first.
for _name in ("ORT_DISABLE_TELEMETRY", "ORT_TELEMETRY_DISABLED", "HF_HUB_DISABLE_TELEMETRY", "DO_NOT_TRACK"):
    os.environ[_name] = "1"

__version__ = "0.1.0"
