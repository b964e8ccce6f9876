"""Targets at run time: the same promises in memory, SQLite and Postgres."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import msgspec
import pytest
from sqlalchemy import create_engine, text

from shadow_middleware.store.sql import SqlStore
from shadow_middleware.targets import (
    Happening,
    Health,
    HealthEvent,
    StoredTarget,
    Switch,
    TargetChange,
    TargetHealth,
    TargetsState,
)
from tests.store.conftest import WholeStore

URL = "http://canary.internal:8080"


def event(what: Happening, by: str = "agent-1", **more: object) -> HealthEvent:
    """Return an event of the target `canary`."""
    return HealthEvent(target="canary", url=URL, what=what, by=by, **more)  # type: ignore[arg-type]


def health_of(store: WholeStore) -> TargetHealth:
    """Return how the only target fares."""
    (only,) = store.targets_state().health
    return only


def test_an_empty_store_says_nothing_of_targets(store: WholeStore) -> None:
    """The switch is on, as nobody ever turned it."""
    found = store.targets_state()

    assert TargetsState(now=found.now) == found
    assert found.now > 0


def test_a_target_reads_as_it_was_set(store: WholeStore) -> None:
    """Every field comes back; what was not said follows the settings."""
    everything = StoredTarget(
        name="canary",
        url=URL,
        enabled=False,
        rate=0.25,
        methods=("GET", "POST"),
        include=("/a/**",),
        exclude=("/a/b",),
        concurrency=4,
        rate_limit=2.5,
        persistent=True,
        by="ada ☃",
        at=1_700_000_000.5,
        note="why\0not",
    )
    made = store.change_target(TargetChange(**msgspec.structs.asdict(everything)))
    bare = store.change_target(TargetChange(name="bare", rate=0.5))

    assert everything == msgspec.structs.replace(made, note="why\0not")
    assert StoredTarget(name="bare", rate=0.5) == bare
    found = store.targets_state().targets
    assert ["bare", "canary"] == [one.name for one in found]
    assert msgspec.structs.replace(everything, note="why␀not") == found[1]


def test_a_change_leaves_what_it_does_not_name(store: WholeStore) -> None:
    """None follows the settings again, and the last who changed it is named."""
    store.change_target(TargetChange(name="canary", url=URL, rate=0.5, by="a", at=1.0))
    store.change_target(TargetChange(name="canary", enabled=False, by="b", at=2.0))
    after = store.change_target(TargetChange(name="canary", rate=None, by="c", at=3.0))

    expected = StoredTarget(name="canary", url=URL, enabled=False, by="c", at=3.0)
    assert expected == after
    assert (expected,) == store.targets_state().targets


def test_what_a_change_returns_is_what_is_kept(store: WholeStore) -> None:
    """What no database can hold is made visible, and a long note is cut, in both."""
    change = TargetChange(name="canary", by="a\0b", note="x" * 2_000)

    after = store.change_target(change)

    assert (after,) == store.targets_state().targets


def test_changes_at_once_are_all_made(
    url: str, open_sql: Callable[[str], SqlStore]
) -> None:
    """Nobody's change of one field undoes that of another field."""
    stores = [open_sql(url) for _ in range(4)]
    fields = ({"rate": 0.5}, {"enabled": False}, {"concurrency": 3}, {"url": URL})
    with ThreadPoolExecutor(4) as pool:
        list(
            pool.map(
                lambda pair: pair[0].change_target(
                    TargetChange(name="canary", **pair[1])
                ),
                zip(stores, fields, strict=True),
            )
        )

    (found,) = stores[0].targets_state().targets
    assert (0.5, False, 3, URL) == (
        found.rate,
        found.enabled,
        found.concurrency,
        found.url,
    )


def test_a_target_is_removed_with_its_health(store: WholeStore) -> None:
    """And a second removal has nothing to do."""
    store.change_target(TargetChange(name="canary", url=URL))
    store.health_event(event(Happening.FAILED))

    assert store.remove_target("canary")
    assert not store.remove_target("canary")
    found = store.targets_state()
    assert ((), ()) == (found.targets, found.health)


def test_the_switch_says_who_turned_it_and_why(store: WholeStore) -> None:
    """The last who turned it is remembered."""
    store.turn_switch(Switch(on=False, reason="incident 7", by="ada", at=1.0))
    off = store.targets_state().switch
    store.turn_switch(Switch(on=True, by="bob", at=2.0))

    assert Switch(on=False, reason="incident 7", by="ada", at=1.0) == off
    assert Switch(on=True, by="bob", at=2.0) == store.targets_state().switch


