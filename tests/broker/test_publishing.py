"""Publishing to a real NATS server: order, bounds, and a broker that goes away."""

from __future__ import annotations

import ast
import asyncio
import importlib.util
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from shadow_middleware.broker.envelope import MSG_ID
from shadow_middleware.broker.link import linked
from shadow_middleware.broker.stream import ensure_stream
from shadow_middleware.errors import BrokerError, ConfigurationError
from shadow_middleware.settings import Settings
from tests.broker.conftest import Make
from tests.broker.staging import agent, counted, exchange, publish, under_way, until
from tests.nats import running_nats


async def names_at(settings: Settings) -> list[str]:
    """Return the ids of what is in the stream, in its order."""
    async with linked(settings, "test") as client:
        context = client.jetstream()
        info = await context.stream_info(settings.broker_stream)
        found = []
        for place in range(info.state.first_seq, info.state.last_seq + 1):
            message = await context.get_msg(settings.broker_stream, place)
            found.append((message.headers or {})[MSG_ID])
    return found


@asynccontextmanager
async def stream_of(settings: Settings) -> AsyncIterator[object]:
    """Give the configuration of the stream as the broker has it."""
    async with linked(settings, "test") as client:
        info = await client.jetstream().stream_info(settings.broker_stream)
        yield info.config


def test_what_is_published_is_in_the_stream_once_and_in_order(make: Make) -> None:
    """And the account says that it is under way: nothing has ended."""
    settings = make()
    asyncio.run(publish(settings, [exchange(n) for n in range(1, 301)]))
    names = [one for one in asyncio.run(names_at(settings)) if one.startswith("abc")]

    assert [f"abc-{n:x}" for n in range(1, 301)] == names
    assert 300 == under_way(settings)
    assert {} == counted(settings)


def test_the_stream_has_the_bounds_of_the_settings(make: Make) -> None:
    """It refuses what it has no room for, and follows bounds that are others later."""

    async def work(settings: Settings) -> tuple[object, ...]:
        async with linked(settings, "test") as client:
            stream = await ensure_stream(client.jetstream(), settings)
        async with stream_of(settings) as config:
            return (
                stream.identity,
                config.max_bytes,  # type: ignore[attr-defined]
                config.discard,  # type: ignore[attr-defined]
                config.retention,  # type: ignore[attr-defined]
            )

    first = asyncio.run(work(make(broker_bytes=5_000_000)))
    second = asyncio.run(work(make(broker_bytes=7_000_000)))

    assert (5_000_000, "new", "workqueue") == first[1:]
    assert (first[0], 7_000_000) == second[:2]


def test_other_partitions_than_the_stream_has_are_refused(make: Make) -> None:
    """Keys would go elsewhere than what is there of them; the message says what to do."""

    async def work(settings: Settings) -> None:
        async with linked(settings, "test") as client:
            await ensure_stream(client.jetstream(), settings)

    asyncio.run(work(make()))
    with pytest.raises(ConfigurationError, match=r"has 4 partitions, where 5 .* asked"):
        asyncio.run(work(make(broker_partitions=5)))


def test_a_full_stream_holds_agents_up_and_what_they_drop_is_counted(
    make: Make,
) -> None:
    """Under the reason that names the bound; what was confirmed stays."""
    settings = make(broker_bytes=1024 * 1024, queue_count=20, drain_timeout=0.1)
    body = bytes(100_000)

    async def work() -> None:
        async with agent(settings) as relay:
            for n in range(1, 16):
                relay.accept(exchange(n, "POST", body=body), 100_000)
            await until(lambda: relay._publisher.trouble == "full")
            for n in range(16, 42):
                relay.accept(exchange(n, "POST", body=body), 100_000)
            relay.account("abc", 41, {})
            await relay.close(0.1)

    asyncio.run(work())
    dropped = counted(settings)

    assert {"broker_full", "broker_order", "shutdown"} >= {
        reason for _, reason in dropped
    }
    assert dropped["dropped", "broker_full"] >= 1
    there = [one for one in asyncio.run(names_at(settings)) if one.startswith("abc")]
    assert 41 == len(there) + sum(dropped.values())
    assert len(there) == under_way(settings)


def test_an_exchange_larger_than_a_message_takes_several(make: Make) -> None:
    """Three MiB through a broker that takes one; what could never fit is counted."""
    settings = make(broker_bytes=16 * 1024 * 1024)
    large, larger = bytes(3 * 1024 * 1024), bytes(9 * 1024 * 1024)
    asyncio.run(publish(settings, [exchange(1, body=large), exchange(2, body=larger)]))
    names = [one for one in asyncio.run(names_at(settings)) if one.startswith("abc")]

    assert ["abc-1/1", "abc-1/2", "abc-1/3", "abc-1/4"] == names
    assert {("dropped", "too_large"): 1} == counted(settings)


