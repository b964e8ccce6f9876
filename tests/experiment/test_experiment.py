"""Two functions under one name: the caller gets control's answer, and nothing else."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from shadow_middleware.errors import ConfigurationError
from shadow_middleware.exchange import Outcome
from shadow_middleware.experiment import Experiment, experiment
from shadow_middleware.rule import Rule
from shadow_middleware.runtime import shutdown
from shadow_middleware.selection import sticky_share
from shadow_middleware.store.sql import SqlStore
from shadow_middleware.testing import Outcomes, collect, no_divergences

SETTINGS: dict[str, Any] = {"engine": "thread", "store_url": "", "signal_rate": 1000.0}


@pytest.fixture
def outcomes() -> Iterator[Outcomes]:
    """Gather what becomes of every call."""
    with collect() as found:
        yield found
        shutdown()


def test_the_caller_gets_the_very_object_of_control(outcomes: Outcomes) -> None:
    """And the candidate's answer is compared with it."""
    basket = ["tea"]
    trial = Experiment("basket", **SETTINGS)

    assert basket is trial.run(lambda: basket, list)
    assert {Outcome.DIVERGENCE: 1} == outcomes.wait_for(1)
    [found] = outcomes.finished
    assert ("candidate", "CALL /basket") == (found["target"], found["route"])


def test_equal_answers_match(outcomes: Outcomes) -> None:
    """Whatever class they are of."""
    trial = Experiment("sum", **SETTINGS)

    assert 3 == trial.run(lambda a, b: a + b, lambda a, b: b + a, 1, b=2)
    assert {Outcome.MATCH: 1} == outcomes.wait_for(1)


def test_what_the_candidate_raises_is_an_outcome(outcomes: Outcomes) -> None:
    """The caller never sees it."""

    def fails() -> int:
        raise KeyError("tea")

    assert 1 == Experiment("raises", **SETTINGS).run(lambda: 1, fails)
    assert {Outcome.DIVERGENCE: 1} == outcomes.wait_for(1)
    [found] = outcomes.divergences
    assert (200, 400) == (found["live_status"], found["shadow_status"])


def test_both_may_raise_the_same(outcomes: Outcomes) -> None:
    """The caller gets control's exception, and the candidate agrees."""

    def fails() -> int:
        raise KeyError("tea")

    with pytest.raises(KeyError, match="tea"):
        Experiment("agree", **SETTINGS).run(fails, fails)
    assert {Outcome.MATCH: 1} == outcomes.wait_for(1)


def test_neither_side_sees_what_the_other_does_to_the_arguments(
    outcomes: Outcomes,
) -> None:
    """Both pop the same item, each from a list of its own."""
    trial = Experiment("pop", **SETTINGS)
    items = [1, 2, 3]

    assert 3 == trial.run(list.pop, list.pop, items)
    assert {Outcome.MATCH: 1} == outcomes.wait_for(1)
    assert [1, 2] == items


def test_what_the_caller_does_to_the_answer_comes_too_late(outcomes: Outcomes) -> None:
    """It is captured before the caller has it, however late the candidate runs."""
    may_run = threading.Event()

    def slow() -> list[int]:
        may_run.wait(90)
        return [1]

    answer = Experiment("answer", timeout=30.0, **SETTINGS).run(lambda: [1], slow)
    answer.append(2)
    may_run.set()

    assert {Outcome.MATCH: 1} == outcomes.wait_for(1)


def test_a_candidate_that_hangs_costs_the_caller_nothing(outcomes: Outcomes) -> None:
    """It ends as a timeout, while it still hangs."""
    gone = threading.Event()

    assert 1 == Experiment("hang", timeout=0.01, **SETTINGS).run(lambda: 1, gone.wait)
    assert {Outcome.TIMEOUT: 1} == outcomes.wait_for(1)
    gone.set()


def test_a_candidate_for_which_there_is_no_room_is_counted(outcomes: Outcomes) -> None:
    """Every sampled call ends in one outcome."""
    gone = threading.Event()
    begun = threading.Event()

    def hang() -> None:
        begun.set()
        gone.wait(90)

    trial = Experiment("full", workers=1, waiting=1, timeout=30.0, **SETTINGS)
    trial.run(lambda: None, hang)
    assert begun.wait(90)
    trial.run(lambda: None, hang)
    trial.run(lambda: None, hang)
    gone.set()

    assert {Outcome.DROPPED: 1, Outcome.MATCH: 2} == outcomes.wait_for(3)
    assert {"queue_full", ""} == {event["reason"] for event in outcomes.finished}


@pytest.mark.parametrize(
    ("answer", "argument", "reason"),
    [(iter([1]), 1, "iterator"), (1, threading.Lock(), "uncopyable")],
)
def test_what_cannot_be_compared_is_counted_and_left_alone(
    outcomes: Outcomes, answer: Any, argument: Any, reason: str
) -> None:
    """The candidate is not even asked."""
    asked: list[object] = []

    got = Experiment("odd", **SETTINGS).run(lambda _: answer, asked.append, argument)
    assert got is answer
    assert {Outcome.SKIPPED: 1} == outcomes.wait_for(1)
    assert [reason] == [event["reason"] for event in outcomes.finished]
    assert [] == asked


