"""
One version of the shop as a process of its own: `python -m … live|shadow|control`.

It prints its port, and ends when its standard input does, so it cannot outlive the
demo that started it.
"""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from shadow_middleware.cli.demo.shop import Shop
from shadow_middleware.wsgi import ShadowMiddleware

__all__ = ["main"]


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True
    request_queue_size = 128

    def server_bind(self) -> None:
        # The base class asks the name service for the host's name, which can take long.
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = "127.0.0.1", self.server_address[1]
        self.setup_environ()


class _Handler(WSGIRequestHandler):
    # Head and body are two writes; Nagle would hold the second one back for 40 ms.
    disable_nagle_algorithm = True

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: the demo's report tells more."""


def main() -> None:
    """Serve until standard input ends."""
    role, given = sys.argv[1], json.loads(sys.argv[2])
    app = Shop(2 if role == "shadow" else 1)
    serve(ShadowMiddleware(app, **given) if role == "live" else app)


def serve(app: Callable[..., Any]) -> None:
    """Serve the app on a free port of the loopback until standard input ends."""
    with _Server(("127.0.0.1", 0), _Handler) as server:
        server.set_app(app)
        sys.stdout.write(f"{server.server_port}\n")
        sys.stdout.flush()
        threading.Thread(target=server.serve_forever, daemon=True).start()
        sys.stdin.read()
        server.shutdown()


if __name__ == "__main__":
    main()
