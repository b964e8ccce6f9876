"""One NATS server for all tests of the broker; each test has a stream of its own."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from shadow_middleware.settings import Settings, load
from tests.nats import NatsServer, nats_server

__all__ = ["nats_server"]

_numbers = itertools.count(1)

Make = Callable[..., Settings]


@pytest.fixture
def make(nats_server: NatsServer, tmp_path: Path) -> Make:
    """Give what makes settings with a stream and a store of the test's own."""
    stream = f"T{os.getpid()}-{next(_numbers)}"

    def made(**given: object) -> Settings:
        return load(
            {
                "shadow_url": "http://127.0.0.1:9",
                "broker_url": nats_server.url,
                "broker_stream": stream,
                "broker_partitions": 4,
                "broker_lease": 1.0,
                "store_url": f"sqlite:///{tmp_path / 'store.db'}",
                "methods": ("GET", "POST"),
                "key": "header:x-user",
                "breaker_failures": 0,
                **given,
            }
        )

    return made