def test_a_rate_samples_and_a_key_keeps_the_sample(outcomes: Outcomes) -> None:
    """A user is in with all calls or with none."""
    trial = Experiment("half", rate=0.5, key=lambda user: user, **SETTINGS)
    users = [f"user-{n}" for n in range(40)]
    for _ in range(2):
        for user in users:
            trial.run(str, str, user)
    selected = [user for user in users if sticky_share(user.encode()) < 0.5]

    assert {Outcome.MATCH: 2 * len(selected)} == outcomes.wait_for(2 * len(selected))
    assert 0 < len(selected) < len(users)


def test_a_rate_of_nothing_asks_no_candidate() -> None:
    """Nor does one that is not enabled."""
    asked: list[int] = []
    for off in ({"rate": 0.0}, {"enabled": False}):
        Experiment("off", **SETTINGS | off).run(lambda n: n, asked.append, 1)

    assert [] == asked


def test_a_key_that_raises_harms_no_caller() -> None:
    """It is a mistake of the user's that is ours to bear."""
    trial = Experiment("key", key=lambda: 1 / 0, **SETTINGS)  # type: ignore[arg-type,return-value]

    assert 1 == trial.run(lambda: 1, lambda: 1)


def test_the_decorator_keeps_the_function_what_it_is(outcomes: Outcomes) -> None:
    """Name, documentation, signature; and arguments are captured by their names."""

    def new(first: int, second: int = 2) -> int:
        return first

    @experiment(candidate=new, name="sums", **SETTINGS)
    def old(first: int, second: int = 2) -> int:
        """Add."""
        return first + second

    assert ("old", "Add.") == (old.__name__, old.__doc__)
    assert 7 == old(3, second=4)
    assert {Outcome.DIVERGENCE: 1} == outcomes.wait_for(1)


def test_a_method_is_compared_without_copying_its_object(outcomes: Outcomes) -> None:
    """An object holds connections and locks; only what it is called with is copied."""

    class Shop:
        def __init__(self) -> None:
            self.lock = threading.Lock()

        def new(self, name: str) -> str:
            assert self.lock.acquire(blocking=False)
            return name.upper()

        @experiment(candidate=new, **SETTINGS)
        def find(self, name: str) -> str:
            return name.upper()

    assert "TEA" == Shop().find("tea")
    assert {Outcome.MATCH: 1} == outcomes.wait_for(1)


def test_coroutines_are_compared_on_their_own_loop(outcomes: Outcomes) -> None:
    """The caller does not wait for the candidate."""
    loops: list[asyncio.AbstractEventLoop] = []
    variable = contextvars.ContextVar("variable", default="")

    async def new(name: str) -> str:
        loops.append(asyncio.get_running_loop())
        await may_run.wait()
        return name + variable.get()

    @experiment(candidate=new, timeout=30.0, **SETTINGS)
    async def old(name: str) -> str:
        loops.append(asyncio.get_running_loop())
        return name + variable.get()

    async def serve() -> str:
        variable.set("!")
        answer = await old("tea")
        may_run.set()
        await asyncio.to_thread(outcomes.wait_for, 1)
        return answer

    may_run = asyncio.Event()
    assert "tea!" == asyncio.run(serve())
    assert {Outcome.MATCH: 1} == outcomes.counts
    assert loops[0] is loops[1]


def test_coroutines_time_out_and_are_bounded(outcomes: Outcomes) -> None:
    """As many at once as there are workers."""

    async def never() -> None:
        await asyncio.Event().wait()

    async def none() -> None:
        return None

    trial = Experiment("slow", workers=1, timeout=0.05, **SETTINGS)

    async def serve() -> None:
        await trial.run_async(none, never)
        await trial.run_async(none, never)
        await asyncio.to_thread(outcomes.wait_for, 2)

    asyncio.run(serve())
    assert {Outcome.TIMEOUT: 1, Outcome.DROPPED: 1} == outcomes.counts


def test_a_candidate_whose_loop_ends_is_counted(outcomes: Outcomes) -> None:
    """`asyncio.run` cancels what is left."""

    async def never() -> None:
        await asyncio.Event().wait()

    async def none() -> None:
        return None

    trial = Experiment("ended", timeout=30.0, **SETTINGS)
    asyncio.run(trial.run_async(none, never))

    assert {Outcome.DROPPED: 1} == outcomes.wait_for(1)
    assert ["shutdown"] == [event["reason"] for event in outcomes.finished]


def test_a_coroutine_may_be_tried_for_a_function(outcomes: Outcomes) -> None:
    """It runs on a loop of its own; the way to async is a migration like others."""

    async def new(name: str) -> str:
        return name

    assert "tea" == Experiment("async", **SETTINGS).run(str, new, "tea")
    assert {Outcome.MATCH: 1} == outcomes.wait_for(1)


