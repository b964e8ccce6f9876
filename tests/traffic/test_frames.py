"""Capture files that are whole, torn, damaged or hostile."""

from __future__ import annotations

import gzip
import io
import random
import tracemalloc
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from shadow_middleware.errors import ConfigurationError
from shadow_middleware.traffic import frames
from shadow_middleware.traffic.files import (
    PART,
    CaptureFile,
    framing_of,
    open_capture,
)
from shadow_middleware.traffic.frames import Damage, Line, lines_of
from shadow_middleware.traffic.ndjson import Head, encode, encode_plain
from shadow_middleware.traffic.recorded import BadRecord, Recorded
from tests.traffic.making import a_record, any_record

HEAD = Head(1, "test")
ENDINGS = ("x.ndjson", "x.ndjson.gz", "x.ndjson.zst")
FRAMED = ENDINGS[1:]


def framed(records: list[Recorded], name: str, each: int = 10) -> bytes:
    """Return a file of frames that hold `each` records."""
    framing = framing_of(name)
    data = b""
    for number, record in enumerate(records, 1):
        data += framing.add(encode(record))
        if number % each == 0:
            data += framing.end()
    return data + framing.end()


def read(data: bytes) -> tuple[list[str], list[str]]:
    """Return the ids that can be read of a file, and what is said of the rest."""
    ids, said = [], []
    for each in open_capture(io.BytesIO(data)):
        if isinstance(each, Recorded):
            ids.append(each.exchange.id)
        else:
            said.append(each.reason)
    return ids, said


def ids_of(records: list[Recorded]) -> list[str]:
    """Return the ids of these records."""
    return [record.exchange.id for record in records]


RECORDS = [a_record(number) for number in range(30)]


@pytest.mark.parametrize("ending", ENDINGS)
@given(records=st.lists(any_record, max_size=4))
@settings(max_examples=30)
def test_a_file_gives_back_what_was_written(
    tmp_path_factory: pytest.TempPathFactory, ending: str, records: list[Recorded]
) -> None:
    """Whatever its framing, every exchange comes back byte for byte."""
    path = tmp_path_factory.mktemp("capture") / ending
    with CaptureFile(path, HEAD) as file:
        for record in records:
            file.add(record)

    back = [each for each in open_capture(path) if isinstance(each, Recorded)]
    assert [r.exchange for r in records] == [r.exchange for r in back]
    assert 0o600 == path.stat().st_mode & 0o777


def written(path: Path, *, stops: bool) -> None:
    """Write a file of one record, to its end or not."""
    with CaptureFile(path, HEAD) as file:
        file.add(RECORDS[0])
        if stops:
            raise ValueError("stopped")


@pytest.mark.parametrize(
    ("stops", "raised", "words"),
    [(True, ValueError, "stopped"), (False, OSError, "No space left")],
)
def test_a_full_disk_leaves_nothing_behind(
    tmp_path: Path, stops: bool, raised: type[Exception], words: str
) -> None:
    """Neither a draft nor a file, and it is told why the writing ended."""
    (tmp_path / f"a.ndjson{PART}").symlink_to("/dev/full")

    with pytest.raises(raised, match=words):
        written(tmp_path / "a.ndjson", stops=stops)

    assert [] == list(tmp_path.iterdir())


@pytest.mark.parametrize("name", FRAMED)
def test_a_file_torn_anywhere_loses_its_last_record_at_most(name: str) -> None:
    """Cut at every offset: what was written before the torn record is read."""
    framing = framing_of(name)
    ends, data = [], b""
    for record in RECORDS[:12]:
        data += framing.add(encode(record))
        ends.append(len(data))
    for size in range(len(data) + 1):
        whole = sum(end <= size for end in ends)

        ids, _ = read(data[:size])

        assert ids_of(RECORDS[:whole]) == ids[:whole]
        assert len(ids) <= whole + 1


@pytest.mark.parametrize("name", FRAMED)
def test_a_flipped_bit_costs_what_is_left_of_its_frame(name: str) -> None:
    """Frames before and after are whole; nothing false is read; it is always said."""
    data = framed(RECORDS, name)
    borders = [len(framed(RECORDS[:n], name)) for n in (0, 10, 20, 30)]
    chance = random.Random(7)
    for at in range(0, len(data), 3):
        frame = sum(border <= at for border in borders) - 1
        broken = bytearray(data)
        broken[at] ^= 1 << chance.randrange(8)

        ids, said = read(bytes(broken))

        others = RECORDS[: frame * 10] + RECORDS[frame * 10 + 10 :]
        assert set(ids_of(others)) <= set(ids) <= set(ids_of(RECORDS))
        assert said or ids == ids_of(RECORDS)


@given(st.binary(max_size=2000))
def test_any_bytes_are_read_to_their_end(data: bytes) -> None:
    """No file at all raises, whatever it begins with."""
    for begin in (b"", frames.ZSTD, frames.GZIP + b"\x00", b"{"):
        read(begin + data)


@given(st.data())
def test_rubbish_between_frames_is_passed_over(data: st.DataObject) -> None:
    """Whatever was overwritten, what stands before and after it is read."""
    rubbish = data.draw(st.binary(min_size=1, max_size=500))
    name = data.draw(st.sampled_from(FRAMED))
    parts = [framed(RECORDS[:10], name), framed(RECORDS[10:20], name)]

    ids, said = read(parts[0] + rubbish + parts[1])

    assert ids_of(RECORDS[:20]) == ids
    assert said or rubbish[:4].endswith(b"\x2a\x4d\x18")


