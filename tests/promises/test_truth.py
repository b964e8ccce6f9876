"""From live to the store with real servers: what is noise, found, and remembered."""

from __future__ import annotations

import asyncio
import itertools
import json
import secrets
import time
import uuid
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from typer.testing import CliRunner

from shadow_middleware import runtime
from shadow_middleware.cli.main import app as command
from shadow_middleware.drivers import open_bench
from shadow_middleware.exchange import Body, Outcome, Response
from shadow_middleware.knowledge import CONTROL, SharedRule
from shadow_middleware.rule import Rule
from shadow_middleware.settings import load, to_wire
from shadow_middleware.store.memory import MemoryStore
from shadow_middleware.store.sql import SqlStore
from shadow_middleware.testing import ShadowServer, asgi, collect, frozen, refusing
from tests.promises.staging import counted, serving, until
from tests.test_pipeline import exchange

NUMBERS = itertools.count(100_000_007, 7_919)
Answer = Callable[[int], dict[str, Any]]


def tea(number: int = 0) -> dict[str, Any]:
    """Return an answer in which no two copies of any version agree."""
    return {"id": 7, "name": "tea", "lot": f"lot {next(NUMBERS)} of this", "price": 250}


def dear(number: int) -> dict[str, Any]:
    """Return the same with a price that is wrong."""
    return {**tea(), "price": 251}


def lost(number: int) -> dict[str, Any]:
    """Return the same without what is noise otherwise, once in four times."""
    return {**tea(), "lot": None} if number % 4 == 3 else tea()


def app(answer: Answer = tea, *headers: tuple[bytes, bytes]) -> Any:
    """Return an app that answers so; it is told how often it was asked before."""
    asked = itertools.count()

    async def serve(scope: Any, receive: Any, send: Any) -> None:
        head = [(b"content-type", b"application/json"), *headers]
        data = json.dumps(answer(next(asked))).encode()
        await send({"type": "http.response.start", "status": 200, "headers": head})
        await send({"type": "http.response.body", "body": data})

    return serve


def went(number: int, paths: Sequence[str] = (), **settings: Any) -> dict[Outcome, int]:
    """
    Send so many requests through, end the agent, and return how they ended.

    With `paths` the unsteady app is asked for each in turn.
    """
    settings = {"engine": "thread", "signal_rate": 1e4, **settings}
    served = unsteady() if paths else app()
    with collect() as outcomes, serving(served, **settings) as live:
        for _, path in zip(range(number), itertools.cycle(paths or ("/",))):
            live.ask(target=path)
        found = outcomes.wait_for(number)
        assert runtime.shutdown(90.0)
    return dict(found)


def ends(url: str, target: str) -> dict[tuple[str, str], int]:
    """Return the outcomes of a target, with their reasons."""
    with closing(SqlStore(url)) as store:
        return {
            (str(row.outcome), row.reason): row.count
            for row in store.totals(target=target)
        }


@pytest.mark.parametrize("engine", ["thread", "agent"])
def test_with_a_control_noise_is_noise(store: str, engine: str) -> None:
    """No divergence, no group that counts; and the control has its own account."""
    with ShadowServer(asgi(app())) as shadow, ShadowServer(asgi(app())) as control:
        found = went(
            20,
            shadow_url=shadow.url,
            control_url=control.url,
            store_url=store,
            engine=engine,
        )
        assert 20 == len(control.received)

    assert {Outcome.NOISE: 20} == found
    assert {("noise", "control"): 20} == ends(store, "shadow")
    assert {("divergence", ""): 20} == ends(store, CONTROL)
    with closing(SqlStore(store)) as kept:
        assert 0 == kept.count_divergences()
        assert [] == kept.groups()
        [cell] = kept.noise(target="shadow")
        assert (20, 20) == (cell.raw, cell.control_both)
        [base] = kept.noise_bases(target="shadow")
        assert (20, 20, 0) == (base.raw, base.control, base.probe)


