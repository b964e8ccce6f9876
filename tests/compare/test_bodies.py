"""Codings, text, forms, bytes, and bodies that were cut. W8 W11"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable
from typing import Any

import brotli
import pytest
import zstandard

from shadow_middleware.compare import Comparison
from shadow_middleware.compare.decode import decode
from shadow_middleware.settings import Rule, Settings
from tests.compare.making import answer, body, compare, found

TEXT = b'{"items": [1, 2, 3]}' * 20
CODED = {
    "gzip": gzip.compress(TEXT),
    "deflate": zlib.compress(TEXT),
    "br": brotli.compress(TEXT),
    "zstd": zstandard.compress(TEXT),
}
MIB = 1024 * 1024


def coded(data: Any, coding: str, kind: str = "application/json") -> Any:
    """An answer in a content coding."""
    return answer(data, kind=kind, headers=((b"Content-Encoding", coding.encode()),))


@pytest.mark.parametrize("coding", CODED)
def test_every_coding_is_taken_off(coding: str) -> None:
    """All of the data, to the last byte."""
    assert (TEXT, "whole") == decode(CODED[coding], [coding], MIB)


def test_bare_deflate_and_stacked_codings_are_taken_off() -> None:
    """Some servers send deflate without its zlib frame."""
    bare = zlib.compressobj(wbits=-15)
    data = bare.compress(TEXT) + bare.flush()

    assert (TEXT, "whole") == decode(data, ["deflate"], MIB)
    assert (TEXT, "whole") == decode(gzip.compress(CODED["br"]), ["br", "gzip"], MIB)
    assert (TEXT * 2, "whole") == decode(CODED["gzip"] * 2, ["gzip"], MIB)


@pytest.mark.parametrize("coding", CODED)
def test_a_bomb_expands_to_the_cap_and_no_further(coding: str) -> None:
    """W8: 64 MiB of nothing stop at the cap."""
    packers: dict[str, Callable[[bytes], bytes]] = {
        "gzip": gzip.compress,
        "deflate": zlib.compress,
        "br": lambda data: brotli.compress(data, quality=1),
        "zstd": zstandard.compress,
    }
    found_data, state = decode(packers[coding](bytes(64 * MIB)), [coding], 1000)

    assert (1000, "part") == (len(found_data), state)


@pytest.mark.parametrize("coding", CODED)
def test_what_is_cut_short_is_a_part(coding: str) -> None:
    """And what is no such coding is broken."""
    assert "part" == decode(CODED[coding][:-3], [coding], MIB).state
    assert "broken" == decode(b"\x01\x02 no such thing", [coding], MIB).state
    assert "broken" == decode(TEXT, ["unheard-of"], MIB).state


@pytest.mark.parametrize("coding", CODED)
def test_another_coding_of_the_same_data_is_explained(coding: str) -> None:
    """W11: compressed bodies are compared by what is in them."""
    plain = answer(TEXT, kind="application/json")
    comparison = compare(plain, coded(CODED[coding], coding))

    assert "explained" == comparison.result
    assert "content-encoding" in comparison.explained


def test_compressed_bodies_that_differ_are_different() -> None:
    """W11: they are not taken for equal because they are compressed."""
    live, shadow = (gzip.compress(b'{"a":%d}' % n) for n in (1, 2))

    assert [("changed", "/a")] == found(
        compare(coded(live, "gzip"), coded(shadow, "gzip"))
    )


def test_a_body_that_is_not_in_its_coding_is_different() -> None:
    """And the note says which side lies."""
    comparison = compare(coded(CODED["gzip"], "gzip"), coded(b"plain", "gzip"))

    assert "different" == comparison.result
    assert "the shadow body is not the gzip" in comparison.differences[0].note


def test_bombs_that_differ_beyond_the_cap_prove_nothing() -> None:
    """W8: they are incomparable, and the setting is named."""
    live, shadow = (gzip.compress(bytes(MIB) + end) for end in (b"1", b"2"))
    settings = Settings(max_expanded_body=1000)
    comparison = compare(coded(live, "gzip"), coded(shadow, "gzip"), settings)

    assert "incomparable" == comparison.result
    assert "max_expanded_body" in comparison.hint


def test_text_is_compared_by_lines() -> None:
    """A line put in front is one line put in front."""
    lines = [f"line {n}" for n in range(50)]
    live = "\n".join(lines).encode()
    shadow = "\n".join(["new", *lines]).encode()
    kind = "text/html; charset=utf-8"

    assert [("added", "/0")] == found(
        compare(answer(live, kind=kind), answer(shadow, kind=kind))
    )


@pytest.mark.parametrize(
    "shadow", [b"\xef\xbb\xbfcaf\xc3\xa9", "café".encode("utf-16")]
)
def test_text_with_another_byte_order_mark_is_explained(shadow: Any) -> None:
    """The characters are the same."""
    comparison = compare(
        answer("café".encode(), kind="text/plain"), answer(shadow, kind="text/plain")
    )

    assert ("explained", ("charset",)) == (comparison.result, comparison.explained)


def test_lines_that_match_a_pattern_can_be_ignored() -> None:
    """A token in a page is no difference."""
    live, shadow = (b"<a>\n<input name=csrf value=%d>\n" % n for n in (1, 2))
    rules = (Rule(path="/*", matches=".*csrf.*"),)
    comparison = compare(
        answer(live, kind="text/html"),
        answer(shadow, kind="text/html"),
        Settings(rules=rules),
    )

    assert "explained" == comparison.result


def test_forms_are_compared_by_field() -> None:
    """W11: with every value of a field."""
    kind = "application/x-www-form-urlencoded"

    def forms(live: bytes, shadow: bytes) -> Any:
        return compare(answer(live, kind=kind), answer(shadow, kind=kind))

    assert [("changed", "/a/1")] == found(forms(b"a=1&a=2", b"a=1&a=3"))
    assert [("missing", "/b")] == found(forms(b"a=1&b=", b"a=1"))
    assert ("form-formatting",) == forms(b"a=1&b=2", b"b=2&a=%31").explained
    assert "different" == forms(b"a=%ff", b"a=%fe").result


def test_other_bodies_are_compared_by_bytes() -> None:
    """W11: with length, digest and the first byte that differs."""
    comparison = compare(
        answer(b"\x89PNG12", kind="image/png"), answer(b"\x89PNG13x", kind="image/png")
    )
    difference = comparison.differences[0]

    assert [("changed", "")] == found(comparison)
    assert "first differing byte at offset 5" == difference.note
    assert difference.live.startswith("6 bytes, sha256 ")


@pytest.mark.parametrize(
    ("live", "shadow", "result"),
    [
        (b"a" * 100, b"a" * 100, "equal"),
        (b"a" * 100, b"a" * 99 + b"b", "different"),
        (b"a" * 100, b"a" * 101, "different"),
        (b"a" * 100, b"b" + b"a" * 99, "different"),
    ],
)
def test_cut_bodies_are_decided_by_length_digest_and_prefix(
    live: Any, shadow: Any, result: Any
) -> None:
    """W11: what can be told is told."""
    comparison = compare(answer(body(live, 10)), answer(body(shadow, 20)))
    whole = compare(answer(body(live, 10)), answer(body(shadow)))

    assert [result, result] == [comparison.result, whole.result]


def test_cut_bodies_that_a_rule_may_explain_prove_nothing() -> None:
    """The rule cannot be applied to what is not there."""
    settings = Settings(ignore_paths=("/at",))
    comparison = compare(
        answer(body(b"a" * 100, 10)), answer(body(b"b" * 100, 10)), settings
    )

    assert "incomparable" == comparison.result
    assert "max_response_body" in comparison.hint


def test_cut_compressed_bodies_prove_nothing_where_their_start_is_the_same() -> None:
    """The same data can be compressed in many ways."""
    live, shadow = (gzip.compress(TEXT * 50, n, mtime=0) for n in (1, 9))
    comparison = compare(coded(body(live, 40), "gzip"), coded(body(shadow, 40), "gzip"))

    assert "incomparable" == comparison.result


def test_a_label_that_differs_is_the_only_difference_of_the_same_json() -> None:
    """A wrong Content-Type does not make the bodies differ."""
    comparison = compare(
        answer(b'{"a":1}', kind="application/json"),
        answer(b'{"a": 1}', kind="text/html"),
    )

    assert [("changed", "content-type")] == found(comparison)


def test_expanded_parts_that_differ_are_different() -> None:
    """A prefix that differs decides, even of a body that is too large."""
    live, shadow = (gzip.compress(start + bytes(MIB)) for start in (b"1", b"2"))
    settings = Settings(max_expanded_body=1000)
    comparison = compare(coded(live, "gzip"), coded(shadow, "gzip"), settings)

    assert ("different", True) == (comparison.result, comparison.cut)


def test_what_follows_the_end_of_a_coding_breaks_it() -> None:
    """It would be lost without a word."""
    assert "broken" == decode(CODED["deflate"] + b"more", ["deflate"], MIB).state
    assert "broken" == decode(CODED["gzip"] + b"more", ["gzip"], MIB).state
    assert (b"", "whole") == decode(b"", ["br"], MIB)


def test_a_text_of_too_many_lines_is_told_by_its_first_difference() -> None:
    """And the same characters in another charset are explained all the same."""
    live, shadow = "a\n" * 30_000, "a\n" * 20_000 + "b\n" + "a\n" * 9_999

    def result(one: bytes, other: bytes) -> Comparison:
        return compare(answer(one, kind="text/plain"), answer(other, kind="text/plain"))

    different = result(live.encode(), shadow.encode())

    assert [("changed", "/20000")] == found(different)
    assert different.cut
    assert ("charset",) == result(live.encode(), live.encode("utf-16")).explained


def test_text_in_a_charset_that_it_is_not_in_is_compared_by_bytes() -> None:
    """The note says so."""
    kind = "text/plain; charset=ascii"
    comparison = compare(answer(b"\xff", kind=kind), answer(b"\xfe", kind=kind))

    assert "not text in the stated charset" in comparison.differences[0].note


def test_a_shadow_cannot_choose_any_codec() -> None:
    """Punycode takes quadratic time, so it is not among those decoded."""
    kind = "text/plain; charset=punycode"
    comparison = compare(answer(b"a-b", kind=kind), answer(b"a-c", kind=kind))

    assert [("changed", "/0")] == found(comparison)
