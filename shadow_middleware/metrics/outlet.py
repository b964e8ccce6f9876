"""
What one agent shows at one address: it listens, or leaves its figures to who does.

The agent only puts down its figures. A thread passes them on to the folder and tries
for the port; another one answers. Neither is waited for.
"""

from __future__ import annotations

import errno
import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from shadow_middleware.errors import ShadowMiddlewareError
from shadow_middleware.metrics.endpoint import Endpoint
from shadow_middleware.metrics.exposition import prometheus_text
from shadow_middleware.metrics.figures import Figures, added
from shadow_middleware.metrics.share import Share, folder_of

__all__ = ["Outlet"]

logger = logging.getLogger("shadow_middleware.metrics")

INTERVAL: Final = 1.0
"""Seconds between two tries for the port, and between two drafts for the others."""
FRESH: Final = 0.5
"""Seconds for which a text is shown again, however many ask."""


class Outlet:
    """Shows the figures that were put down last. Any thread may put."""

    def __init__(
        self,
        address: str,
        token: str,
        *,
        folder: Path | None = None,
        interval: float = INTERVAL,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """
        Begin to try for the port.

        Args:
            address: `host:port` of this machine.
            token: For scrapes; empty asks for none.
            folder: Where agents of this address meet; left out, the one they share.
            interval: Seconds between two rounds.
            clock: Monotonic seconds.
        """
        self._address = address
        self._token = token
        self._interval = interval
        self._clock = clock
        self._figures: Figures = {}
        self._text: tuple[float, bytes] | None = None
        self._rendering = threading.Lock()
        self._stopping = threading.Event()
        self._endpoint: Endpoint | None = None
        self._complaint = ""
        self._share = _share(folder or folder_of(address))
        self._thread = threading.Thread(
            target=self._run, name="shadow-middleware-metrics", daemon=True
        )
        self._thread.start()

    def put(self, figures: Figures) -> None:
        """Show these from now on. Never waits."""
        self._figures = figures

    def close(self, timeout: float = 2.0) -> None:
        """Leave the last figures to the others, and stop listening."""
        self._stopping.set()
        self._thread.join(timeout)

    @property
    def listens(self) -> bool:
        """Whether this is the one that is asked."""
        return self._endpoint is not None

    def text(self) -> bytes:
        """Return what a scrape gets: this agent and all the others of the address."""
        with self._rendering:
            now = self._clock()
            if self._text is None or now - self._text[0] >= FRESH:
                others = self._share.others() if self._share else {}
                self._text = (now, prometheus_text(added([self._figures, others])))
            return self._text[1]

    def _run(self) -> None:
        try:
            while not self._stopping.is_set():
                self._round()
                self._stopping.wait(self._interval)
            self._round()
        finally:
            if self._endpoint is not None:
                self._endpoint.shutdown()
                self._endpoint.server_close()
            if self._share is not None:
                self._share.close()

    def _round(self) -> None:
        try:
            if self._share is not None:
                self._share.leave(self._figures)
            if not self.listens and not self._stopping.is_set():
                self._listen()
        except (OSError, ShadowMiddlewareError) as error:
            if str(error) != self._complaint:
                self._complaint = str(error)
                logger.warning("metrics at %s: %s", self._address, error)

    def _listen(self) -> None:
        try:
            endpoint = Endpoint(self._address, self._token, self.text)
        except OSError as error:
            taken = error.errno == errno.EADDRINUSE
            if taken and self._share is not None and self._share.has_others():
                return  # one of them listens there, and shows ours as well
            raise
        endpoint.start()
        self._endpoint = endpoint
        logger.info("metrics are at http://%s/metrics", self._address)


def _share(folder: Path) -> Share | None:
    try:
        return Share(folder)
    except OSError as error:
        logger.warning(
            "agents cannot share their metrics, so one of them is shown alone: %s",
            error,
        )
        return None
