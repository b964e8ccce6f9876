"""Scrapes as Prometheus makes them, and ports that nobody listens at."""

from __future__ import annotations

import http.client
import socket
from contextlib import closing

from prometheus_client.parser import text_string_to_metric_families

__all__ = ["Samples", "free_address", "samples", "scrape"]

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]
"""Each value by its name and its labels."""


def free_address() -> str:
    """Return an address that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{probe.getsockname()[1]}"


def scrape(
    address: str, path: str = "/metrics", **headers: str
) -> tuple[int, bytes, dict[str, str]]:
    """Return status, body and headers; status 0 where nobody listens."""
    host, port = address.split(":")
    with closing(http.client.HTTPConnection(host, int(port), 20)) as connection:
        try:
            connection.request("GET", path, headers=headers)
            answer = connection.getresponse()
        except ConnectionError:
            return 0, b"", {}
        return answer.status, answer.read(), dict(answer.getheaders())


def samples(text: bytes) -> Samples:
    """Return every value of an exposition."""
    return {
        (one.name, tuple(sorted(one.labels.items()))): one.value
        for family in text_string_to_metric_families(text.decode())
        for one in family.samples
    }
