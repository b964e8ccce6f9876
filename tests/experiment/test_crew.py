"""The threads of candidates: bounded, and every job ends once."""

from __future__ import annotations

import gc
import subprocess
import sys
import textwrap
import threading
import weakref
from collections.abc import Callable, Iterator

import pytest

from shadow_middleware.experiment.crew import MAX_STUCK, Crew


class Task:
    """A job that waits until the test lets it end."""

    def __init__(self, ends: list[str], timeout: float = 60.0, *, waits: bool = True):
        self.timeout = timeout
        self.begun = threading.Event()
        self.may_end = threading.Event()
        self.told = threading.Event()
        self._ends = ends
        if not waits:
            self.may_end.set()

    def run(self) -> None:
        self.begun.set()
        self.may_end.wait(90)
        self._tell("ran")

    def late(self) -> None:
        self._tell("late")

    def refused(self, reason: str) -> None:
        self._tell(reason)

    def _tell(self, how: str) -> None:
        if not self.told.is_set():
            self._ends.append(how)
        self.told.set()


@pytest.fixture
def tasks() -> Iterator[Callable[..., Task]]:
    """Make tasks that all end with the test."""
    made: list[Task] = []

    def make(ends: list[str], timeout: float = 60.0, *, waits: bool = True) -> Task:
        made.append(Task(ends, timeout, waits=waits))
        return made[-1]

    yield make
    for one in made:
        one.may_end.set()


def test_no_more_run_at_once_than_there_are_workers(
    tasks: Callable[..., Task],
) -> None:
    """The third waits for one of the first two."""
    crew, ends = Crew(2, 10), list[str]()
    first, second, third = (tasks(ends) for _ in range(3))
    for one in (first, second, third):
        crew.submit(one)
    assert first.begun.wait(90)
    assert second.begun.wait(90)
    assert not third.begun.is_set()

    first.may_end.set()
    assert third.begun.wait(90)


def test_what_finds_no_room_in_the_line_is_refused(tasks: Callable[..., Task]) -> None:
    """It is told so at once, on the thread that came with it."""
    crew, ends = Crew(1, 1), list[str]()
    running = tasks(ends)
    crew.submit(running)
    assert running.begun.wait(90)
    crew.submit(tasks(ends))
    crew.submit(tasks(ends))

    assert ["queue_full"] == ends


def test_a_job_past_its_time_gives_its_place_to_another(
    tasks: Callable[..., Task],
) -> None:
    """Its thread cannot be stopped; the next job does not wait for it."""
    crew, ends = Crew(1, 10), list[str]()
    stuck, following = tasks(ends, 0.01), tasks(ends, waits=False)
    crew.submit(stuck)
    assert stuck.begun.wait(90)
    crew.submit(following)

    assert stuck.told.wait(90)
    assert following.told.wait(90)
    assert ["late", "ran"] == ends


def test_threads_that_never_come_back_are_bounded(tasks: Callable[..., Task]) -> None:
    """Beyond that, jobs are refused rather than given threads of their own."""
    crew, ends = Crew(1, 10), list[str]()
    for _ in range(MAX_STUCK):
        stuck = tasks(ends, 0.001)
        crew.submit(stuck)
        assert stuck.told.wait(90)
    last = tasks(ends)
    crew.submit(last)

    assert last.told.wait(90)
    assert ["late"] * MAX_STUCK + ["stuck"] == ends


def test_at_the_end_what_waits_and_what_runs_is_told_of(
    tasks: Callable[..., Task],
) -> None:
    """Nothing is lost in silence when the app stops."""
    crew, ends = Crew(1, 10), list[str]()
    running = tasks(ends)
    crew.submit(running)
    assert running.begun.wait(90)
    crew.submit(tasks(ends))

    crew.close()
    assert ["shutdown", "shutdown"] == ends


def test_a_crew_that_nobody_has_any_more_is_freed() -> None:
    """An experiment that is made again and again must not grow the process."""
    crew = weakref.ref(Crew(2, 2))
    gc.collect()

    assert crew() is None


def test_a_child_process_has_threads_of_its_own() -> None:
    """After a fork there is nobody left to run what is submitted."""
    script = """
        import os
        import threading
        from shadow_middleware.experiment.crew import Crew

        class Job:
            timeout = 60.0

            def __init__(self):
                self.ran = threading.Event()

            def run(self):
                self.ran.set()

        def works(crew):
            job = Job()
            crew.submit(job)
            return job.ran.wait(30)

        crew = Crew(1, 2)
        assert works(crew)
        child = os.fork()
        if not child:
            os._exit(0 if works(crew) else 1)
        assert os.waitpid(child, 0)[1] == 0
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert 0 == done.returncode, done.stderr