def test_a_context_surrounds_the_candidate_on_its_thread(outcomes: Outcomes) -> None:
    """Such as one that closes what the framework opened there."""
    steps: list[tuple[str, bool]] = []

    @contextmanager
    def around() -> Iterator[None]:
        steps.append(("in", threading.current_thread() is threading.main_thread()))
        yield
        steps.append(("out", threading.current_thread() is threading.main_thread()))

    Experiment("around", context=around, **SETTINGS).run(lambda: 1, lambda: 1)
    outcomes.wait_for(1)
    assert [("in", False), ("out", False)] == steps


def test_a_copy_of_ones_own_is_used(outcomes: Outcomes) -> None:
    """Where a deep copy is too dear, or too much."""
    copies: list[Any] = []

    def shared(value: Any) -> Any:
        copies.append(value)
        return value

    Experiment("copy", copy=shared, **SETTINGS).run(len, len, [1])
    assert {Outcome.MATCH: 1} == outcomes.wait_for(1)
    assert [(([1],), {})] == copies


def test_the_log_holds_the_latest_divergences(outcomes: Outcomes) -> None:
    """Of this experiment alone, without a store."""
    options = {"log": 2, "workers": 1, **SETTINGS}
    trial, other = (Experiment(name, **options) for name in ("one", "other"))
    for number in range(4):
        trial.run(lambda n: n, lambda n: -1 - n, number)
    other.run(lambda: 1, lambda: 2)
    outcomes.wait_for(5)
    assert shutdown()  # what crosses back has arrived
    assert [2, 3] == [one["differences"][0]["live"] for one in trial.divergences]
    assert 1 == len(other.divergences)


def test_rules_explain_as_they_do_for_http(outcomes: Outcomes) -> None:
    """By the route `CALL /name` and by path."""
    rules = (Rule(name="version", path="/version", route="/shop.*"),)
    trial = Experiment("shop.state", rules=rules, **SETTINGS)
    trial.run(lambda: {"version": 1}, lambda: {"version": 2})

    assert {Outcome.MATCH: 1} == outcomes.wait_for(1)


def test_the_store_keeps_what_it_keeps_of_http(
    outcomes: Outcomes, tmp_path: Path
) -> None:
    """Arguments and answers, with secrets taken out."""
    url = f"sqlite:///{tmp_path}/store.db"

    def login(user: str, password: str) -> dict[str, str]:
        return {"user": user, "token": password * 2}

    def relogin(user: str, password: str) -> dict[str, str]:
        return {"user": user.upper(), "token": password * 2}

    with experiment_at(url, login, relogin) as wrapped:
        wrapped("ann", password="hunter2")
        outcomes.wait_for(1)
    store = SqlStore(url)
    [found] = store.divergences()
    store.close()

    stored = repr(found)
    assert "CALL /login" in stored
    assert "/user" in stored
    assert "hunter2" not in stored


@contextmanager
def experiment_at(url: str, control: Any, candidate: Any) -> Iterator[Any]:
    """Give the function with its candidate, and have all written at the end."""
    options = SETTINGS | {"store_url": url}
    yield experiment(candidate=candidate, name="login", **options)(control)
    assert shutdown(60.0)


def test_no_divergences_names_the_call_and_what_differs() -> None:
    """A test of one's own reads like this."""

    @experiment(candidate=lambda n: n if n != 2 else 3, name="twice", rate=0.0)
    def same(n: int) -> int:
        return n

    def call_twice() -> None:
        with no_divergences(same):
            same(1)
            same(2)

    with no_divergences(same):
        same(1)
    with pytest.raises(AssertionError, match=r'"n": 2.*changed: 2 → 3'):
        call_twice()


def test_no_divergences_fails_where_nothing_was_called() -> None:
    """It would prove nothing."""
    idle = no_divergences(Experiment("idle", **SETTINGS))

    with pytest.raises(AssertionError, match="was not called"), idle:
        pass


def test_no_divergences_takes_coroutines_and_what_they_raise() -> None:
    """They are compared before the call returns."""

    async def fails() -> int:
        raise ValueError("no")

    async def one() -> int:
        return 1

    trial = Experiment("await", **SETTINGS)
    with pytest.raises(AssertionError, match="200 → 400"), no_divergences(trial):
        asyncio.run(trial.run_async(one, fails))


def test_no_divergences_takes_a_coroutine_beside_a_function_on_a_loop() -> None:
    """A test of async code may call what is no coroutine function yet."""

    async def later(n: int) -> int:
        return n

    trial = Experiment("beside", **SETTINGS)

    async def call() -> int:
        return trial.run(int, later, 2)

    with no_divergences(trial):
        assert 2 == asyncio.run(call())


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"name": "no name"}, "name: 'no name' is no name"),
        ({"timeout": 0}, "timeout: 0 is not 0.001 or more"),
        ({"workers": 0}, "workers: 0 is not 1 or more"),
        ({"waiting": 0}, "waiting: 0 is not 1 or more"),
        ({"log": -1}, "log: -1 is not 0 or more"),
        ({"rat": 0.5}, "did you mean 'rate'"),
    ],
)
def test_a_wrong_setting_is_named(options: dict[str, Any], said: str) -> None:
    """When it is made, never in a call."""
    with pytest.raises(ConfigurationError, match=said):
        Experiment(**{"name": "x", **options})
