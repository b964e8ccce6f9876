"""Shadows behind TLS: whom we trust, and who we say that we are."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

import pytest
import trustme

from shadow_middleware.errors import ReplayConnectError, ReplayError
from shadow_middleware.exchange import Request
from shadow_middleware.replay.client import httpx
from shadow_middleware.replay.http import HttpSender
from shadow_middleware.settings import Settings, Target
from tests.replay.raw_shadow import RawShadow

GET = Request("GET", b"/a%2Fb", headers=[(b"Host", b"s"), (b"X-A", b"1")])
SENT = b"GET /a%2Fb HTTP/1.1\r\nHost: s\r\nX-A: 1\r\n\r\n"

both = pytest.mark.parametrize("transport", ["auto", "httpx"])


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """Whoever vouches for the shadow and for us."""
    return trustme.CA()


def serving(authority: trustme.CA) -> ssl.SSLContext:
    """Return what a shadow on loopback serves with."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return context


def replayed(
    tls: ssl.SSLContext,
    transport: str = "auto",
    own: httpx.AsyncBaseTransport | None = None,
) -> list[bytes] | ReplayError:
    """Return what a shadow with `tls` got, or why it got nothing."""

    async def run() -> list[bytes] | ReplayError:
        async with RawShadow(tls=tls) as shadow:
            settings = Settings(transport=transport)
            sender = HttpSender(Target(url=shadow.url), settings, transport=own)
            try:
                await sender.send(GET)
            except ReplayError as error:
                return error
            finally:
                await sender.aclose()
            return shadow.requests

    return asyncio.run(run())


@both
def test_a_shadow_behind_tls_is_reached(
    authority: trustme.CA,
    transport: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """By either transport, byte for byte; SSL_CERT_FILE names a company's own CA."""
    trusted = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(trusted)
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))

    assert [SENT] == replayed(serving(authority), transport)


@both
def test_a_certificate_that_nobody_vouches_for_is_refused(
    authority: trustme.CA, transport: str
) -> None:
    """Traffic goes to the shadow that was named, or nowhere: reason `tls`."""
    error = replayed(serving(authority), transport)

    assert isinstance(error, ReplayConnectError)
    assert "tls" == error.reason


def own_transport(authority: trustme.CA, *, named: bool) -> httpx.AsyncHTTPTransport:
    """Return a transport of a user's, with a certificate of its own or without."""
    context = ssl.create_default_context()
    authority.configure_trust(context)
    if named:
        authority.issue_cert("shadow-middleware").configure_cert(context)
    return httpx.AsyncHTTPTransport(verify=context)


@pytest.mark.parametrize("named", [True, False])
def test_a_transport_of_the_user_can_show_a_certificate(
    authority: trustme.CA, named: bool
) -> None:
    """Mutual TLS: a shadow that asks for it is reached with it, and not without."""
    asking = serving(authority)
    authority.configure_trust(asking)
    asking.verify_mode = ssl.CERT_REQUIRED

    got = replayed(asking, own=own_transport(authority, named=named))

    assert ([SENT] == got) is named
