"""The account stays exact while targets come and go, and agents die."""

from __future__ import annotations

import itertools
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from shadow_middleware.accounting import Account
from shadow_middleware.evidence import SETTLED, Batch, Count
from shadow_middleware.exchange import Outcome
from shadow_middleware.store.memory import MemoryStore

NUMBERS = itertools.count(1)


class Agent:
    """An account, the lanes that there are, and what is under way in them."""

    def __init__(self, store: MemoryStore, selected: Counter[str]) -> None:
        self.store = store
        self.account = Account(("own",), lambda: 60.0)
        self.lanes = ["own"]
        self.open: Counter[tuple[str, str]] = Counter()
        self.counted: Counter[str] = Counter()
        for session in ("s1", "s2"):
            self.account.begin(session, selected[session], selected[session])

    def take(self, session: str, total: int, number: int) -> None:
        """Accept so many exchanges of a session, which has selected `total` by now."""
        for lane in self.lanes:
            self.open[session, lane] += number
        self.account.selected(session, total)

    def end(self, session: str, lane: str, number: int) -> None:
        """End so many of what is under way, if there are as many."""
        number = min(number, self.open[session, lane])
        if number:
            self.open[session, lane] -= number
            self.counted[lane] += number
            self.account.ended(session, lane, number)

    def turn(self, lane: str, *, first: bool = False) -> None:
        """Have a target come, or go; what it has goes on."""
        if lane in self.lanes:
            self.lanes.remove(lane)
            self.account.go(lane)
        else:
            self.lanes.append(lane)
            self.account.come(lane, first=first)

    def flush(self) -> None:
        """Write what there is."""
        counts = [
            Count(1, lane, "GET /", Outcome.MATCH, "", number)
            for lane, number in self.counted.items()
        ]
        self.counted.clear()
        self.store.write(self.account.complete(Batch(counts=counts)))

    def check(self) -> None:
        """Compare what is stored, and what metrics show, with what is under way."""
        stored: Counter[tuple[str, str]] = Counter()
        for one in self.store.progress():
            stored[one.session, one.target] = one.selected - one.ended
        assert +self.open == +stored
        assert min(stored.values(), default=0) >= 0
        for lane in self.lanes:
            ended = self.account.all_ended[lane]
            still = sum(n for (_, name), n in self.open.items() if name == lane)
            assert still == self.account.all_selected - ended


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["take", "take", "end", "turn", "flush", "leave"]),
        st.sampled_from(["s1", "s2"]),
        st.sampled_from(["own", "a", "b"]),
        st.integers(1, 5),
    ),
    max_size=50,
)


@given(STEPS)
def test_what_is_under_way_is_exact_whatever_comes_and_goes(
    steps: list[tuple[str, str, str, int]],
) -> None:
    """For each session and target, in the store and in the figures of the agent."""
    selected: Counter[str] = Counter()
    agent, left = Agent(MemoryStore(), selected), set()
    for what, session, lane, number in steps:
        if what == "leave":
            left.add(session)
            agent.account.leave(session)
        elif what == "take" and session not in left:
            selected[session] += number
            agent.take(session, selected[session], number)
        elif what == "end":
            agent.end(session, lane, number)
        elif what == "turn" and lane != "own":
            agent.turn(lane)
        agent.flush()
        agent.check()


@given(STEPS, STEPS)
def test_what_a_dead_agent_had_is_dropped_and_all_else_is_exact(
    steps: list[tuple[str, str, str, int]], more: list[tuple[str, str, str, int]]
) -> None:
    """Of a target that run time has added too, once the store knows of it."""
    store, selected = MemoryStore(), Counter[str]()
    expected = 0
    for life in (steps, more):
        agent = Agent(store, selected)
        agent.turn("a", first=True)
        agent.flush()
        for what, session, lane, number in life:
            if what == "take":
                selected[session] += number
                agent.take(session, selected[session], number)
                expected += number
            elif what == "end":
                agent.end(session, lane, number)
            elif what == "flush":
                agent.flush()
        if life is more:
            agent.flush()
            agent.check()

    for lane in ("own", "a"):
        counts = [row for row in store.totals() if row.target == lane]
        ended = sum(row.count for row in counts)
        still = sum(n for (_, name), n in agent.open.items() if name == lane)
        assert expected == ended + still
        assert {SETTLED} >= {x.reason for x in counts if x.outcome is Outcome.DROPPED}


def test_what_a_hello_spoke_of_and_never_came_is_none_of_a_target_that_went() -> None:
    """It waits on the live side still, and goes to whoever is there when it comes."""
    store = MemoryStore()
    account = Account(("own",), lambda: 60.0)
    account.begin("s", 0, 0)
    account.come("a", first=False)
    account.begin("s2", 0, 10)
    account.go("a")
    store.write(account.complete(Batch()))

    open_ = {(x.session, x.target): x.selected - x.ended for x in store.progress()}
    assert {("s", "own"): 0, ("s2", "own"): 10, ("s", "a"): 0, ("s2", "a"): 0} == open_