@pytest.mark.parametrize(
    ("wrong", "path", "times"), [(dear, "/price", 20), (lost, "/lot", 5)]
)
def test_a_regression_is_found_beside_noise_and_on_it(
    store: str, wrong: Answer, path: str, times: int
) -> None:
    """W59: it has its group, its count, its samples; the noise about it has none."""
    with ShadowServer(asgi(app(wrong))) as shadow, ShadowServer(asgi(app())) as control:
        found = went(
            20, shadow_url=shadow.url, control_url=control.url, store_url=store
        )

    assert times == found[Outcome.DIVERGENCE]
    with closing(SqlStore(store)) as kept:
        [group] = kept.groups()
        assert (path, times) == (group.key.path, group.count)
        assert {("divergence", group.fingerprint)} == {
            end for end in ends(store, "shadow") if end[0] == "divergence"
        }
        samples = kept.samples(group.fingerprint)
        assert 1 <= len(samples) <= min(16, times)
        assert {(group.fingerprint,)} == {one.record.groups for one in samples}
        assert all(one.record.replayable and one.record.comparable for one in samples)


def test_a_control_that_is_down_is_seen_and_harms_nothing(store: str) -> None:
    """Everything is judged as without one; its failures are numbers of their own."""
    with ShadowServer(asgi(app(dear))) as shadow, ShadowServer(refusing) as control:
        found = went(
            20,
            shadow_url=shadow.url,
            control_url=control.url,
            store_url=store,
            breaker_retry_after=600.0,
            concurrency=1,
        )

    assert {Outcome.DIVERGENCE: 20} == found
    counts = ends(store, CONTROL)
    assert 20 == sum(counts.values())
    assert 10 == counts["shadow_error", "refused"]
    assert {"shadow_error", "skipped"} >= {outcome for outcome, _ in counts}
    with closing(SqlStore(store)) as kept:
        assert {"shadow"} == {row.target for row in kept.progress()}


def test_a_control_that_hangs_holds_nobody_up(store: str) -> None:
    """Each exchange waits for it as long as a replay may take, and no longer."""
    with ShadowServer(asgi(app(dear))) as shadow, ShadowServer(frozen) as control:
        started = time.monotonic()
        found = went(
            20,
            shadow_url=shadow.url,
            control_url=control.url,
            store_url=store,
            total_timeout=0.5,
        )
        assert time.monotonic() - started < 60

    assert {Outcome.DIVERGENCE: 20} == found
    counts = ends(store, CONTROL)
    assert 20 == sum(counts.values())
    assert counts["timeout", "total"] >= 10


def test_a_shadow_that_is_asked_twice_needs_no_control(store: str) -> None:
    """What it differs from itself in is noise, and what it always says is not."""
    with ShadowServer(asgi(app())) as shadow:
        found = went(20, shadow_url=shadow.url, store_url=store, self_probe=1)
        assert 40 == len(shadow.received)
    assert {Outcome.NOISE: 20} == found
    assert {("noise", "self-probe"): 20} == ends(store, "shadow")

    with ShadowServer(asgi(app(dear))) as shadow:
        found = went(20, shadow_url=shadow.url, store_url=store, self_probe=1)
    assert {Outcome.DIVERGENCE: 20} == found


def test_what_was_learned_survives_a_restart(store: str) -> None:
    """W60: the next agent has no control, and knows from its first exchange on."""
    with ShadowServer(asgi(app())) as shadow, ShadowServer(asgi(app())) as control:
        target: dict[str, Any] = {"shadow_url": shadow.url, "store_url": store}
        went(20, control_url=control.url, **target)
        assert {Outcome.NOISE: 5} == went(5, **target)
        shadow.become(asgi(app(dear)))
        assert {Outcome.DIVERGENCE: 5} == went(5, **target)
        assert {Outcome.DIVERGENCE: 5} == went(5, shadow_url=shadow.url, store_url="")


def test_noise_that_found_no_room_is_counted_and_shown(store: str) -> None:
    """W61: an agent that may tell nothing apart says so in the store."""
    with ShadowServer(asgi(app())) as shadow, ShadowServer(asgi(app())) as control:
        both: dict[str, Any] = {"shadow_url": shadow.url, "control_url": control.url}
        assert {Outcome.NOISE: 5} == went(5, **both, noise_cells=0, store_url=store)

    listed = CliRunner().invoke(command, ["noise", "list", "--store", store])

    assert "5 sightings had no room of their own (noise_cells)" in listed.stdout


