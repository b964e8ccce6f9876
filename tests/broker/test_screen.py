"""What a worker shows on a terminal fits it, and says what an operator asks first."""

from __future__ import annotations

import io

import msgspec
from rich.console import Console

from shadow_middleware.cli.worker_screen import Screen
from shadow_middleware.worker.worker import Status

STATUS = Status(
    worker="host:1:a", partitions=[0, 2, 5, 11], of=16, under_way=312, ended=1_234_567,
    outcomes={"divergence": 1_234, "match": 1_200_000, "noise": 30_000, "timeout": 15},
    redelivered=0, fate_unknown=12, expired=0, shifts=2, waiting=98_765,
    waiting_bytes=123_456_789, broker=True,
)  # fmt: skip


def shown(status: Status, width: int) -> list[str]:
    """Return the lines that stand on a terminal of so many columns."""
    console = Console(width=width, file=io.StringIO())
    with console.capture() as captured:
        console.print(Screen(as_json=False)._grid(status))
    return [line.rstrip() for line in captured.get().splitlines()]


def test_a_status_is_whole_on_a_narrow_terminal() -> None:
    """The most frequent outcome comes first, and none is torn at the end of a line."""
    assert [
        "partitions  4 of 16: 0, 2, 5, 11",
        "exchanges   1,234,567 ended · 312 under way · 0/s",
        "broker      98,765 messages wait (117.7 MiB)",
        "outcomes    1,200,000 match   30,000 noise",
        "            1,234 divergence  15 timeout",
        "unknown     12 writes, not sent again",
        "anew        once; what was not written is done over",
    ] == shown(STATUS, 52)


def test_a_worker_without_a_broker_or_a_share_says_so() -> None:
    """Both pass by themselves, and look like a fault until one is told."""
    idle = msgspec.structs.replace(
        STATUS, partitions=[], ended=0, under_way=0, outcomes={}, fate_unknown=0,
        shifts=1, broker=False, waiting=None, waiting_bytes=None,
    )  # fmt: skip

    assert [
        "partitions  0 of 16; waiting for its share",
        "exchanges   0 ended · 0 under way · 0/s",
        "broker      is away; it is tried again",
    ] == shown(idle, 80)
