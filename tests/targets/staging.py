"""A second live process, as another host would have one: a WSGI app of its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

import msgspec

from shadow_middleware import runtime
from shadow_middleware.wsgi import ShadowMiddleware

__all__ = ["another_process", "hello"]


def hello(environ: Any, start_response: Any) -> list[bytes]:
    """Answer 200 with `hello`."""
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"hello"]


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing of each request."""


def main() -> None:
    """Serve until standard input ends; say at which port."""
    settings = msgspec.json.decode(sys.argv[1])
    app = ShadowMiddleware(hello, **settings)
    with make_server("127.0.0.1", 0, app, handler_class=_Quiet) as server:
        print(server.server_port, flush=True)  # noqa: T201 -- its parent reads it
        server.timeout = 0.02
        import threading

        stop = threading.Event()
        threading.Thread(target=lambda: (sys.stdin.read(), stop.set())).start()
        while not stop.is_set():
            server.handle_request()
    runtime.shutdown(10.0)


@contextmanager
def another_process(**settings: Any) -> Iterator[int]:
    """Run the app in another process, with an agent of its own; give its port."""
    command = [sys.executable, "-m", __name__, msgspec.json.encode(settings).decode()]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline())
        finally:
            process.stdin.close()
            process.wait(30)


if __name__ == "__main__":
    main()