def test_agents_on_one_store_add_up(store: str) -> None:
    """W60: what each has seen is a part of what the next reader knows."""
    with ShadowServer(asgi(app())) as shadow, ShadowServer(asgi(app())) as control:
        target: dict[str, Any] = {"shadow_url": shadow.url, "store_url": store}
        target |= {"control_url": control.url, "signal_rate": 1e4}
        with (
            collect() as outcomes,
            serving(app(), engine="thread", **target) as one,
            serving(app(), engine="agent", **target) as other,
        ):
            for _ in range(10):
                one.ask()
                other.ask()
            outcomes.wait_for(20)
            assert runtime.shutdown(90.0)

    with closing(SqlStore(store)) as kept:
        assert 20 == sum(base.control for base in kept.noise_bases())
        [cell] = kept.noise()
        assert (20, 20) == (cell.raw, cell.control_both)
        known = kept.known(0)
        assert [20] == [base.raw for base in known.bases]


@pytest.mark.slow
def test_a_rule_that_is_added_at_run_time_holds_within_seconds(store: str) -> None:
    """Nobody restarts anything; its hits are counted, and it can be taken back."""
    with (
        ShadowServer(asgi(app(dear))) as shadow,
        collect() as outcomes,
        serving(
            app(),
            shadow_url=shadow.url,
            store_url=store,
            engine="thread",
            ignore_paths=["/lot"],
            signal_rate=1e4,
        ) as live,
    ):

        def ended() -> Outcome:
            before = len(outcomes.finished)
            live.ask()
            outcomes.wait_for(before + 1)
            return Outcome(outcomes.finished[-1]["outcome"])

        assert Outcome.DIVERGENCE is ended()
        with closing(SqlStore(store)) as kept:
            rule = Rule(name="dearer", path="/price")
            assert kept.add_rule(SharedRule(rule, time.time()))
            until(lambda: ended() is Outcome.MATCH)
            assert kept.remove_rule("dearer")
            until(lambda: ended() is Outcome.DIVERGENCE)
        assert runtime.shutdown(90.0)

    with closing(SqlStore(store)) as kept:
        totals = {(row.rule, row.target, row.hid) for row in kept.rule_totals()}
        assert ("dearer", "shadow", "changed") in totals
        assert ("ignore_paths:/lot", "shadow", "changed") in totals


def unsteady(wrong: bool = False) -> Any:
    """Return an app of which every answer differs, in many ways, and may be wrong."""

    async def serve(scope: Any, receive: Any, send: Any) -> None:
        number, page = next(NUMBERS), scope["path"] == "/page"
        said = {**tea(), "at": time.time(), "trace": str(uuid.uuid4()), "load": number}
        said |= {"map": {str(number): 1}, "price": 251 if wrong else 250}
        line = f"<p>{number} of us</p>\n<b>{250 + wrong}</b>"
        data = line if page else json.dumps(said)
        kind = b"text/html" if page else b"application/json"
        tag = secrets.token_hex(16).encode()
        head = [(b"content-type", kind), (b"etag", b'"' + tag + b'"')]
        await send({"type": "http.response.start", "status": 200, "headers": head})
        await send({"type": "http.response.body", "body": data.encode()})

    return serve


def test_suggested_rules_explain_the_noise_without_a_control(
    store: str, tmp_path: Path
) -> None:
    """W63: written to a file and read again they leave a match, and hide no regression."""
    rules = str(tmp_path / "rules.toml")
    unlearned: dict[str, Any] = {"store_url": "", "value_shapes": []}
    with ShadowServer(asgi(unsteady())) as shadow:
        with ShadowServer(asgi(unsteady())) as control:
            learned = went(
                20,
                ("/", "/page"),
                shadow_url=shadow.url,
                control_url=control.url,
                store_url=store,
            )
        asked = ["rules", "suggest", "--store", store, "--file", rules, "--write"]
        assert 0 == CliRunner().invoke(command, asked).exit_code
        unlearned |= {"shadow_url": shadow.url, "rules_file": rules}
        steady = went(20, ("/", "/page"), **unlearned)
        shadow.become(asgi(unsteady(wrong=True)))
        wrong = went(5, ("/",), **unlearned)

    assert {Outcome.NOISE: 20} == learned
    assert {Outcome.MATCH: 20} == steady
    assert {Outcome.DIVERGENCE: 5} == wrong
    assert "# wide: " in Path(rules).read_text("utf-8")


