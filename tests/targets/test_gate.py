"""What a target gets of what is mirrored: sticky, nested, limited, and by reason."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from shadow_middleware.replay.gate import Bucket, Gate
from shadow_middleware.settings import Target, load
from tests.test_pipeline import exchange

SETTINGS = load({"shadow_url": "http://shadow.test"}, environ={})
KEYED = [replace(exchange(n), key=f"user-{n}") for n in range(2_000)]


def gate(**target: object) -> Gate:
    """Return the gate of a target."""
    return Gate(Target(url="http://shadow.test", **target), SETTINGS)  # type: ignore[arg-type]


def let_in(one: Gate, ramp: float = 1.0) -> set[str | None]:
    """Return whose exchanges get in."""
    return {x.key for x in KEYED if not one.refuses(x, ramp)}


def test_a_rate_is_a_sticky_share_of_keys_and_nested() -> None:
    """Who gets a copy at a low rate gets one at every higher rate."""
    shares = [let_in(gate(rate=rate)) for rate in (0.0, 0.1, 0.5, 1.0)]

    assert set() == shares[0]
    assert shares[0] < shares[1] < shares[2] < shares[3]
    assert abs(len(shares[1]) - 200) < 60
    assert abs(len(shares[2]) - 1_000) < 120


def test_the_rate_is_of_what_is_mirrored_already() -> None:
    """Keys that a low rate of the settings let in are a fair sample for a target."""
    from shadow_middleware.selection import sticky_share

    mirrored = [x for x in KEYED if sticky_share((x.key or "").encode()) < 0.25]
    got = [x for x in mirrored if not gate(rate=0.5).refuses(x)]

    assert abs(len(got) - len(mirrored) / 2) < 60


def test_without_a_key_each_exchange_is_drawn_for_itself() -> None:
    """By its id: the same on whichever host it is replayed."""
    half = gate(rate=0.5)
    reasons = Counter(half.refuses(exchange(n)) for n in range(2_000))

    assert {"", "rate"} == set(reasons)
    assert abs(reasons["rate"] - 1_000) < 120


def test_a_target_that_recovers_gets_its_own_keys_little_by_little() -> None:
    """A ramp is a share of the rate, and its keys are among those of the rate."""
    half = gate(rate=0.5)

    assert let_in(half, 0.1) < let_in(half, 0.6) < let_in(half)
    assert {"rate", "ramp_up"} == {half.refuses(x, 0.0) for x in KEYED}


def test_a_stop_comes_before_all_else_and_is_told() -> None:
    """Disabled, switched off; then the target's methods and paths."""
    one = gate(enabled=False)
    assert "target_disabled" == one.refuses(exchange())
    one.change(Target(url="http://shadow.test"), "switched_off")
    assert "switched_off" == one.refuses(exchange())
    one.change(Target(url="http://shadow.test", exclude=("/items/*",)))
    assert "path" == one.refuses(exchange())
    one.change(Target(url="http://shadow.test", methods=("POST",)))
    assert "method" == one.refuses(exchange())
    one.change(Target(url="http://shadow.test"))
    assert "" == one.refuses(exchange())


def test_a_limit_holds_in_the_long_run() -> None:
    """Five a second, and five at once."""
    one = gate(rate_limit=5.0)
    sent = sum(not one.is_over_limit(n / 100) for n in range(1_000))

    assert 5 + 49 <= sent <= 5 + 50
    assert not gate().is_over_limit(0.0)


@given(
    st.floats(0.1, 50),
    st.lists(st.floats(0, 2), min_size=1, max_size=80),
)
def test_a_bucket_never_gives_more_than_it_got(rate: float, waits: list[float]) -> None:
    """One second's worth at once, at least one; then what time has brought."""
    bucket, now, taken = Bucket(rate), 0.0, 0
    for wait in waits:
        now += wait
        taken += bucket.take(now)

    assert taken <= max(1.0, rate) + rate * (now - waits[0]) + 1e-6
