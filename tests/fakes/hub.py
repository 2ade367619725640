"""A model hub on loopback, and the ways downloads go wrong."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

REVISION = "0123456789abcdef0123456789abcdef01234567"


@dataclass
class Hub:
    """`files` by their path. The first replies break off after the bytes of `cuts`, one each; `status`
    refuses all; `whole_only` knows no ranges; `elsewhere` hands downloads on."""

    files: dict[str, bytes] = field(default_factory=dict)
    cuts: list[int] = field(default_factory=list)
    status: int | None = None
    whole_only: bool = False
    elsewhere: str | None = None
    seen: list[str | None] = field(default_factory=list)  # the ranges that were asked for
    url: str = ""

    def put(self, repository: str, file: str, data: bytes) -> None:
        self.files[f"/{repository}/resolve/{REVISION}/{file}"] = data


@contextmanager
def serving_hub(hub: Hub) -> Iterator[Hub]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = urlsplit(self.path).path
            hub.seen.append(self.headers["Range"])
            data = hub.files.get(path.removeprefix("/stored"))
            if hub.status is not None or data is None:
                self._reply(hub.status or 404, b"")
            elif hub.elsewhere is not None and not path.startswith("/stored"):
                self._reply(302, b"", Location=f"{hub.elsewhere}/stored{path}")
            else:
                self._send(data)

        def _send(self, data: bytes) -> None:
            start, status, told = 0, 200, {}
            if self.headers["Range"] and not hub.whole_only:
                start = int(self.headers["Range"].removeprefix("bytes=").rstrip("-"))
                if start >= len(data):
                    self._reply(416, b"", **{"Content-Range": f"bytes */{len(data)}"})
                    return
                status = 206
                told = {"Content-Range": f"bytes {start}-{len(data) - 1}/{len(data)}"}
            cut = hub.cuts.pop(0) if hub.cuts else None
            self._reply(status, data[start:], cut, **told)

        def _reply(self, status: int, data: bytes, cut: int | None = None, /, **headers: str) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data[:cut])
            self.close_connection = True

        def log_message(self, format: str, *arguments: Any) -> None:
            return None

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    hub.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
