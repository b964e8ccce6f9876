"""
The figures of one moment: plain numbers that add up over agents.

A gauge adds up as well: what waits in two agents is what waits on the host. A
latency is a count in a bucket of the sketch, so it adds up like any other.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from shadow_middleware.errors import DecodeError
from shadow_middleware.metrics.instruments import ALL

__all__ = ["Figures", "Key", "added", "lasting", "pack", "unpack"]

Key = tuple[str, tuple[str, ...]]
"""An instrument's name, and the values of its labels; for a duration, and the bucket."""
Figures = dict[Key, float]

_Row = tuple[str, tuple[str, ...], float]
_decoder = msgspec.msgpack.Decoder(list[_Row])


def added(each: Iterable[Figures]) -> Figures:
    """Return the sum."""
    total: Figures = {}
    for figures in each:
        for key, value in figures.items():
            total[key] = total.get(key, 0) + value
    return total


def lasting(figures: Figures) -> Figures:
    """
    Return what stays true when an agent has gone: counters, not gauges.

    What was under way in it is lost: it counts as dropped with the reason
    `agent_died`, as it does in the store.
    """
    kept: Figures = {}
    for key, value in figures.items():
        name, labels = key
        if name == "under_way" and value > 0:
            (target,) = labels
            kept["replays", (target, "-", "dropped")] = value
            kept["reasons", (target, "dropped", "agent_died")] = value
    left = {key: n for key, n in figures.items() if ALL[key[0]].kind != "gauge"}
    return added([left, kept])


def pack(figures: Figures) -> bytes:
    """Return the figures as bytes, for another process."""
    return msgspec.msgpack.encode([(*key, value) for key, value in figures.items()])


def unpack(data: bytes) -> Figures:
    """
    Return the figures that `pack` wrote; instruments of another version are left out.

    Raises:
        DecodeError: these bytes are no figures.
    """
    try:
        rows = _decoder.decode(data)
    except msgspec.MsgspecError as error:
        raise DecodeError(f"these bytes are no figures: {error}") from None
    return {(name, labels): value for name, labels, value in rows if name in ALL}
