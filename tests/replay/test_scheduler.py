"""Order within a key, progress across keys, bounds, and an honest end."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from shadow_middleware.replay.scheduler import Scheduler

Job = tuple[str | None, int]


def run(main: Coroutine[Any, Any, Any]) -> Any:
    """Run with a bound, so that a lost wake-up fails instead of hanging."""
    return asyncio.run(asyncio.wait_for(main, 90))


async def until(holds: Callable[[], bool]) -> None:
    """Let the loop turn until the condition holds."""
    while not holds():  # noqa: ASYNC110 -- what is waited for is not ours to signal
        await asyncio.sleep(0)


def scheduler(
    handle: Callable[[Job], Awaitable[None]], concurrency: int = 4, **bounds: Any
) -> Scheduler[Job]:
    """A scheduler that is wide open unless told otherwise."""
    bounds = {"max_count": 1000, "max_bytes": 10**6, **bounds}
    return Scheduler(handle, concurrency=concurrency, **bounds)


@given(
    st.lists(st.tuples(st.sampled_from("abc-"), st.integers(0, 3)), max_size=30),
    st.integers(1, 5),
)
def test_jobs_of_a_key_run_one_at_a_time_in_order(
    work: list[tuple[str, int]], concurrency: int
) -> None:
    """Every job runs exactly once; those of one key in the order of arrival."""
    began: list[Job] = []
    running: set[str] = set()

    async def handle(job: Job) -> None:
        key = job[0]
        began.append(job)
        if key is not None:
            assert key not in running
            running.add(key)
        for _ in range(work[job[1]][1]):
            await asyncio.sleep(0)
        running.discard(key or "")

    async def main() -> list[Job]:
        jobs = scheduler(handle, concurrency)
        for number, (name, _) in enumerate(work):
            key = None if name == "-" else name
            assert jobs.submit((key, number), key)
        return await jobs.drain(5)

    assert [] == run(main())
    assert list(range(len(work))) == sorted(number for _, number in began)
    for name in ("a", "b", "c"):
        order = [number for key, number in began if key == name]
        assert sorted(order) == order


def test_a_stuck_key_holds_nobody_else() -> None:
    """W37: other keys go on at full speed while one stands still."""

    async def main() -> tuple[int, int]:
        gate = asyncio.Event()
        done: list[Job] = []

        async def handle(job: Job) -> None:
            if job[0] == "stuck":
                await gate.wait()
            done.append(job)

        jobs = scheduler(handle, concurrency=2)
        for number in range(50):
            jobs.submit(("stuck", number), "stuck")
            jobs.submit(("free", number), "free")
        await until(lambda: len(done) == 50)
        waiting = jobs.depth
        gate.set()
        await jobs.drain(5)
        return waiting, len(done)

    assert (49, 100) == run(main())


def test_no_more_than_its_concurrency_is_in_flight() -> None:
    """W7: workers are fixed in number, and so are tasks."""

    async def main() -> tuple[int, int]:
        gate = asyncio.Event()

        async def handle(job: Job) -> None:
            await gate.wait()

        jobs = scheduler(handle, concurrency=3)
        for number in range(500):
            jobs.submit((None, number))
        await until(lambda: jobs.in_flight == 3)
        tasks = len(asyncio.all_tasks())
        await jobs.close()
        return tasks, jobs.in_flight

    tasks, left = run(main())
    assert tasks <= 5
    assert 0 == left


def test_it_is_bounded_in_count() -> None:
    """W9: a full queue says no, and takes again once there is room."""

    async def main() -> list[bool]:
        gate = asyncio.Event()

        async def handle(job: Job) -> None:
            await gate.wait()

        jobs = scheduler(handle, concurrency=1, max_count=2)
        taken = [jobs.submit((None, 0))]
        await until(lambda: jobs.in_flight == 1)
        taken += [jobs.submit(("k", number), "k") for number in range(3)]
        gate.set()
        await until(lambda: jobs.depth == 0)
        taken.append(jobs.submit((None, 9)))
        await jobs.drain(5)
        return taken

    assert [True, True, True, False, True] == run(main())


def test_it_is_bounded_in_bytes() -> None:
    """W9: what is in flight holds its bytes until it ends."""

    async def main() -> tuple[list[bool], int, int]:
        gate = asyncio.Event()

        async def handle(job: Job) -> None:
            await gate.wait()

        jobs = scheduler(handle, concurrency=1, max_bytes=100)
        taken = [jobs.submit((None, 0), None, 60)]
        await until(lambda: jobs.in_flight == 1)
        taken += [jobs.submit((None, 1), None, 60), jobs.submit((None, 2), None, 40)]
        held = jobs.bytes
        gate.set()
        await jobs.drain(5)
        return taken, held, jobs.bytes

    assert ([True, False, True], 100, 0) == run(main())


def test_a_handler_that_raises_ends_its_job_only() -> None:
    """W5: the error is reported with its job, and the key goes on."""
    told: list[tuple[Job, str]] = []
    done: list[int] = []

    async def handle(job: Job) -> None:
        if job[1] == 0:
            raise ValueError("no")
        if job[1] == 1:
            raise asyncio.CancelledError
        done.append(job[1])

    async def main() -> list[Job]:
        jobs = scheduler(
            handle,
            concurrency=1,
            on_error=lambda job, error: told.append((job, type(error).__name__)),
        )
        for number in range(4):
            jobs.submit(("k", number), "k")
        return await jobs.drain(5)

    assert [] == run(main())
    assert [(("k", 0), "ValueError"), (("k", 1), "CancelledError")] == told
    assert [2, 3] == done


def test_drain_returns_what_did_not_finish_in_order() -> None:
    """W40: in flight, waiting and behind a key, each exactly once."""

    async def main() -> tuple[list[Job], list[Job], bool]:
        done: list[Job] = []
        never = asyncio.Event()

        async def handle(job: Job) -> None:
            if job[0] == "stuck":
                await never.wait()
            done.append(job)

        jobs = scheduler(handle, concurrency=2)
        jobs.submit(("free", 0), "free")
        await until(lambda: len(done) == 1)
        for number in range(1, 4):
            jobs.submit(("stuck", number), "stuck")
        left = await jobs.drain(0.05)
        return left, done, jobs.submit((None, 9))

    left, done, taken = run(main())
    assert [("stuck", 1), ("stuck", 2), ("stuck", 3)] == left
    assert [("free", 0)] == done
    assert not taken


def test_a_job_that_ends_while_it_is_cancelled_is_not_left() -> None:
    """Whoever counts an outcome on cancellation is not told to count it again."""

    async def main() -> list[Job]:
        never = asyncio.Event()

        async def handle(job: Job) -> None:
            try:
                await never.wait()
            except asyncio.CancelledError:
                return

        jobs = scheduler(handle)
        jobs.submit((None, 1))
        await until(lambda: jobs.in_flight == 1)
        return await jobs.close()

    assert [] == run(main())


def test_it_ends_with_its_loop() -> None:
    """Workers that the loop cancels stop, though nobody closed the scheduler."""

    async def main() -> None:
        never = asyncio.Event()

        async def handle(job: Job) -> None:
            await never.wait()

        jobs = scheduler(handle)
        jobs.submit((None, 1))
        await until(lambda: jobs.in_flight == 1)

    run(main())
