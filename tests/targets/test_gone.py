"""A target that fails for too long: announced, counted, and back by hand alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from shadow_middleware import runtime
from shadow_middleware.signals import target_gone
from shadow_middleware.store.sql import SqlStore
from shadow_middleware.targets import TargetChange
from shadow_middleware.testing import Reply, ShadowServer
from tests.promises.staging import Live, serving, until
from tests.targets.test_run_time import HELLO, reasons_of


@pytest.fixture(autouse=True)
def _no_agent_stays() -> Iterator[None]:
    """Part from the agent that the test has started."""
    yield
    runtime.shutdown(10.0)


def test_a_target_that_is_gone_is_announced_and_comes_back_by_hand(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """After `breaker_fail_after`; the log, the store and the signal say so."""
    url = f"sqlite:///{tmp_path_factory.mktemp('gone')}/store.db"
    gone: list[dict[str, str]] = []

    def note(sender: str, *, event: dict[str, str]) -> None:
        gone.append(event)

    with (
        closing(SqlStore(url)) as store,
        ShadowServer(Reply(503, (), b"")) as shadow,
        target_gone.connected_to(note),
        serving(
            shadow_url=shadow.url,
            store_url=url,
            engine="thread",
            breaker_failures=1,
            breaker_retry_after=0.05,
            breaker_fail_after=0.1,
            breaker_ramp_up=0.05,
        ) as live,
    ):
        until(asked(live, lambda: gone))
        assert [{"target": "shadow", "reason": "503"}] == gone
        until(asked(live, lambda: "target_gone" in reasons_of(store, "shadow")))
        shadow.become(HELLO)
        shadow.clear()
        store.change_target(TargetChange(name="shadow", enabled=True, by="ada"))
        until(asked(live, lambda: shadow.received))


def asked(live: Live, holds: Callable[[], object]) -> Callable[[], object]:
    """Return what asks live once more, and says whether something holds by now."""

    def ask() -> object:
        live.ask()
        return holds()

    return ask
