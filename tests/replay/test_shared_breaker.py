"""Breakers of many agents on one store: one finding, one probe, one recovery."""

from __future__ import annotations

from shadow_middleware.replay.breaker import Breaker, Care, State
from shadow_middleware.store.memory import MemoryStore
from shadow_middleware.targets import Happening, TargetChange, TargetHealth

CARE = Care(fail_after=100.0, ramp_up=20.0)
OF = TargetHealth(target="canary", url="http://canary.test")


class Fleet:
    """Two agents, one store, one clock that the test turns."""

    def __init__(self, care: Care = CARE) -> None:
        self.now = 1_000.0
        self.store = MemoryStore(clock=lambda: self.now + 5_000.0)
        self.agents = [
            Breaker(2, 10.0, care=care, of=OF, by=name, draw=lambda: 0.5)
            for name in "ab"
        ]
        for one in self.agents:
            one.join()

    def follow(self) -> None:
        """Have each agent tell and read, one after the other."""
        for one in self.agents:
            answers = [
                (event, self.store.health_event(event))
                for event in one.take_events(self.now)
            ]
            state = self.store.targets_state()
            one.adopt((*state.health, OF)[0], self.now - state.now)
            if any(e.what is Happening.CLAIM and got for e, got in answers):
                one.grant()

    def fail(self) -> None:
        """Have the first agent's target fail as often as it takes."""
        for _ in range(2):
            self.agents[0].failed(self.now, "refused")
        self.follow()

    @property
    def states(self) -> list[State]:
        """What each agent lets through."""
        return [one.state for one in self.agents]


def test_one_finding_quiets_all() -> None:
    """The other agent has seen no failure, and sends nothing either."""
    fleet = Fleet()
    fleet.fail()

    assert [State.OPEN, State.OPEN] == fleet.states
    assert "refused" == fleet.agents[1].changes()[0].reason
    assert not fleet.agents[1].allow(fleet.now)


def test_one_agent_sends_the_probe_that_is_due() -> None:
    """Both would; one claim is granted, and one exchange goes out."""
    fleet = Fleet()
    fleet.fail()
    fleet.now += 10.5
    assert [False, False] == [one.allow(fleet.now) for one in fleet.agents]
    fleet.follow()

    assert [State.HALF_OPEN, State.OPEN] == fleet.states
    asked = [one.allow(fleet.now) for one in fleet.agents for _ in range(3)]
    assert [True, *[False] * 5] == asked


def test_its_answer_brings_all_back_little_by_little() -> None:
    """Each agent gives the same growing share, from a tenth on."""
    fleet = Fleet()
    fleet.fail()
    fleet.now += 10.5
    for one in fleet.agents:
        one.allow(fleet.now)
    fleet.follow()
    assert fleet.agents[0].allow(fleet.now)
    fleet.agents[0].succeeded(fleet.now)
    fleet.follow()

    assert [State.CLOSED, State.CLOSED] == fleet.states
    assert [0.1, 0.1] == [round(x.share(fleet.now), 6) for x in fleet.agents]
    half = [round(x.share(fleet.now + 10.0), 6) for x in fleet.agents]
    assert [0.55, 0.55] == half
    assert 1.0 == fleet.agents[1].share(fleet.now + 20.0)


def test_a_target_that_fails_too_long_is_gone_for_all_until_a_person_says() -> None:
    """No probe is even asked for; then all begin again, little by little."""
    fleet = Fleet()
    fleet.fail()
    while State.GONE not in fleet.states:
        assert fleet.now < 1_200.0
        fleet.now += 10.5
        fleet.agents[0].allow(fleet.now)
        fleet.follow()
        assert fleet.agents[0].allow(fleet.now)
        fleet.agents[0].failed(fleet.now, "timeout")
        fleet.follow()

    assert fleet.now >= 1_100.0
    assert [State.GONE, State.GONE] == fleet.states
    fleet.now += 1_000.0
    assert not any(one.allow(fleet.now) or one.has_news for one in fleet.agents)
    fleet.store.change_target(TargetChange(name="canary", enabled=True))
    fleet.follow()
    assert [State.CLOSED, State.CLOSED] == fleet.states
    assert all(one.share(fleet.now) < 1 for one in fleet.agents)


def test_who_was_alone_tells_what_it_saw() -> None:
    """A store that comes back does not open a target that fails."""
    fleet = Fleet()
    alone = fleet.agents[0]
    alone.part()
    for _ in range(2):
        alone.failed(fleet.now, "refused")
    assert not alone.has_news
    alone.join()
    fleet.follow()
    fleet.follow()

    assert [State.OPEN, State.OPEN] == fleet.states


def test_alone_an_agent_probes_by_itself() -> None:
    """While nobody can be asked."""
    fleet = Fleet()
    fleet.fail()
    for one in fleet.agents:
        one.part()
    fleet.now += 10.5

    assert [True, True] == [one.allow(fleet.now) for one in fleet.agents]


def test_waits_differ_by_a_tenth_at_most() -> None:
    """So that agents and targets do not march in step."""
    waits = []
    for drawn in (0.0, 0.5, 1.0):
        one = Breaker(1, 10.0, draw=lambda drawn=drawn: drawn)  # type: ignore[misc]
        one.failed(0.0)
        waits.append(round(one.health.next_probe, 6))

    assert [9.0, 10.0, 11.0] == waits
