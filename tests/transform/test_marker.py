"""The marker says that a request is a copy; with a secret, only ours says so."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shadow_middleware.transform.marker import Marker, make, read

ids = st.text("0123456789abcdef-", min_size=1, max_size=40)


@given(ids, st.integers(0, 999), st.text(max_size=20), st.integers(0, 2**33))
def test_what_is_made_can_be_read(name: str, hop: int, secret: str, at: int) -> None:
    """Signed and unsigned markers go there and back."""
    value = make(name, hop=hop, secret=secret, at=at)

    assert Marker(name, hop) == read(value, secret=secret, now=at)


def test_without_a_secret_it_is_the_id_and_the_hop_count() -> None:
    """What a shadow sees, and may mute its mail by (W17)."""
    assert b"5f3a-1c;hop=1" == make("5f3a-1c")


def test_an_unsigned_marker_has_no_effect_where_there_is_a_secret() -> None:
    """W27: a client cannot switch the shadowing off by forging one."""
    assert read(make("a"), secret="s") is None


def test_a_signature_of_another_secret_has_no_effect() -> None:
    """W27: nor by signing it with something else."""
    assert read(make("a", secret="x"), secret="s") is None


@given(st.integers(0, 100), st.binary(min_size=1, max_size=1))
def test_a_signed_marker_cannot_be_changed(place: int, byte: bytes) -> None:
    """W27: every byte of it is under the signature."""
    value = make("abc-1", hop=1, secret="s", at=1_700_000_000)
    place %= len(value)
    changed = value[:place] + byte + value[place + 1 :]

    assert changed == value or read(changed, secret="s") is None


@pytest.mark.parametrize(("now", "counts"), [(1000, True), (4600, True), (4601, False)])
def test_a_signed_marker_grows_old(now: float, counts: bool) -> None:
    """One that leaked does not work for ever."""
    value = make("a", secret="s", at=1000)

    assert counts is (read(value, secret="s", now=now) is not None)


def test_a_signed_marker_is_read_where_there_is_no_secret() -> None:
    """Two apps of which only one has a secret do not loop."""
    assert Marker("a", 2) == read(make("a", hop=2, secret="s", at=1))


@given(st.binary(max_size=200))
def test_no_bytes_upset_the_reader(value: bytes) -> None:
    """A client may send anything."""
    read(value)
    assert read(value, secret="s") is None


@pytest.mark.parametrize("name", ["", "a b", "a\r\nX: 1", "a;hop=2", "x" * 129, "é"])
def test_an_id_that_cannot_stand_in_a_header_is_refused(name: str) -> None:
    """The header is ours; nothing in it may break it (W22)."""
    with pytest.raises(ValueError, match="not an id"):
        make(name)
