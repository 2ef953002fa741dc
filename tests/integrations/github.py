"""GitHub's comments of one pull request, as its REST interface gives and takes them, on this machine's loopback."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


class Comments:
    """What the pull request has; `refuse` is a status that every change is answered with."""

    def __init__(self, *bodies: str, refuse: int = 0) -> None:
        self.bodies = dict(enumerate(bodies, start=1))
        self.refuse = refuse
        self.requests: list[tuple[str, str]] = []

    def answer(self, method: str, path: str, query: dict[str, list[str]], body: dict[str, str]) -> tuple[int, Any]:
        """Status and JSON."""
        self.requests.append((method, path))
        if method == "GET":
            size, page = int(query["per_page"][0]), int(query["page"][0])
            every = [{"id": number, "body": text} for number, text in self.bodies.items()]
            return 200, every[(page - 1) * size : page * size]
        if self.refuse:
            return self.refuse, {"message": "Resource not accessible by integration"}
        number = len(self.bodies) + 1 if method == "POST" else int(path.rpartition("/")[2])
        self.bodies[number] = body["body"]
        return (201 if method == "POST" else 200), {"id": number}


@contextmanager
def serving(comments: Comments) -> Iterator[str]:
    """The address at which GitHub's interface answers."""

    class Handler(BaseHTTPRequestHandler):
        def _any(self) -> None:
            parts = urlsplit(self.path)
            data = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            known = self.headers["Authorization"] == "Bearer secret"
            found = comments.answer(self.command, parts.path, parse_qs(parts.query), json.loads(data or b"{}"))
            status, document = found if known else (401, {"message": "Bad credentials"})
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps(document).encode())

        do_GET = do_POST = do_PATCH = _any  # noqa: N815 - as http.server calls them

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