def test_what_is_decided_of_targets_is_news(store: WholeStore) -> None:
    """Pages that remember look again."""
    before = store.revision()
    store.change_target(TargetChange(name="canary", url=URL))
    changed = store.revision()
    store.turn_switch(Switch(on=False))
    turned = store.revision()
    store.health_event(event(Happening.FAILED))
    failed = store.revision()
    store.remove_target("canary")

    assert 5 == len({before, changed, turned, failed, store.revision()})


def test_one_agents_finding_is_everybodys(store: WholeStore) -> None:
    """A target that failed waits for its probe; a second finding adds nothing."""
    fares = store.health_event(event(Happening.FAILED, reason="connect", wait=60.0))

    assert fares == health_of(store)
    assert store.health_event(event(Happening.FAILED, by="agent-2")) is None
    assert (Health.FAILING, "connect") == (fares.health, fares.reason)
    assert 60.0 == pytest.approx(fares.next_probe - fares.since)


def test_a_probe_is_claimed_by_one(store: WholeStore) -> None:
    """Only once it is due, and only its claimant's word counts."""
    store.health_event(event(Happening.FAILED, wait=3_600.0))
    assert store.health_event(event(Happening.CLAIM)) is None

    store.health_event(event(Happening.REVIVED))
    store.health_event(event(Happening.FAILED, wait=0.0))
    first = store.health_event(event(Happening.CLAIM, by="agent-1"))
    second = store.health_event(event(Happening.CLAIM, by="agent-2"))

    assert first is not None
    assert "agent-1" == first.prober
    assert second is None
    assert store.health_event(event(Happening.PROBE_ANSWERED, by="agent-2")) is None
    well = store.health_event(event(Happening.PROBE_ANSWERED, by="agent-1"))
    assert well is not None
    assert (Health.HEALTHY, 0.0) == (well.health, well.failing_since)


def test_of_many_claims_at_once_one_wins(
    url: str, open_sql: Callable[[str], SqlStore]
) -> None:
    """However many agents ask in the same moment."""
    stores = [open_sql(url) for _ in range(4)]
    stores[0].health_event(event(Happening.FAILED, wait=0.0))
    with ThreadPoolExecutor(4) as pool:
        claims = list(
            pool.map(
                lambda pair: pair[1].health_event(
                    event(Happening.CLAIM, by=f"agent-{pair[0]}")
                ),
                enumerate(stores),
            )
        )

    won = [claim for claim in claims if claim is not None]
    assert 1 == len(won)
    assert health_of(stores[0]) == won[0]


def test_a_target_that_is_gone_comes_back_by_hand_alone(store: WholeStore) -> None:
    """To enable it, or to move it, makes it healthy again; to change its rate does not."""
    for what in (Happening.FAILED, Happening.CLAIM, Happening.PROBE_FAILED):
        store.health_event(event(what, wait=0.0, fail_after=1e-9))
    gone = health_of(store)
    store.change_target(TargetChange(name="canary", rate=0.5))

    assert Health.GONE == gone.health
    assert gone == health_of(store)
    assert store.health_event(event(Happening.CLAIM)) is None
    store.change_target(TargetChange(name="canary", enabled=True, by="ada"))
    assert (Health.HEALTHY, "enabled by ada") == (
        health_of(store).health,
        health_of(store).reason,
    )


def test_runs_share_the_targets(store: WholeStore) -> None:
    """What is set belongs to live and every run alike."""
    store.of_run("r1").change_target(TargetChange(name="canary", url=URL))

    assert 1 == len(store.targets_state().targets)


def test_a_target_of_another_version_is_left_out(
    url: str, open_sql: Callable[[str], SqlStore]
) -> None:
    """What this version cannot read does not stop what it can; new words are passed over."""
    store = open_sql(url)
    store.change_target(TargetChange(name="fine", rate=0.5))
    engine = create_engine(url)
    with engine.begin() as connection:
        for name, target in (("newer", '{"colour": "red"}'), ("odd", '{"rate": "x"}')):
            connection.execute(
                text(
                    'INSERT INTO shadow_targets (name, target, "by", at, note) '
                    f"VALUES ('{name}', '{target}'".replace(":", "\\:")
                    + ", '', 0, '')"
                )
            )
    engine.dispose()

    found = store.targets_state().targets
    assert ["fine", "newer"] == [one.name for one in found]
