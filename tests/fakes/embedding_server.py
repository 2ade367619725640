"""A small OpenAI-compatible embedding server on loopback, and the ways such a server goes wrong."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.fakes.embedder import HashingEmbedder

Reply = tuple[int, dict[str, str], bytes]


def embeddings(request: dict[str, Any], headers: dict[str, str]) -> Reply:
    """The right answer, its items out of order and its vectors not of unit length, which is allowed."""
    vectors = HashingEmbedder(64).embed_documents(request["input"]) * 3
    items = [
        {"object": "embedding", "index": index, "embedding": vector.tolist()}
        for index, vector in enumerate(vectors)
    ]
    body = {"object": "list", "model": request["model"], "data": items[::-1]}
    return 200, {"Content-Type": "application/json"}, json.dumps(body).encode()


@contextmanager
def embedding_server(
    answer: Callable[[dict[str, Any], dict[str, str]], Reply] = embeddings,
) -> Iterator[str]:
    """Yields the url up to /v1. `answer` gets the request's JSON and headers."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if self.path == "/v1/embeddings":
                status, headers, reply = answer(body, dict(self.headers))
            else:
                status, headers, reply = 404, {}, b""
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(reply)))
            self.end_headers()
            self.wfile.write(reply)

        def log_message(self, format: str, *arguments: Any) -> None:
            return None

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
