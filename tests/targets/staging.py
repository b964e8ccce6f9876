"""A second live process, as another host would have one: a WSGI app of its own."""

from __future__ import annotations

import http.client
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

import msgspec

from shadow_middleware import runtime
from shadow_middleware.wsgi import ShadowMiddleware

__all__ = ["Other", "another_process", "hello"]


def hello(environ: Any, start_response: Any) -> list[bytes]:
    """Answer 200 with `hello`."""
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"hello"]


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing of each request."""


class Other:
    """The app in another process."""

    def __init__(self, port: int) -> None:
        self._port = port

    def ask(self, path: str = "/") -> bytes:
        """Be its client: one request on a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, 20)
        with closing(connection):
            connection.request("GET", path)
            return connection.getresponse().read()

    def state(self) -> dict[str, Any]:
        """Return whether it rests, and how many exchanges it has selected."""
        found: dict[str, Any] = msgspec.json.decode(self.ask("/state"))
        return found


def main() -> None:
    """Serve until standard input ends; say at which port."""
    settings = msgspec.json.decode(sys.argv[1])
    stop = threading.Event()

    def app(environ: Any, start_response: Any) -> list[bytes]:
        body = hello(environ, start_response)
        if environ["PATH_INFO"] != "/state":
            return body
        handoff = mirrored.live.handoff
        told = {"resting": handoff.resting, "selected": handoff.state.selected}
        return [msgspec.json.encode(told)]

    mirrored = ShadowMiddleware(app, **settings, exclude=["/state"])
    with make_server("127.0.0.1", 0, mirrored, handler_class=_Quiet) as server:
        print(server.server_port, flush=True)  # noqa: T201 -- its parent reads it
        server.timeout = 0.02
        threading.Thread(target=_wait_for_end, args=(stop,)).start()
        while not stop.is_set():
            server.handle_request()
    runtime.shutdown(10.0)


def _wait_for_end(stop: threading.Event) -> None:
    sys.stdin.read()
    stop.set()


@contextmanager
def another_process(**settings: Any) -> Iterator[Other]:
    """Run the app in another process, with an agent of its own."""
    command = [sys.executable, "-m", __name__, msgspec.json.encode(settings).decode()]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield Other(int(process.stdout.readline()))
        finally:
            process.stdin.close()
            process.wait(90)


if __name__ == "__main__":
    main()
