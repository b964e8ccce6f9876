"""
The decorator and the plain call: control answers, the candidate runs after, elsewhere.

What the caller gets is control's own object or exception, at once. Of the sampled
share, arguments and result are captured as JSON, the candidate runs on copies, and both
answers cross the wall as one exchange, `CALL /name`.
"""

from __future__ import annotations

import asyncio
import atexit
import copy as copying
import functools
import inspect
import random
import re
import threading
import weakref
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Final, ParamSpec, TypeVar, cast

import msgspec

from shadow_middleware.capture import Capture
from shadow_middleware.configuration import Place
from shadow_middleware.exchange import CALL, CALL_URL, CANDIDATE
from shadow_middleware.experiment.arguments import Arguments, Copy
from shadow_middleware.experiment.call import Call
from shadow_middleware.experiment.crew import Crew
from shadow_middleware.experiment.sample import Sample
from shadow_middleware.handoff.base import HandoffState
from shadow_middleware.runtime import live_side
from shadow_middleware.selection import sticky_share
from shadow_middleware.settings import Settings, Target, load
from shadow_middleware.signals import divergence_found

__all__ = ["Experiment", "experiment"]

P = ParamSpec("P")
R = TypeVar("R")
Key = Callable[..., str | None]
Context = Callable[[], AbstractContextManager[Any]]

_NAME: Final = re.compile(r"[A-Za-z0-9_.-]{1,100}")