def test_files_of_several_framings_in_a_row_are_one() -> None:
    """`cat` of capture files is a capture file."""
    data = framed(RECORDS[:5], "a.gz") + framed(RECORDS[5:9], "b.zst")

    assert (ids_of(RECORDS[:9]), []) == read(data)


@pytest.mark.parametrize("compress", [gzip.compress, zstandard.compress])
def test_a_file_that_another_tool_compressed_is_read(compress: object) -> None:
    """One frame for all, or lines across members, is no matter."""
    text = b"".join(map(encode, RECORDS))
    assert callable(compress)
    halves = compress(text[:1000]) + compress(text[1000:])

    assert (ids_of(RECORDS), []) == read(compress(text))
    assert (ids_of(RECORDS), []) == read(halves)


def test_a_newer_file_is_refused_and_the_one_behind_it_is_read() -> None:
    """A version that may mean something else is not guessed at."""
    newer = encode_plain(Head(2)) + encode(RECORDS[0])
    ids, said = read(newer + encode(HEAD) + encode(RECORDS[1]))

    assert ids_of(RECORDS[1:2]) == ids
    assert 1 == len(said)
    assert "upgrade shadow-middleware" in said[0]


# --- hostile ------------------------------------------------------------------------


def peak_of(items: Iterator[Line | Damage]) -> tuple[int, list[Line | Damage]]:
    """Return the most memory that reading took, and the first things it gave."""
    tracemalloc.start()
    try:
        given = list(islice(items, 5))
        for _ in items:
            pass
        return tracemalloc.get_traced_memory()[1], given
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("compress", [gzip.compress, zstandard.compress])
def test_a_bomb_is_given_up_in_bounded_memory(
    monkeypatch: pytest.MonkeyPatch, compress: object
) -> None:
    """A small file that claims to be huge costs what the bounds allow."""
    monkeypatch.setattr(frames, "MAX_LINE", 1 << 20)
    monkeypatch.setattr(frames, "_FREE", 1 << 20)
    monkeypatch.setattr(frames, "_RATIO", 100)
    assert callable(compress)
    bomb = compress(bytes(200 << 20))

    peak, given = peak_of(lines_of(io.BytesIO(bomb)))

    assert peak < 64 << 20
    assert any("expands" in d.reason for d in given if isinstance(d, Damage))


def test_an_endless_line_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is named once, and what follows it is read."""
    monkeypatch.setattr(frames, "MAX_LINE", 1 << 20)
    data = b'{"a":"' + b"x" * (4 << 20) + b'"}\n' + encode(RECORDS[0])

    peak, given = peak_of(lines_of(io.BytesIO(data)))

    assert peak < 4 << 20
    assert isinstance(given[0], Damage)
    assert "a line of" in given[0].reason
    assert Line(2, encode(RECORDS[0]).strip()) == given[1]


def test_frames_in_frames_cost_no_more_than_the_file_is_long() -> None:
    """A damaged frame full of beginnings of frames is not read again for each."""
    block = (len(frames.ZSTD) + 6 << 3).to_bytes(3, "little")
    nested = (frames.ZSTD + b"\x00\x58" + block) * 100_000

    ids, said = read(nested)

    assert [] == ids
    assert said


def test_a_frame_that_claims_to_be_skipped_for_gigabytes_hides_nothing() -> None:
    """A length that cannot be ours is damage, and what stands behind it is read."""
    claim = b"\x50\x2a\x4d\x18\xff\xff\xff\xff"

    ids, said = read(claim + framed(RECORDS[:5], "x.zst"))

    assert ids_of(RECORDS[:5]) == ids
    assert said


def test_bad_records_say_where_they_are(tmp_path: Path) -> None:
    """File and line, as an editor takes them."""
    path = tmp_path / "a.ndjson"
    path.write_bytes(encode_plain(HEAD) + b"nothing\n" + encode_plain(RECORDS[0]))

    bad, good = open_capture(path)

    assert isinstance(bad, BadRecord)
    assert (f"{path}:2", "nothing") == (bad.place, bad.sample)
    assert isinstance(good, Recorded)
    assert f"{path}:3" == good.place


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    """A wrong name, an empty directory: a message that says what would be right."""
    with pytest.raises(ConfigurationError, match="no such file"):
        list(open_capture(tmp_path / "nowhere"))
    with pytest.raises(ConfigurationError, match=r"end with \.ndjson"):
        list(open_capture(tmp_path))


def test_rotated_files_are_read_in_order(tmp_path: Path) -> None:
    """A directory and a glob give their files by name, whichever was made first."""
    for number in (2, 1):
        with CaptureFile(tmp_path / f"{number}.ndjson.zst", HEAD) as file:
            file.add(a_record(number))
    expected = ids_of([a_record(1), a_record(2)])
    for source in (tmp_path, str(tmp_path / "*.zst")):
        found = [r.exchange.id for r in open_capture(source) if isinstance(r, Recorded)]
        assert expected == found


def test_a_file_that_was_not_finished_leaves_no_name(tmp_path: Path) -> None:
    """Whoever finds a file under its name finds all of it."""
    path = tmp_path / "a.ndjson"
    file = CaptureFile(path, HEAD)
    file.add(RECORDS[0])
    with pytest.raises(ZeroDivisionError), file:
        raise ZeroDivisionError

    assert [] == list(tmp_path.iterdir())
