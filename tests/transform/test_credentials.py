"""Credentials stay home unless they are passed or kept by name."""

from __future__ import annotations

import pytest

from shadow_middleware.settings import Settings, Target
from shadow_middleware.transform.credentials import Withheld, strip, withheld_names

CREDENTIALS = [
    "Authorization",
    "Proxy-Authorization",
    "Cookie",
    "Cookie2",
    "X-Api-Key",
    "Api-Key",
    "ApiKey",
    "X-ApiKey",
    "X-Auth-Token",
    "X-CSRF-Token",
    "X-CSRFToken",
    "X-XSRF-Token",
    "X-Amz-Security-Token",
    "X-Access-Token",
    "X-Session-Id",
    "X-Goog-Iap-Jwt-Assertion",
    "X-Functions-Key",
    "Ocp-Apim-Subscription-Key",
    "X-Vault-Token",
    "Private-Token",
    "X-GitHub-Token",
    "X-Hub-Signature-256",
    "DPoP",
    "X-Secret",
    "X-Acme-Password",
    "CF-Access-JWT-Assertion",
    "X-Forwarded-Client-Cert",
]
PLAIN = [
    "Host",
    "User-Agent",
    "Accept",
    "Accept-Encoding",
    "Accept-Language",
    "Content-Type",
    "Content-Length",
    "If-None-Match",
    "Range",
    "Referer",
    "Origin",
    "X-Request-Id",
    "X-Forwarded-For",
    "Traceparent",
    "Forwarded",
    "Sec-Fetch-User",
    "Sec-WebSocket-Key",
    "Access-Control-Request-Headers",
    "Idempotency-Key",
    "X-Tenant",
    "Cache-Control",
    "X-Author",
    "X-Shipping-Method",
    "X-Keyboard",
]


def names(settings: Settings, target: Target | None = None) -> Withheld:
    return withheld_names(settings, target)


@pytest.mark.parametrize("name", CREDENTIALS)
@pytest.mark.parametrize("case", [str.lower, str.upper, str.title, str.swapcase])
def test_credentials_are_withheld_by_default(name: str, case: object) -> None:
    """W20, W21: in any letter case."""
    assert callable(case)
    assert names(Settings())[case(name).encode()]


@pytest.mark.parametrize("name", PLAIN)
def test_other_headers_are_not(name: str) -> None:
    """What shapes the answer reaches the shadow."""
    assert not names(Settings())[name.lower().encode()]


def test_passing_credentials_still_withholds_those_of_proxies() -> None:
    """`credentials="pass"` is for the app's own, never for a proxy on the way."""
    withheld = names(Settings(credentials="pass"))

    assert [False, False, True] == [
        withheld[name] for name in (b"authorization", b"cookie", b"Proxy-Authorization")
    ]


def test_headers_can_be_kept_by_name() -> None:
    """`keep_headers` takes any case; it keeps these only."""
    withheld = names(Settings(keep_headers=("AUTHORIZATION", "x-api-key")))

    assert [False, False, True] == [
        withheld[name] for name in (b"Authorization", b"X-Api-Key", b"Cookie")
    ]


def test_a_target_follows_its_own_policy() -> None:
    """A target's `credentials` go before those of the settings."""
    drops, passes = Target(url="http://a"), Target(url="http://b", credentials="pass")
    settings = Settings(targets=(drops, passes))

    assert [True, False] == [
        names(settings, target)[b"cookie"] for target in settings.all_targets
    ]


def test_the_live_side_withholds_what_no_target_gets() -> None:
    """Decision 12: it does not even cross the wall; one that passes lets it cross."""
    drops, passes = Target(url="http://a"), Target(url="http://b", credentials="pass")

    assert names(Settings(targets=(drops, drops)))[b"cookie"]
    assert not names(Settings(targets=(drops, passes)))[b"cookie"]
    assert not names(Settings(targets=(passes,)))[b"cookie"]


def test_strip_keeps_order_and_duplicates_and_names_the_rest() -> None:
    """What is dropped is told by name, so that reports can explain a 401."""
    headers = [
        (b"B", b"1"),
        (b"cOOkie", b"s"),
        (b"A", b"2"),
        (b"COOKIE", b"t"),
        (b"B", b"3"),
    ]

    kept, gone = strip(headers, names(Settings()))

    assert [(b"B", b"1"), (b"A", b"2"), (b"B", b"3")] == kept
    assert ("cookie",) == gone


def test_names_that_clients_make_up_do_not_fill_memory() -> None:
    """The answers are remembered for a bounded number of bounded names."""
    withheld = names(Settings())
    for number in range(10_000):
        assert not withheld[b"x-%d" % number]
    assert not withheld[b"x" * 10_000]

    assert len(withheld) <= 4096
