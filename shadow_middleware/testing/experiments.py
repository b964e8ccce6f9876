"""A test of one's own that two functions answer alike, on whatever it calls them with."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import msgspec

from shadow_middleware.capture import Capture
from shadow_middleware.compare import Comparer
from shadow_middleware.exchange import CANDIDATE, Difference, Exchange
from shadow_middleware.experiment import Experiment
from shadow_middleware.handoff.codec import (
    BatchFrame,
    Frames,
    decode_batch,
    exchange_of,
)

__all__ = ["no_divergences"]


@contextmanager
def no_divergences(function: Callable[..., Any] | Experiment) -> Iterator[None]:
    """
    Compare every call within at once, whatever the rate, and store none of it::

        with no_divergences(search):
            search("tea")

    Rules and shapes of values explain differences as they do in production; what is
    learned of noise there is not known here.

    Args:
        function: One that `experiment` decorated, or an `Experiment`.

    Raises:
        AssertionError: at the end, naming each call and how its answers differ; or no
            call was made, which would prove nothing.
    """
    trial = _experiment_of(function)
    seen: list[Exchange] = []
    with trial.read_by(lambda capture: seen.append(_exchange_of(capture))):
        yield
    if not seen:
        raise AssertionError(f"{trial.name} was not called, so nothing was compared")
    comparer = Comparer(trial.settings)
    wrong = [text for one in seen for text in _differences(comparer, one)]
    if wrong:
        raise AssertionError(
            f"{trial.name}: {len(wrong)} differences in {len(seen)} calls\n"
            + "\n".join(wrong)
        )


def _experiment_of(function: Callable[..., Any] | Experiment) -> Experiment:
    if isinstance(function, Experiment):
        return function
    found: Experiment = function.experiment  # type: ignore[attr-defined]
    return found


def _exchange_of(capture: Capture) -> Exchange:
    batch = BatchFrame()
    batch.add((1, *capture.record()))
    [(_, payload)] = Frames().feed(bytes(batch.seal(1, {})))
    return exchange_of(decode_batch(payload).records[0], "test", 0.0)


def _differences(comparer: Comparer, exchange: Exchange) -> Iterator[str]:
    called = exchange.request.body.data.decode("utf-8", "replace")
    given = exchange.given
    if given is None or given.response is None:
        why = exchange.skip if given is None else f"{given.outcome}: {given.reason}"
        yield f"  {called}: not compared, {why}"
        return
    found = comparer.compare(exchange, CANDIDATE, given.response)
    for one in found.differences:
        if not one.alike:
            yield f"  {called}: {_described(one)}"


def _described(one: Difference) -> str:
    place = f"{one.part.value} {one.path}".rstrip()
    live, shadow = (
        msgspec.json.encode(x, enc_hook=repr) for x in (one.live, one.shadow)
    )
    return f"{place} {one.kind.value}: {live.decode()} → {shadow.decode()}"
