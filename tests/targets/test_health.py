"""How a target comes to fail, to be gone and to recover: one machine for all agents."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from shadow_middleware.targets import (
    Happening,
    Health,
    HealthEvent,
    TargetHealth,
    after,
)

NEW = TargetHealth(target="canary", url="http://canary.test")


def happens(
    what: Happening, by: str = "a", *, persistent: bool = False, fail_after: float = 100
) -> HealthEvent:
    """Return an event of the target, with a wait of 10 seconds."""
    return HealthEvent(
        target=NEW.target,
        url=NEW.url,
        what=what,
        by=by,
        reason=str(what),
        wait=10.0,
        fail_after=fail_after,
        persistent=persistent,
    )


def led(*steps: tuple[float, HealthEvent]) -> TargetHealth:
    """Return how a target fares after events at these times."""
    fares = NEW
    for now, event in steps:
        fares = after(fares, event, now) or fares
    return fares


def test_a_target_that_fails_is_left_alone_until_its_probe() -> None:
    """No claim is granted before its time; then one is."""
    failing = led((5.0, happens(Happening.FAILED)))

    assert (Health.FAILING, 5.0, 15.0) == (
        failing.health,
        failing.failing_since,
        failing.next_probe,
    )
    assert after(failing, happens(Happening.CLAIM), 14.9) is None
    claimed = after(failing, happens(Happening.CLAIM), 15.0)
    assert claimed is not None
    assert after(claimed, happens(Happening.CLAIM, "b"), 24.9) is None


def test_a_probe_that_never_reports_gives_way_to_another() -> None:
    """The claim lapses, and the late word of the first claimant counts no more."""
    lapsed = led(
        (0.0, happens(Happening.FAILED)),
        (10.0, happens(Happening.CLAIM, "a")),
        (20.0, happens(Happening.CLAIM, "b")),
    )

    assert "b" == lapsed.prober
    assert after(lapsed, happens(Happening.PROBE_ANSWERED, "a"), 21.0) is None
    assert after(lapsed, happens(Happening.PROBE_FAILED, "a"), 21.0) is None


def test_a_target_that_fails_too_long_is_gone() -> None:
    """Unless it is persistent, or `fail_after` is 0."""

    def still(**how: object) -> Health:
        steps = [(0.0, happens(Happening.FAILED))]
        for now in range(10, 130, 10):
            steps.append((now, happens(Happening.CLAIM)))
            steps.append((now + 1, happens(Happening.PROBE_FAILED, **how)))  # type: ignore[arg-type]
        return led(*steps).health

    assert Health.GONE is still()
    assert Health.FAILING is still(persistent=True)
    assert Health.FAILING is still(fail_after=0)


EVENTS = st.tuples(
    st.floats(0, 40),
    st.sampled_from(Happening),
    st.sampled_from("ab"),
    st.booleans(),
)


@given(st.lists(EVENTS, max_size=60))
def test_whatever_happens_the_machine_keeps_its_promises(
    steps: list[tuple[float, Happening, str, bool]],
) -> None:
    """One claim a wait; gone only after its time and never if persistent; by hand back."""
    fares, now = NEW, 0.0
    claimed_at = -10.0
    for later, what, by, persistent in steps:
        now += later
        then = after(fares, happens(what, by, persistent=persistent), now)
        if then is None:
            continue
        assert fares.number + 1 == then.number
        if what is Happening.CLAIM:
            assert now - claimed_at >= 10.0
            claimed_at = now
        if then.health is Health.GONE:
            assert not persistent
            assert now - fares.failing_since >= 100
        if fares.health is Health.GONE:
            assert Happening.REVIVED is what
        if then.health is Health.HEALTHY:
            assert (0.0, 0.0, "") == (then.failing_since, then.next_probe, then.prober)
            assert what is Happening.REVIVED or fares.prober == by
        fares = then
