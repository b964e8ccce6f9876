"""The parts of the broker that need no broker: sealing, joining, sharing out, waiting."""

from __future__ import annotations

import base64
import os
from pathlib import Path
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shadow_middleware.broker.envelope import Envelope, decode, encode, token_of
from shadow_middleware.broker.item import Item
from shadow_middleware.broker.outgoing import Outgoing
from shadow_middleware.broker.seal import Seal
from shadow_middleware.broker.spool import Spool
from shadow_middleware.errors import DecodeError
from shadow_middleware.evidence import Mark
from shadow_middleware.store.partitions import Leased, Tenure, View
from shadow_middleware.worker.assembly import Assembly
from shadow_middleware.worker.balance import Balance
from shadow_middleware.worker.gate import Gate
from shadow_middleware.worker.partition import Crew, Partition
from tests.broker.staging import exchange


def key() -> str:
    """Return a new key."""
    return base64.b64encode(os.urandom(32)).decode()


def item(number: int, size: int = 10, name: str = "k") -> Item:
    """Return something that is to be published."""
    return Item(f"abc-{number:x}", "t", bytes(size), name, "abc")


# --- messages ---------------------------------------------------------------------------


def test_an_exchange_is_the_same_on_the_other_side() -> None:
    """Nothing of an exchange is lost or changed on the way."""
    sent = exchange(7, "POST", body=b"\x00\xff")
    envelope = decode(encode(Envelope(1, sent, ("shadow",))))

    assert envelope.exchange is not None
    assert (sent.id, sent.request.body, sent.key) == (
        envelope.exchange.id,
        envelope.exchange.request.body,
        envelope.exchange.key,
    )


def test_what_is_no_envelope_is_refused() -> None:
    """Bytes of others, and versions to come, are an error of ours and no other."""
    with pytest.raises(DecodeError, match="does not decode"):
        decode(b"\xc1")
    with pytest.raises(DecodeError, match="of version 9"):
        decode(encode(Envelope(9, None)))


def test_one_key_has_one_token() -> None:
    """The stream divides by the key, and by nothing else of an exchange."""
    assert token_of(exchange(1, key="a")) == token_of(exchange(2, "POST", key="a"))
    assert token_of(exchange(1, key="a")) != token_of(exchange(1, key="b"))
    assert token_of(exchange(1, key=None)) != token_of(exchange(2, key=None))


def test_a_sealed_message_is_opened_by_its_key_and_name_alone() -> None:
    """Another key, another name, a changed byte or no seal at all: none is taken."""
    ours, other = key(), key()
    closed = Seal([ours]).close(b"secret", b"abc-1")

    assert b"secret" not in closed
    assert b"secret" == Seal([other, ours]).open(closed, b"abc-1")
    for seal, data, name in (
        (Seal([other]), closed, b"abc-1"),
        (Seal([ours]), closed, b"abc-2"),
        (Seal([ours]), closed[:-1] + b"!", b"abc-1"),
        (Seal([ours]), Seal([]).close(b"secret", b"abc-1"), b"abc-1"),
        (Seal([]), closed, b"abc-1"),
    ):
        with pytest.raises(DecodeError):
            seal.open(data, name)


@given(st.lists(st.binary(min_size=1, max_size=5), min_size=1, max_size=8))
def test_parts_are_joined_to_what_they_were(parts: list[bytes]) -> None:
    """However many messages an exchange takes, it is one again."""
    assembly = Assembly()
    number = len(parts)
    found = [
        assembly.add(f"abc-1/{n}", f"{n}/{number}", part, 100 + n)
        for n, part in enumerate(parts, 1)
    ]

    assert [None] * (number - 1) == [whole for whole, _ in found[:-1]]
    whole, over = found[-1]
    assert whole is not None
    assert ("abc-1", b"".join(parts)) == (whole.id, whole.data)
    assert tuple(range(101, 101 + number)) == whole.places
    assert [] == over


def test_parts_that_will_never_be_whole_are_given_up() -> None:
    """Their places are settled once something later of their publisher comes."""
    assembly = Assembly()
    assembly.add("abc-1/1", "1/3", b"x", 10)

    assert (None, []) == assembly.add("def-9/1", "1/2", b"x", 11)
    whole, over = assembly.add("abc-2", "", b"y", 12)
    assert whole is not None
    assert ("abc-2", [10]) == (whole.id, over)
    whole, over = assembly.add("def-9/2", "2/2", b"y", 13)
    assert whole is not None
    assert ((11, 13), []) == (whole.places, over)


def test_a_part_that_comes_twice_is_taken_once() -> None:
    """A publisher that was not heard may say it again."""
    assembly = Assembly()
    assembly.add("abc-1/1", "1/2", b"x", 10)

    assert (None, [11]) == assembly.add("abc-1/1", "1/2", b"x", 11)


# --- waiting ----------------------------------------------------------------------------


def test_what_is_not_confirmed_is_published_again_first(tmp_path: Path) -> None:
    """A connection that breaks takes nothing with it, and changes no order."""
    outgoing = Outgoing(10, 1_000)
    for n in range(4):
        assert outgoing.offer(item(n))
    first, second = outgoing.next(), outgoing.next()
    assert first is not None
    assert second is not None
    outgoing.done(first)
    outgoing.take_back()

    left = [one.id for one in iter(outgoing.next, None)]
    assert ["abc-1", "abc-2", "abc-3"] == left