def test_a_broker_that_is_killed_takes_nothing_that_it_confirmed(
    make: Make, tmp_path: Path
) -> None:
    """What was not confirmed waits, in memory and on disk, and goes there in order."""
    with running_nats() as server:
        settings = make(
            broker_url=server.url,
            queue_count=50,
            broker_window=8,
            broker_spool=str(tmp_path / "spool"),
        )

        async def work() -> None:
            async with agent(settings) as relay:
                for n in range(1, 101):
                    relay.accept(exchange(n), 1_000)
                await until(lambda: relay._publisher.counted["published"] > 0)
                server.kill()
                for n in range(101, 301):
                    relay.accept(exchange(n), 1_000)
                assert len(relay._publisher._flights) <= 8
                await asyncio.to_thread(server.start)
                relay.account("abc", 300, {})
                await until(lambda: relay._publisher.counted["published"] >= 300)
                await relay.close(10.0)

        asyncio.run(work())
        names = asyncio.run(names_at(settings))

    assert [f"abc-{n:x}" for n in range(1, 301)] == [
        one for one in names if one.startswith("abc")
    ]
    assert {} == counted(settings)
    assert 300 == under_way(settings)


def test_without_a_broker_an_agent_holds_to_its_bound_and_counts_the_rest(
    make: Make,
) -> None:
    """By a reason of its own; what is held is lost at the end, and counted too."""
    settings = make(broker_url="nats://127.0.0.1:9", queue_count=5)

    async def work() -> None:
        async with agent(settings) as relay:
            for n in range(1, 9):
                relay.accept(exchange(n), 1_000)
            relay.account("abc", 8, {})
            await relay.close(0.0)

    asyncio.run(work())

    assert {("dropped", "broker_away"): 3, ("dropped", "shutdown"): 5} == counted(
        settings
    )
    assert 0 == under_way(settings)


def test_a_spool_holds_to_its_bound_and_the_rest_is_counted(
    make: Make, tmp_path: Path
) -> None:
    """What is on disk stays there for the next agent, so it is no loss."""
    settings = make(
        broker_url="nats://127.0.0.1:9",
        queue_count=5,
        broker_spool=str(tmp_path / "spool"),
        broker_spool_bytes=5_000,
    )

    async def work() -> None:
        async with agent(settings) as relay:
            for n in range(1, 101):
                relay.accept(exchange(n, body=bytes(500)), 1_000)
            relay.account("abc", 100, {})
            await relay.close(0.0)

    asyncio.run(work())
    away = counted(settings)["dropped", "broker_away"]

    assert 80 < away < 95
    assert (
        sum(
            one.stat().st_size
            for one in (tmp_path / "spool").rglob("*")
            if one.is_file()
        )
        < 20_000
    )


def test_a_broker_that_is_not_there_is_an_error_that_names_it(make: Make) -> None:
    """Without the password that its address holds."""
    settings = make(broker_url="nats://me:hush@127.0.0.1:9")

    async def work() -> None:
        async with linked(settings, "test"):
            pass

    with pytest.raises(
        BrokerError, match=r"no broker at nats://127\.0\.0\.1:9"
    ) as said:
        asyncio.run(work())
    assert "hush" not in str(said.value)


AT_START = {
    "broker_checks.check_broker_together",
    "runtime._check_extras",
}
LIVE = """
import asyncio, sys
from shadow_middleware.asgi import ShadowMiddleware

async def app(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"ok"})

async def main():
    live = ShadowMiddleware(
        app, shadow_url="http://127.0.0.1:9", broker_url="nats://127.0.0.1:9",
        store_url=sys.argv[1],
    )
    scope = {"type": "http", "method": "GET", "path": "/", "raw_path": b"/",
             "query_string": b"", "headers": [], "scheme": "http", "http_version": "1.1"}
    sent = []

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message):
        sent.append(message)

    await live(scope, receive, send)
    heavy = {"nats", "sqlalchemy", "cryptography"}
    print(len(sent), sorted(heavy & {name.partition(".")[0] for name in sys.modules}))
    print(*sorted(name for name in sys.modules if name.startswith("shadow_middleware.")))

asyncio.run(main())
"""


def readers(module: str, prefix: str) -> set[str]:
    """Return the functions of a module that read a setting of that prefix."""
    found = importlib.util.find_spec(module)
    assert found is not None
    assert found.origin is not None
    tree = ast.parse(Path(found.origin).read_text())
    return {
        f"{module.removeprefix('shadow_middleware.')}.{function.name}"
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for one in ast.walk(function)
        if isinstance(one, ast.Attribute) and one.attr.startswith(prefix)
    }


def test_the_live_process_has_no_part_in_the_broker(tmp_path: Path) -> None:
    """
    It serves with a broker that is away, and loads nothing that speaks to one.

    Beyond the checks at its start none of its code reads a setting of the broker. So a
    request with a broker costs what one without costs: it is the same code.
    """
    said = subprocess.run(
        [sys.executable, "-c", LIVE, f"sqlite:///{tmp_path / 's.db'}"],
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip

    assert 0 == said.returncode, said.stderr
    served, modules = said.stdout.strip().split("\n")
    found = {one for name in modules.split() for one in readers(name, "broker_")}
    others = {one for name in modules.split() for one in readers(name, "buffer_")}

    assert "2 []" == served
    assert AT_START == found
    assert others  # so what is looked for would be found
