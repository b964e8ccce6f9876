"""
The live app answers the same with us and without us, on every server, whatever the
shadow does (W1 W2 W6 W35 W42 W52).
"""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from shadow_middleware.testing import BEHAVIOURS, Received, ShadowServer
from tests.transparency.client import Client
from tests.transparency.servers import SERVERS, Server, running

pytestmark = pytest.mark.slow

LATE = 5.0
"""A slow shadow answers after this many seconds: an app that waited shows it."""


def answers(client: Client, server: Server) -> dict[str, object]:
    """Return everything that can be seen of the answers to the whole traffic."""
    return {name: scenario(client) for name, scenario in server.scenarios.items()}


def differing(bare: dict[str, object], seen: dict[str, object]) -> dict[str, object]:
    """Return what differs, cut short enough to read."""
    return {
        name: (repr(bare[name])[:600], repr(seen[name])[:600])
        for name in bare
        if bare[name] != seen[name]
    }


def has_been_asked(received: list[Received]) -> bool:
    """Whether the traffic has been mirrored, uploads as well."""
    targets = {request.target for request in received}
    return targets >= {b"/json?a=1&a=%C3%A4&b", b"/nothing", b"/large"} and any(
        request.body == b"hello \x00\xff" for request in received
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "file.bin").write_bytes(b"0123456789" * 10_000)
    return tmp_path


@pytest.mark.parametrize("name", SERVERS)
def test_every_byte_is_as_without_us(name: str, folder: Path) -> None:
    """W5 W6 W35 W42 W52: status, headers, framing, chunks and side effects are equal."""
    server = SERVERS[name]
    with running(server, folder) as live:
        bare = answers(Client(live.port, folder), server)

    with ShadowServer() as shadow, running(server, folder, shadow.url) as live:
        client = Client(live.port, folder)
        for state, behaviour in BEHAVIOURS.items():
            shadow.become(behaviour)
            began = time.monotonic()
            seen = answers(client, server)

            assert {} == differing(bare, seen), f"the shadow is {state}"
            assert time.monotonic() - began < LATE, f"live waited: {state}"
            if state == "healthy":
                shadow.wait_until(has_been_asked)

    assert bare["json"].startswith(b"HTTP/1.1 200")  # type: ignore[attr-defined]
