"""
The HTTP endpoint that Prometheus scrapes: one path, a few threads, nothing else.

On threads of its own, so a scrape never waits for a replay, nor a replay for a scrape.
"""

from __future__ import annotations

import hmac
import ipaddress
import logging
import socket
import socketserver
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

from shadow_middleware.addresses import host_and_port, is_loopback
from shadow_middleware.errors import ShadowMiddlewareError
from shadow_middleware.metrics.exposition import CONTENT_TYPE

__all__ = ["Endpoint"]

logger = logging.getLogger("shadow_middleware.metrics")

MOST_AT_ONCE: Final = 4
SLOWEST: Final = 5.0
"""Seconds that a client may take to ask."""


class Endpoint(ThreadingHTTPServer):
    """Listens from the moment it is made, and answers once it is started."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, address: str, token: str, text: Callable[[], bytes]) -> None:
        """
        Listen.

        Args:
            address: `host:port`.
            token: Who asks has to know it; empty lets everybody ask who reaches us.
            text: Returns what is to be shown; called on any thread. Where it raises
                OSError or an error of ours, that is what a scrape is told.

        Raises:
            OSError: somebody listens there, or it is not ours to listen at.
        """
        host, port = host_and_port(address)
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.text = text
        self._token = token.encode()
        self._room = threading.BoundedSemaphore(MOST_AT_ONCE)
        super().__init__((host, port), _Handler)

    def server_bind(self) -> None:
        """Listen, without asking a name server who we are."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[:2]  # type: ignore[assignment]

    def start(self) -> None:
        """Answer from now on."""
        threading.Thread(
            target=self.serve_forever,
            kwargs={"poll_interval": 0.1},
            name="shadow-middleware-metrics-http",
            daemon=True,
        ).start()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Answer on a thread, unless too many are under way: then hang up."""
        if not self._room.acquire(blocking=False):
            self.shutdown_request(request)
            return
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Answer, and make room."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._room.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that hang up."""

    def admits(self, authorization: str, host: str) -> bool:
        """
        Whether who asks may see the figures.

        Without a token only those who call us by a loopback name: a page in a browser
        that points a name of its own at 127.0.0.1 is not one of them.
        """
        if self._token:
            scheme, _, given = authorization.partition(" ")
            same = hmac.compare_digest(given.strip().encode(), self._token)
            return same and scheme.lower() == "bearer"
        return is_loopback(_without_port(host))


class _Handler(BaseHTTPRequestHandler):
    server: Endpoint
    timeout = SLOWEST

    def do_GET(self) -> None:
        """Answer with the figures, or say why not."""
        headers = self.headers
        if not self.server.admits(
            headers.get("Authorization", ""), headers.get("Host", "")
        ):
            self._answer(401, b"a token is needed: Authorization: Bearer TOKEN\n")
        elif self.path.partition("?")[0] != "/metrics":
            self._answer(404, b"the figures are at /metrics\n")
        else:
            self._show()

    def _show(self) -> None:
        try:
            text = self.server.text()
        except (OSError, ShadowMiddlewareError) as error:
            logger.warning("no metrics: %s", error)
            self._answer(503, f"{error}\n".encode())
        else:
            self._answer(200, text)

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", CONTENT_TYPE)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        if status == 401:
            self.send_header("WWW-Authenticate", "Bearer")
        self.end_headers()
        self.wfile.write(body)

    def version_string(self) -> str:
        """Return what is said of the server."""
        return "shadow-middleware"

    def log_message(self, *arguments: Any) -> None:
        """Say nothing of single scrapes."""


def _without_port(host: str) -> str:
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        host = host.rpartition(":")[0] or host
    return host.strip("[]")
