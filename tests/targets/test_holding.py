"""Which targets hold: the settings' own, as the store has changed and added."""

from __future__ import annotations

from typing import Any

from shadow_middleware.exchange import CALL, CALL_URL
from shadow_middleware.governing import rests
from shadow_middleware.settings import Settings, Target, load
from shadow_middleware.targets import (
    Health,
    Held,
    Origin,
    StoredTarget,
    Switch,
    TargetHealth,
    TargetsState,
    Why,
    holding,
)

URL = "http://shadow.test"


def settings(**more: Any) -> Settings:
    """Return settings with one target, `shadow`."""
    return load(
        {"shadow_url": URL, "target_allow": ["canary.test"], **more}, environ={}
    )


def state(*rows: StoredTarget, **more: Any) -> TargetsState:
    """Return what a store says."""
    return TargetsState(targets=rows, **more)


def only(held: list[Held]) -> Held:
    """Return the one that there is."""
    (one,) = held
    return one


def test_without_a_word_of_the_store_the_settings_hold() -> None:
    """Their targets, as they are."""
    held = only(holding(settings(), state()))

    assert (Target(url=URL), Origin.SETTINGS, Why.NOTHING) == (
        held.target,
        held.origin,
        held.why,
    )


def test_what_the_store_says_of_a_target_wins() -> None:
    """Field by field; the rest follows the settings."""
    own = Target(url=URL, name="a", rate=0.5, exclude=("/x",), transport="httpx")
    made = load({"targets": [own]}, environ={})
    row = StoredTarget(name="a", rate=0.1, enabled=False, include=("/y",))

    held = only(holding(made, state(row)))
    assert (0.1, ("/x",), ("/y",), "httpx") == (
        held.target.rate,
        held.target.exclude,
        held.target.include,
        held.target.transport,
    )
    assert (Origin.CHANGED, Why.DISABLED, False) == (
        held.origin,
        held.why,
        held.wants_copies,
    )


def test_a_row_with_an_address_adds_a_target() -> None:
    """One without, and of a name that the settings lack, is meant for others."""
    rows = (
        StoredTarget(name="canary", url="http://canary.test"),
        StoredTarget(name="elsewhere", rate=0.1),
    )

    own, added = holding(settings(), state(*rows))
    assert ("shadow", "canary") == (own.target.name, added.target.name)
    assert Origin.ADDED is added.origin


def test_an_address_that_is_not_allowed_here_gets_nothing() -> None:
    """An added one has no lane; one of the settings keeps the settings' address."""
    rows = (
        StoredTarget(name="evil", url="http://evil.test"),
        StoredTarget(name="shadow", url="http://evil.test", rate=0.5),
    )

    own, added = holding(settings(), state(*rows))
    assert (Why.NOT_ALLOWED, False) == (added.why, added.has_lane)
    assert (URL, 0.5, Why.NOTHING) == (own.target.url, own.target.rate, own.why)
    assert "is not allowed" in own.problem


def test_the_worst_health_of_an_address_is_told() -> None:
    """Where hosts differ; another address of the same name does not count."""
    health = (
        TargetHealth(target="shadow", url=URL, host="a"),
        TargetHealth(target="shadow", url=URL, host="b", health=Health.FAILING),
        TargetHealth(target="shadow", url="http://old.test", health=Health.GONE),
    )

    held = only(holding(settings(), state(health=health)))
    assert (Why.FAILING, "b") == (held.why, held.health.host)
    assert held.wants_copies


def test_what_calls_a_function_gets_no_other_targets() -> None:
    """The call's candidate runs where its app is."""
    calls = Settings(targets=(Target(url=CALL_URL, name="candidate", methods=(CALL,)),))
    row = StoredTarget(name="canary", url="http://canary.test")

    assert ["candidate"] == [x.target.name for x in holding(calls, state(row))]


def test_live_rests_only_where_a_person_has_stopped_everything() -> None:
    """A target that is gone is to be missed; a capture to files is to go on."""
    disabled = StoredTarget(name="shadow", enabled=False)
    none = StoredTarget(name="shadow", rate=0.0)
    gone = TargetHealth(target="shadow", url=URL, health=Health.GONE)

    assert [False, True, True, True, False] == [
        rests(settings(), one)
        for one in (
            state(),
            state(disabled),
            state(none),
            state(switch=Switch(on=False)),
            state(health=(gone,)),
        )
    ]
    assert not rests(settings(capture_to="/nowhere"), state(disabled))
    assert rests(settings(capture_to="/nowhere"), state(switch=Switch(on=False)))
