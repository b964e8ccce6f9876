"""The port through which workers agree on who has which partition of a stream."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import msgspec

from shadow_middleware.evidence import Mark

__all__ = ["Leased", "Partitions", "Tenure", "View"]


class Leased(msgspec.Struct, frozen=True):
    """A partition's lease as it stands."""

    partition: int
    owner: str
    """The worker that has it; '' where nobody has."""
    epoch: int
    """Grows with each owner."""
    beat: int
    """Grows while its owner lives."""


class View(msgspec.Struct, frozen=True):
    """All leases of a stream, and all workers that were heard of."""

    workers: Mapping[str, int]
    """The beat of each."""
    leases: tuple[Leased, ...]


class Tenure(msgspec.Struct, frozen=True):
    """A partition that was taken, and how far it had come."""

    partition: int
    epoch: int
    mark: Mark


class Partitions(Protocol):
    """
    The leases of one stream's partitions, for any number of workers and hosts.

    A lease is lost when its `beat` has not moved for as long as leases hold, by the
    watch of whoever wants the partition: no clock of any host takes part. Every method
    raises StoreError where the store cannot be used.
    """

    def begin(self, number: int) -> None:
        """See that there are so many partitions."""
        ...

    def beat(self, worker: str) -> View:
        """Renew every lease of a worker, and return who has what now."""
        ...

    def take(self, worker: str, seen: Leased) -> Tenure | None:
        """Take a partition that is as it was seen; None where somebody was faster."""
        ...

    def release(self, worker: str, partition: int, epoch: int) -> None:
        """Give a partition back, if it is still ours."""
        ...

    def claim(self, partition: int, epoch: int, place: int) -> bool:
        """Note that writes below may have been sent; False where it is not ours."""
        ...

    def forget(self, worker: str) -> None:
        """Take a worker that has gone off the list."""
        ...

    def places(self) -> dict[int, Mark]:
        """Return how far each partition has come."""
        ...