class Experiment:
    """
    One comparison of two implementations, under a name that stays.

    Args:
        name: What reports, rules and groups call it: the route is `CALL /name`. Letters,
            digits, `_`, `.` and `-`.
        key: Called with the arguments; returns what keeps the sample sticky, such as a
            user's id. None samples each call by itself.
        timeout: Seconds that a candidate may take.
        workers: Threads that candidates run on; coroutines run on the caller's loop,
            no more than that at once.
        waiting: Candidates that may wait for a thread; more are dropped and counted.
        copy: Makes the candidate's copy of `(args, kwargs)`.
        context: Entered around each candidate, on its thread, such as one that closes
            the framework's connections.
        log: How many of the latest divergences `divergences` keeps.
        settings: As of a middleware: `rate`, `rules`, `store_url`, `engine`…

    Raises:
        ConfigurationError: a setting is wrong. Only here, never in a call.
    """

    def __init__(
        self,
        name: str,
        *,
        key: Key | None = None,
        timeout: float = 1.0,
        workers: int = 4,
        waiting: int = 1000,
        copy: Copy = copying.deepcopy,
        context: Context | None = None,
        log: int = 100,
        **settings: Any,
    ) -> None:
        _check(name, timeout=timeout, workers=workers, waiting=waiting, log=log)
        self.name = name
        loaded = load(settings, require_target=False)
        self.settings = _for_calls(loaded)
        self._rate = loaded.rate if loaded.enabled else 0.0
        self._key = key
        self._timeout = timeout
        self._copy = copy
        self._context = context
        self._workers = workers
        self._live = live_side(self.settings)
        self._crew = Crew(workers, waiting)
        self._tasks: set[asyncio.Task[None]] = set()
        self._unnamed = Arguments(None, copy)
        self._reader: Callable[[Capture], None] | None = None
        self.divergences: deque[dict[str, Any]] = deque(maxlen=log)
        """The latest divergences, as `signals.divergence_found` tells of them."""
        if log:
            divergence_found.connect(self._heard, sender=CANDIDATE)
        atexit.register(_close, weakref.ref(self._crew))

    @property
    def state(self) -> HandoffState:
        """How far its agent has come, with all experiments that share it."""
        return self._live.state

    def run(
        self,
        control: Callable[..., R],
        candidate: Callable[..., Any],
        *args: Any,
        **kwargs: Any,
    ) -> R:
        """Return what `control(*args, **kwargs)` returns, or raise what it raises."""
        return self._run(self._unnamed, control, candidate, args, kwargs)

    async def run_async(
        self,
        control: Callable[..., Awaitable[R]],
        candidate: Callable[..., Any],
        *args: Any,
        **kwargs: Any,
    ) -> R:
        """Return what `await control(*args, **kwargs)` returns, or raise likewise."""
        return await self._run_async(self._unnamed, control, candidate, args, kwargs)

    def wrap(
        self, control: Callable[P, R], candidate: Callable[..., Any]
    ) -> Callable[P, R]:
        """Return a function that is `control`, and compares the candidate with it."""
        arguments = Arguments(control, self._copy)
        if inspect.iscoroutinefunction(control):

            @functools.wraps(control)
            async def call_async(*args: Any, **kwargs: Any) -> Any:
                return await self._run_async(
                    arguments, control, candidate, args, kwargs
                )

            wrapped = cast("Callable[P, R]", call_async)
        else:

            @functools.wraps(control)
            def call(*args: P.args, **kwargs: P.kwargs) -> R:
                return self._run(arguments, control, candidate, args, kwargs)

            wrapped = call
        wrapped.experiment = self  # type: ignore[attr-defined]
        return wrapped

    @contextmanager
    def read_by(self, reader: Callable[[Capture], None]) -> Iterator[None]:
        """Sample every call, run candidates at once, and give both ends to `reader`."""
        before, self._reader = self._reader, reader
        try:
            yield
        finally:
            self._reader = before

    def _run(
        self,
        arguments: Arguments,
        control: Callable[..., R],
        candidate: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> R:
        sample = self._sample(arguments, args, kwargs)
        if sample is None:
            return control(*args, **kwargs)
        try:
            result = control(*args, **kwargs)
        except Exception as error:
            sample.raised(error)
            self._compare(sample, candidate)
            raise
        sample.returned(result)
        self._compare(sample, candidate)
        return result

    async def _run_async(
        self,
        arguments: Arguments,
        control: Callable[..., Awaitable[R]],
        candidate: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> R:
        sample = self._sample(arguments, args, kwargs)
        if sample is None:
            return await control(*args, **kwargs)
        try:
            result = await control(*args, **kwargs)
        except Exception as error:
            sample.raised(error)
            await self._compare_async(sample, candidate)
            raise
        sample.returned(result)
        await self._compare_async(sample, candidate)
        return result

    def _sample(
        self, arguments: Arguments, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Sample | None:
        """Return what is kept of this call, if anything is. Never raises."""
        try:
            key = self._key(*args, **kwargs) if self._key and self._rate else None
            share = random.random() if key is None else sticky_share(_bytes_of(key))
            rests = share >= self._rate or self._live.handoff.resting
            if rests and self._reader is None:
                return None
            return Sample(self._live, self.name, key, arguments, args, kwargs)
        except Exception as error:  # noqa: BLE001 -- the fence of the caller
            self._live.fault("experiment", error)
            return None

    def _compare(self, sample: Sample, candidate: Callable[..., Any]) -> None:
        """Have the candidate asked as well. Never raises, never waits."""
        try:
            call = self._call(sample, candidate)
            if call is None:
                return
            if self._reader is None:
                self._crew.submit(call)
            elif inspect.iscoroutinefunction(candidate):
                _run_on_a_thread(call)
            else:
                call.run()
        except Exception as error:  # noqa: BLE001 -- the fence of the caller
            self._live.fault("experiment", error)

    async def _compare_async(
        self, sample: Sample, candidate: Callable[..., Any]
    ) -> None:
        """As `_compare`; waits for nothing but under a `reader`."""
        if not inspect.iscoroutinefunction(candidate):
            self._compare(sample, candidate)
            return
        try:
            call = self._call(sample, candidate)
            if call is None:
                return
            if self._reader is not None:
                await call.run_here()
            elif len(self._tasks) >= self._workers:
                call.refused("queue_full")
            else:
                task = asyncio.get_running_loop().create_task(call.run_here())
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
        except Exception as error:  # noqa: BLE001 -- the fence of the caller
            self._live.fault("experiment", error)

    def _call(self, sample: Sample, candidate: Callable[..., Any]) -> Call | None:
        """Return what is to be run; what cannot be compared ends here."""
        if not sample.is_whole:
            sample.finish(None, self._reader)
            return None
        return Call(
            functools.partial(candidate, *sample.args, **sample.kwargs),
            self._timeout,
            self.settings.max_response_body,
            self._context,
            functools.partial(sample.finish, deliver=self._reader),
        )

    def _heard(self, sender: str, *, event: dict[str, Any]) -> None:
        if event["path"] == f"/{self.name}":
            self.divergences.append(event)


def experiment(
    *, candidate: Callable[..., Any], name: str = "", **options: Any
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """
    Compare a candidate with the decorated function, which goes on answering.

    Args:
        candidate: Takes the same arguments. Either may be a coroutine function.
        name: Left out, the function's own qualified name.
        options: As of `Experiment`.

    The function that comes back has the `Experiment` as its attribute `experiment`.

    Raises:
        ConfigurationError: a setting is wrong.
    """

    def decorate(control: Callable[P, R]) -> Callable[P, R]:
        called = name or control.__qualname__.replace(".<locals>", "")
        return Experiment(called, **options).wrap(control, candidate)

    return decorate


def _run_on_a_thread(call: Call) -> None:
    """Run a coroutine's call to its end; the caller's own thread may have a loop."""
    thread = threading.Thread(target=call.run, daemon=True)
    thread.start()
    thread.join()


def _bytes_of(key: object) -> bytes:
    return str(key).encode("utf-8", "surrogateescape")


def _check(name: str, **numbers: float) -> None:
    if not _NAME.fullmatch(name):
        raise Place("name", "experiment").error(
            f"{name!r} is no name", "use letters, digits, '_', '.' and '-'"
        )
    for key, value in numbers.items():
        least = 0 if key == "log" else 1 if key != "timeout" else 0.001
        if not value >= least:
            raise Place(key, "experiment").error(f"{value!r} is not {least} or more")


def _for_calls(settings: Settings) -> Settings:
    """Return the settings of the agent that compares calls; equal ones share it."""
    return msgspec.structs.replace(
        settings,
        shadow_url="",
        targets=(Target(url=CALL_URL, name=CANDIDATE, methods=(CALL,)),),
        methods=(CALL,),
        enabled=True,
        rate=1.0,
        include=(),
        exclude=(),
        include_routes=(),
        exclude_routes=(),
        content_types=(),
        skip=None,
        key="",
        control_url="",
        self_probe=0.0,
    )


def _close(crew: weakref.ref[Crew]) -> None:
    found = crew()
    if found is not None:
        found.close()
