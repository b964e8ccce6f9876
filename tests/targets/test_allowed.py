"""Whoever can add a target cannot point traffic anywhere."""

from __future__ import annotations

import pytest

from shadow_middleware.configuration import Place
from shadow_middleware.errors import ConfigurationError
from shadow_middleware.settings import Settings, load
from shadow_middleware.targets import TargetChange, change_of, refusal_of

OWN = "http://shadow.test:8001"
PLACE = Place("target", "a test")


def settings(*allow: str, **more: object) -> Settings:
    """Return settings with one target, and these patterns."""
    return load({"shadow_url": OWN, "target_allow": allow, **more}, environ={})


@pytest.mark.parametrize("more", [{"store_url": ""}, {"engine": "file"}])
def test_addresses_without_a_store_to_add_them_in_are_refused(
    more: dict[str, object],
) -> None:
    """They would have no effect, so it is said at the start."""
    stated = {"target_allow": ["canary.internal"], "capture_to": "captures", **more}
    wanted = "target_allow: has no effect without a store.* set store_url"
    with pytest.raises(ConfigurationError, match=wanted):
        load(stated, environ={})


@pytest.mark.parametrize(
    ("pattern", "url"),
    [
        ("canary.internal", "http://canary.internal"),
        ("canary.internal", "https://canary.internal/base"),
        ("canary.internal", "http://canary.internal.:80"),
        ("CANARY.internal", "http://Canary.Internal"),
        ("canary.internal:8080", "http://canary.internal:8080/x"),
        ("canary.internal:*", "https://canary.internal:1"),
        ("*.staging.test", "http://a.b.staging.test"),
        ("https://*.staging.test:8443", "https://a.staging.test:8443"),
        ("http://one.test/base", "http://one.test/base/below"),
        ("[::1]:9", "http://[0:0:0:0:0:0:0:1]:9"),
        ("*", "http://10.0.0.7"),
        ("asgi:shop.main:app", "asgi:shop.main:app"),
    ],
)
def test_an_address_that_is_allowed_may_be_added(pattern: str, url: str) -> None:
    """Host, port, scheme and path, each as far as the pattern says it."""
    assert "" == refusal_of(settings(pattern), url)


@pytest.mark.parametrize(
    ("pattern", "url"),
    [
        ("canary.internal", "http://canary.internal:6379"),
        ("canary.internal", "http://evil.test/canary.internal"),
        ("canary.internal", "http://canary.internal.evil.test"),
        ("canary.internal", "http://canary.internal@evil.test"),
        ("canary.internal", "ftp://canary.internal"),
        ("*.staging.test", "http://staging.test"),
        ("*.staging.test", "http://evilstaging.test"),
        ("*.staging.test", "http://evil.test\\.staging.test"),
        ("127.0.0.1", "http://2130706433"),
        ("https://one.test", "http://one.test:443"),
        ("http://one.test/base", "http://one.test/basement"),
        ("http://one.test/base", "http://one.test/base/../admin"),
        ("http://one.test/base", "http://one.test/base/%2e%2e/admin"),
        ("*", "asgi:os:system"),
        ("asgi:shop.main:app", "asgi:shop.main:other"),
    ],
)
def test_what_only_looks_allowed_is_refused(pattern: str, url: str) -> None:
    """Other ports, hosts that end alike, tricks with paths, code to import."""
    assert "is not allowed" in refusal_of(settings(pattern), url)


def test_nothing_may_be_added_where_nothing_is_allowed() -> None:
    """But the settings' own address is theirs in any case."""
    assert "target_allow is empty" in refusal_of(settings(), "http://canary.test")
    assert "" == refusal_of(settings(), OWN)


def test_neither_live_nor_the_control_is_ever_a_target() -> None:
    """However wide the pattern is."""
    made = settings(
        "*:*",
        live_urls=["http://live.test"],
        control_url="http://control.test",
        methods=["GET"],
    )

    assert "the live app itself" in refusal_of(made, "http://live.test:80/x")
    assert "the control" in refusal_of(made, "http://control.test")


@pytest.mark.parametrize(
    "pattern", ["", "http://", "a b", "user@host", "x.test/?q", "**"]
)
def test_a_pattern_that_is_none_is_refused_at_start(pattern: str) -> None:
    """With what would be right."""
    with pytest.raises(ConfigurationError, match="is no pattern of addresses"):
        settings(pattern)


def test_a_change_is_checked_as_settings_are() -> None:
    """Names take their normal form; null follows the settings again."""
    table = {
        "name": "canary",
        "url": "http://canary.test",
        "rate": 0.5,
        "methods": ["get"],
        "include": None,
        "enabled": False,
        "note": "try it",
    }

    assert TargetChange(
        name="canary",
        url="http://canary.test",
        rate=0.5,
        methods=("GET",),
        include=None,
        enabled=False,
        note="try it",
        by="ada",
        at=7.0,
    ) == change_of(table, PLACE, settings("canary.test"), by="ada", at=7.0)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"name": "x", "rat": 1}, "did you mean 'rate'"),
        ({"name": "x", "rate": 2}, "target.rate"),
        ({"name": "x", "url": "http://evil.test"}, "is not allowed"),
        ({"name": "x", "url": "nowhere"}, "target.url"),
        ({"name": "control"}, "target.name"),
        ({"rate": 1}, "target.name"),
    ],
)
def test_a_wrong_change_says_what_is_wrong(
    table: dict[str, object], message: str
) -> None:
    """Where it is, and what would be right."""
    with pytest.raises(ConfigurationError, match=message):
        change_of(table, PLACE, settings("canary.test"))
