"""The drills' own arithmetic: what they would not see, they could not prove."""

from __future__ import annotations

import random
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from benchmarks.drill.account import account, p99, recovered_after
from benchmarks.drill.flat import slope_of
from benchmarks.drill.ledger import Ledger, is_write, number_in, size_in
from tests.shared import copied

ROUND = 300.0


def rounds(growth: float, noise: float, seed: int = 7) -> list[tuple[float, float]]:
    """Return five rounds of looks that rise and fall with what happens in a round."""
    chance = random.Random(seed)
    return [
        (at, 90 + 30 * (at % ROUND > 200) + growth * at + chance.gauss(0, noise))
        for at in map(float, range(0, int(5 * ROUND), 5))
    ]


def test_growth_is_seen_through_what_every_round_has() -> None:
    """Two MiB in an hour among swings of thirty."""
    slope = slope_of(rounds(2 / 3600, noise=0.05), ROUND)

    assert 1.5 < slope.low * 3600 <= slope.middle * 3600 <= slope.high * 3600 < 2.5


@given(seed=st.integers(0, 1000))
def test_what_does_not_grow_has_nought_in_its_interval(seed: int) -> None:
    """The swings of a round alone are no growth."""
    slope = slope_of(rounds(0.0, noise=0.0, seed=seed), ROUND)

    assert (0.0, 0.0, 0.0) == slope


def a_ledger(folder: Path, requests: int) -> Ledger:
    """Return a ledger of requests a second apart that all went well."""
    ledger = Ledger.create(folder / "ledger", 1000)
    for number in range(requests):
        ledger.sent[number] = 1000.0 + number
        ledger.took[number] = 0.01
        ledger.status[number] = 200
        ledger.reached[number] = 1
        ledger.got(number, 1000.1 + number)
    return ledger


def test_an_account_tells_what_went_wrong(tmp_path: Path, empty_store: Path) -> None:
    """A write twice, a read twice, one that never came, one that live failed at."""
    ledger = a_ledger(tmp_path, 20)
    ledger.got(8, 1.0)
    ledger.got(5, 1.0)
    ledger.copies[3] = 0
    ledger.status[4] = ledger.status[6] = 0
    ledger.reached[6] = 0

    found = account(ledger, copied(empty_store, tmp_path / "store.db"))

    assert (1, 1) == (found.writes_twice, found.reads_twice)
    assert (20, 2, 1) == (found.asked, found.errors, found.never_came)
    assert (1, 19) == (found.turned_away, found.came)
    assert not found.whole


def test_copies_are_back_when_the_last_late_one_was_asked(tmp_path: Path) -> None:
    """What came too late counts as what never came."""
    ledger = a_ledger(tmp_path, 20)
    ledger.copies[12] = 0
    ledger.arrived[14] += 3.0

    assert 4.0 == recovered_after(ledger, 1010.0)
    assert 2.0 == recovered_after(ledger, 1010.0, until=1013.0)
    assert 0.0 == recovered_after(ledger, 1015.0)
    assert 0.01 == round(p99(ledger, 1000.0, 1020.0), 6)


def test_a_request_says_which_it_is_and_what_it_wants() -> None:
    """Numbers and sizes are in the query, so that routes stay few."""
    assert (17, 0) == (number_in(b"/items?17"), size_in(b"/items?17"))
    assert (17, 100) == (number_in(b"/big?17.100"), size_in(b"/big?17.100"))
    assert -1 == number_in(b"/")
    assert [7, 8, 9] == [number for number in range(10) if is_write(number)]