def test_the_bounds_of_memory_hold() -> None:
    """In count and in bytes; but one that is larger than all of it may go alone."""
    few, small = Outgoing(2, 1_000), Outgoing(10, 15)

    assert [True, True, False] == [few.offer(item(n)) for n in range(3)]
    assert [True, False] == [small.offer(item(n)) for n in range(2)]
    assert Outgoing(1, 1).offer(item(1, 5_000))


def test_what_waits_on_disk_comes_in_order_and_survives_its_process(
    tmp_path: Path,
) -> None:
    """Memory first, then disk; what was not done with is there for the next agent."""
    outgoing = Outgoing(3, 10_000, Spool(tmp_path / "s", 100_000))
    for n in range(10):
        assert outgoing.offer(item(n))
    assert 7 == outgoing.on_disk
    for n in range(5):
        one = outgoing.next()
        assert one is not None
        assert f"abc-{n:x}" == one.id
        outgoing.done(one)
    assert [] == outgoing.close()

    again = Outgoing(100, 10_000, Spool(tmp_path / "s", 100_000))
    left = [one.id for one in iter(again.next, None)]
    assert [f"abc-{n:x}" for n in range(5, 10)] == left
    again.close()


def test_what_waited_in_memory_is_kept_on_disk_at_the_end(tmp_path: Path) -> None:
    """An agent that ends while the broker is away leaves all of it, in order."""
    outgoing = Outgoing(3, 10_000, Spool(tmp_path / "s", 100_000))
    for n in range(5):
        outgoing.offer(item(n))
    assert [] == outgoing.close()

    again = Outgoing(100, 10_000, Spool(tmp_path / "s", 100_000))
    found = list(iter(again.next, None))
    assert [f"abc-{n:x}" for n in range(5)] == [one.id for one in found]
    for one in found:
        again.done(one)
    again.close()
    assert not (tmp_path / "s").exists()


def test_a_file_that_a_kill_cut_off_is_read_up_to_there(tmp_path: Path) -> None:
    """Half an item at the end costs no other one."""
    spool = Spool(tmp_path / "s", 100_000)
    for n in range(3):
        spool.append(item(n))
    spool.close()
    [path] = (tmp_path / "s").glob("*.spool")
    path.write_bytes(path.read_bytes()[:-5])

    again = Spool(tmp_path / "s", 100_000)
    assert ["abc-0", "abc-1"] == [one.id for _, one in iter(again.next, None)]
    again.close()


def test_the_bound_of_the_disk_holds_and_one_process_has_it(tmp_path: Path) -> None:
    """What does not fit is refused; a second process is, too."""
    spool = Spool(tmp_path / "s", 100)

    assert [True, False] == [spool.append(item(n, 40)) for n in range(2)]
    with pytest.raises(OSError, match=r"."):
        Spool(tmp_path / "s", 100)
    spool.close()


# --- sharing out ------------------------------------------------------------------------


def view(owners: str, beats: dict[str, int], beat: int = 1) -> View:
    """Return a view of partitions whose owners are letters; a dot is nobody."""
    leases = tuple(
        Leased(k, "" if who == "." else who, 1, beat) for k, who in enumerate(owners)
    )
    return View(beats, leases)


def test_a_worker_that_joins_gets_its_share_and_no_more_moves() -> None:
    """The others give back what is above their share; the rest stays where it is."""
    seen = view("aaaaaaaa", {"a": 1, "b": 1})
    a, b = Balance("a", 10.0), Balance("b", 10.0)
    a.look(seen, 0.0)
    b.look(seen, 0.0)

    assert [4, 5, 6, 7] == a.moves(seen, range(8), 0.0).give
    assert [] == b.moves(seen, [], 0.0).take


def test_what_is_free_is_taken_up_to_a_fair_share() -> None:
    """Two workers take from different ends, so that few want the same."""
    seen = view("........", {"a": 1, "b": 1})
    a, b = Balance("a", 10.0), Balance("b", 10.0)
    a.look(seen, 0.0)
    b.look(seen, 0.0)

    first = [one.partition for one in a.moves(seen, [], 0.0).take]
    second = [one.partition for one in b.moves(seen, [], 0.0).take]
    assert list(range(8)) == sorted(first + second)


def test_a_worker_that_does_not_move_loses_its_share_when_the_lease_is_over() -> None:
    """Not before, whatever clocks say: only what moves counts."""
    a = Balance("a", 10.0)
    a.look(view("abab", {"a": 1, "b": 5}), 0.0)
    later = view("abab", {"a": 2, "b": 5})
    a.look(later, 9.9)

    assert [] == a.moves(later, [0, 2], 9.9).take
    assert [1, 3] == [one.partition for one in a.moves(later, [0, 2], 10.0).take]
    assert ["a"] == a.living(10.0)
    assert ["b"] == a.gone(101.0)


def test_the_gate_shuts_before_anybody_else_may_take_over() -> None:
    """Also where nothing ran meanwhile: it is the clock that shuts it."""
    now = [0.0]
    gate = Gate(10.0, lambda: now[0])
    before = gate.is_open
    gate.renewed(0.0)
    now[0] = 7.9
    still = gate.is_open
    now[0] = 8.0

    assert (False, True, False) == (before, still, gate.is_open)


def test_a_partition_given_back_early_forgets_no_write_of_an_earlier_owner() -> None:
    """Else whoever has it next would send those again that the first may have sent."""
    taken = Tenure(0, 2, Mark(3, (), claimed=1_000))
    partition = Partition(taken, cast("Crew", None), 60.0)

    assert partition.unclaimed is None

    partition._ledger.begin(1_200)
    partition._ledger.settle(1_200)
    partition._ledger.claimed = 1_500

    assert 1_201 == partition.unclaimed
