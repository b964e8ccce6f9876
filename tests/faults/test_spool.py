"""A disk that is full takes nothing, and spoils nothing of what it has."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from shadow_middleware.broker.item import Item
from shadow_middleware.broker.spool import Spool

MIB = 1024 * 1024


@contextmanager
def files_end_at(size: int) -> Iterator[None]:
    """Let this process write no file beyond so many bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_costs_the_spool_only_what_did_not_fit(tmp_path: Path) -> None:
    """What is written once there is room again is found, and so is all before."""
    spool = Spool(tmp_path / "spool", MIB)
    names = [f"full-{number}" for number in range(20)]
    with files_end_at(10_000):
        kept = [one for one in names if spool.append(Item(one, "t", bytes(900)))]
    assert 5 < len(kept) < 20
    assert spool.append(Item("room", "t", bytes(900)))
    spool.close()

    again = Spool(tmp_path / "spool", MIB)
    found = [one[1].id for one in iter(again.next, None)]
    again.close()

    assert [*kept, "room"] == found
