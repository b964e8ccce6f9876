"""Two real processes, each with an agent of its own, and one store between them."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any, NamedTuple

import pytest

from shadow_middleware import runtime
from shadow_middleware.signals import breaker_changed
from shadow_middleware.store.sql import SqlStore
from shadow_middleware.targets import Switch, TargetChange
from shadow_middleware.testing import Reply, ShadowServer
from tests.promises.staging import Live, serving, until
from tests.targets.staging import Other, another_process

HELLO = Reply(200, ((b"content-type", b"text/plain"),), b"hello")


class Stage(NamedTuple):
    """Both processes under traffic, their shadow, and one that may come."""

    shadow: ShadowServer
    canary: ShadowServer
    live: Live
    other: Other
    store: SqlStore

    def both_rest(self) -> bool:
        """Whether nothing is captured anywhere."""
        return self.live.side.handoff.resting and self.other.state()["resting"]

    def none_rests(self) -> bool:
        """Whether both capture."""
        resting = self.live.side.handoff.resting
        return not (resting or self.other.state()["resting"])


def seen_by(server: ShadowServer) -> Counter[bytes]:
    """Return how many copies came from each process."""
    return Counter(request.target for request in server.received)


def from_both(server: ShadowServer) -> bool:
    """Whether copies of both processes are there."""
    return {b"/one", b"/two"} <= seen_by(server).keys()


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Have two processes serve, each asked thirty times a second."""
    runtime.shutdown(60.0)
    url = f"sqlite:///{tmp_path_factory.mktemp('targets')}/store.db"
    done = threading.Event()

    def drive(ask: Callable[[], object]) -> None:
        while not done.wait(0.03):
            ask()

    with (
        closing(SqlStore(url)) as store,
        ShadowServer(HELLO) as shadow,
        ShadowServer(HELLO) as canary,
    ):
        settings: dict[str, Any] = {
            "shadow_url": shadow.url,
            "store_url": url,
            "target_allow": ["127.0.0.1:*"],
            "breaker_failures": 2,
            "breaker_retry_after": 1.0,
            "breaker_fail_after": 0.0,
            "breaker_ramp_up": 0.0,
        }
        with serving(**settings) as live, another_process(**settings) as other:
            clients = [
                threading.Thread(target=drive, args=(ask,))
                for ask in (lambda: live.ask(target="/one"), lambda: other.ask("/two"))
            ]
            for client in clients:
                client.start()
            until(lambda: from_both(shadow))
            try:
                yield Stage(shadow, canary, live, other, store)
            finally:
                done.set()
                for client in clients:
                    client.join()
                runtime.shutdown(60.0)


def test_what_a_person_sets_holds_in_every_process_within_two_seconds(
    stage: Stage,
) -> None:
    """Added, disabled, switched off and on, removed; and every account is whole."""
    store, took = stage.store, []

    def timed(change: Callable[[], object], holds: Callable[[], object]) -> None:
        begun = time.monotonic()
        change()
        until(holds)
        took.append(time.monotonic() - begun)

    canary = TargetChange(name="canary", url=stage.canary.url)
    timed(lambda: store.change_target(canary), lambda: from_both(stage.canary))
    off, on = Switch(on=False, reason="a drill", by="ada"), Switch()
    for _ in range(2):
        timed(lambda: store.turn_switch(off), stage.both_rest)
        timed(lambda: store.turn_switch(on), stage.none_rests)
    store.turn_switch(off)
    until(stage.both_rest)
    before = stage.live.side.state.selected, stage.other.state()["selected"]
    until(lambda: [stage.live.ask(target="/one"), stage.other.ask("/two")])
    assert before == (stage.live.side.state.selected, stage.other.state()["selected"])
    store.turn_switch(on)
    until(stage.none_rests)
    for name in ("canary", "shadow"):
        store.change_target(TargetChange(name=name, enabled=False))
    until(stage.both_rest)
    store.change_target(TargetChange(name="shadow", enabled=True))
    store.remove_target("canary")
    until(stage.none_rests)
    stage.shadow.clear()
    until(lambda: from_both(stage.shadow))

    # The fastest: what takes longer by itself does so each time, a busy machine not.
    assert min(took) < 2.0, took


def test_every_account_is_whole_when_all_is_over(stage: Stage) -> None:
    """What each process selected is what each target's outcomes add up to."""
    stage.store.change_target(TargetChange(name="canary", url=stage.canary.url))
    until(lambda: from_both(stage.canary))
    # So few that clients reach the limit on a machine that hardly gets on.
    stage.store.change_target(TargetChange(name="canary", rate=0.5, rate_limit=1.0))
    until(lambda: {"rate", "rate_limit"} <= reasons_of(stage.store, "canary"))
    stage.store.remove_target("canary")
    stage.store.turn_switch(Switch(on=False))
    until(stage.both_rest)
    selected = stage.live.side.state.selected + stage.other.state()["selected"]

    def settled() -> bool:
        rows = stage.store.progress()
        told = sum(row.selected for row in rows if row.target == "shadow")
        return told == selected and all(row.selected == row.ended for row in rows)

    until(settled)
    counts = {name: outcomes_of(stage.store, name) for name in ("shadow", "canary")}
    assert selected == counts["shadow"].total()
    assert len(stage.canary.received) == counts["canary"]["match"]
    stage.store.turn_switch(Switch())
    until(stage.none_rests)


def outcomes_of(store: SqlStore, target: str) -> Counter[str]:
    """Return how many replays of a target ended in what."""
    counts = Counter[str]()
    for row in store.totals(target=target):
        counts[str(row.outcome)] += row.count
    return counts


def reasons_of(store: SqlStore, target: str) -> set[str]:
    """Return why replays of a target ended as they did."""
    return {row.reason for row in store.totals(target=target)}


def test_one_agents_finding_quiets_the_other_and_one_of_them_probes(
    stage: Stage,
) -> None:
    """Probes of both together are a wait apart; an answered one brings both back."""
    changes: list[str] = []

    def note(sender: str, *, event: dict[str, str]) -> None:
        changes.append(event["state"])

    with breaker_changed.connected_to(note):
        stage.shadow.become(Reply(500, (), b""))
        until(lambda: "open" in changes)
        until(lambda: stage.store.targets_state().health)
        # What was under way comes first. Two that probed each for itself would never
        # need so long.
        until(lambda: time_of(3, stage.shadow) >= 2 * 0.9 - 0.2)
        stage.shadow.become(HELLO)
        stage.shadow.clear()
        until(lambda: from_both(stage.shadow))
        until(lambda: changes[-1] == "closed")


def time_of(number: int, server: ShadowServer) -> float:
    """Return the seconds in which so many more requests come."""
    wanted, begun = len(server.received) + number, time.monotonic()
    until(lambda: len(server.received) >= wanted)
    return time.monotonic() - begun