def test_versions_stay_apart_and_what_is_no_version_is_no_difference(
    store: str,
) -> None:
    """The header that names the build differs between two builds, as it should."""
    build = app(lambda _: {"id": 7}, (b"X-Build", b"2.0"))
    with ShadowServer(asgi(build)) as shadow:
        settings: dict[str, Any] = {"shadow_url": shadow.url, "store_url": store}
        with (
            collect() as outcomes,
            serving(
                app(lambda _: {"id": 7}, (b"X-Build", b"1.0")),
                version_header="X-Build",
                engine="thread",
                **settings,
            ) as live,
        ):
            live.ask()
            assert {Outcome.MATCH: 1} == outcomes.wait_for(1)
            assert ["2.0"] == [event["version"] for event in outcomes.finished]
            assert runtime.shutdown(90.0)

    with closing(SqlStore(store)) as kept:
        assert [("shadow", "2.0", 1)] == [
            (seen.target, seen.version, seen.count) for seen in kept.versions()
        ]
        assert ["1.0"] == [base.era for base in kept.noise_bases()]


def test_the_account_holds_with_control_and_probe(store: str) -> None:
    """Selected is ended: twins are no exchanges of their own."""
    with ShadowServer(asgi(app())) as shadow, ShadowServer(asgi(app())) as control:
        went(
            20,
            shadow_url=shadow.url,
            control_url=control.url,
            store_url=store,
            self_probe=0.5,
            control_rate=0.5,
        )

    assert 20 == sum(
        n for (target, _), n in counted(store).items() if target == "shadow"
    )
    with closing(SqlStore(store)) as kept:
        [progress] = kept.progress()
        assert ("shadow", 20, 20) == (
            progress.target,
            progress.selected,
            progress.ended,
        )


def test_credentials_are_dropped_for_the_control_as_well(store: str) -> None:
    """W48: another host is another host, whatever runs there."""
    secret = {"Authorization": "Bearer hunter2", "Cookie": "sid=hunter2", "X-A": "b"}
    with (
        ShadowServer(asgi(app())) as shadow,
        ShadowServer(asgi(app())) as control,
        collect() as outcomes,
        serving(
            app(),
            shadow_url=shadow.url,
            control_url=control.url,
            store_url=store,
            engine="thread",
        ) as live,
    ):
        live.ask(headers=secret)
        outcomes.wait_for(1)
        assert runtime.shutdown(90.0)
        [request] = control.received

    assert b"hunter2" not in repr(request).encode()
    names = [name.lower() for name, _ in request.headers]
    assert b"x-a" in names
    assert b"x-shadow-request" in names


def test_a_store_in_memory_is_learned_from_as_well() -> None:
    """The same agent, given a store of its own: no file, no server."""
    store = MemoryStore()

    async def run(number: int, **settings: Any) -> None:
        bench = open_bench(to_wire(load({**settings, "store_url": ""})), store)
        for _ in range(number):
            data = json.dumps(tea()).encode()
            answer = Response(200, ((b"content-type", b"application/json"),))
            answer = replace(answer, body=Body(data, len(data)))
            one = exchange(next(NUMBERS), response=answer)
            bench.accept(replace(one, at=time.time()), 100)
        await bench.close(10.0)

    with ShadowServer(asgi(app())) as shadow, ShadowServer(asgi(app())) as control:
        target = {"shadow_url": shadow.url}
        asyncio.run(run(5, control_url=control.url, **target))
        asyncio.run(run(3, **target))

    assert {("noise", "control"): 8} == {
        (str(row.outcome), row.reason): row.count
        for row in store.totals(target="shadow")
    }
