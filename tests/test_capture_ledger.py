"""Bodies that are still being collected are bounded all together, not only each."""

from __future__ import annotations

import hashlib

from shadow_middleware.capture import Collector
from shadow_middleware.live import BodyLedger


def test_collectors_share_one_room_and_give_it_back() -> None:
    """W8 W9: past the room a body is cut, with length and digest; gone, it frees room."""
    ledger = BodyLedger(lambda: 10)
    first, second = Collector(100, ledger), Collector(100, ledger)

    first.feed(b"12345678")
    second.feed(b"abc")
    second.feed(b"d")
    cut = second.parts
    del first, second
    third = Collector(100, ledger)
    third.feed(b"0123456789")

    assert (b"", 4, hashlib.sha256(b"abcd").digest()) == cut
    assert (b"0123456789", 10, None) == third.parts


def test_what_was_kept_before_the_room_ended_stays() -> None:
    """W8: a body is cut where the room ends; its digest covers every byte."""
    room = [10]
    collector = Collector(100, BodyLedger(lambda: room[0]))
    collector.feed(b"first ")
    room[0] = 0
    collector.feed(b"second")

    expected = hashlib.sha256(b"first second").digest()
    assert (b"first ", 12, expected) == collector.parts
