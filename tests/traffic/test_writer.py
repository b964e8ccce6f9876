"""The agent's capture: written, rotated, counted, whatever the disk does."""

from __future__ import annotations

import errno
import fcntl
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from shadow_middleware.exchange import Exchange, Request, Response
from shadow_middleware.settings import Settings
from shadow_middleware.traffic import rotation
from shadow_middleware.traffic.files import PART, open_capture, read_file
from shadow_middleware.traffic.frames import ZSTD
from shadow_middleware.traffic.ndjson import Account, Head
from shadow_middleware.traffic.recorded import BadRecord, Recorded
from shadow_middleware.traffic.writer import CaptureWriter, Tally
from tests.traffic.making import a_record


def until(there: Callable[[], Any], seconds: float = 90.0) -> Any:
    """Return what `there` finds, once it finds something."""
    pause, deadline = threading.Event(), time.monotonic() + seconds
    while not (found := there()):
        assert time.monotonic() < deadline
        pause.wait(0.01)
    return found


@contextmanager
def writing(folder: Path, **settings: Any) -> Iterator[CaptureWriter]:
    """Write captures to the folder, quickly."""
    interval = settings.pop("interval", 0.01)
    clock = settings.pop("clock", time.time)
    whole = Settings(capture_to=str(folder), **settings)
    writer = CaptureWriter(whole, clock=clock, interval=interval)
    try:
        yield writer
    finally:
        writer.close(10.0)


def exchange(number: int, **changes: object) -> Exchange:
    """Return a plain exchange."""
    return a_record(number, **changes).exchange


def read(folder: Path) -> tuple[list[str], list[Account]]:
    """Return the ids in all files of a folder, and what its writers account for."""
    ids, accounts = [], []
    for path in sorted(folder.glob("*.ndjson*")):
        for each in read_file(str(path)):
            if isinstance(each, Recorded):
                ids.append(each.exchange.id)
            elif isinstance(each, Account):
                accounts.append(each)
    return ids, accounts


def adds_up(tally: Tally) -> bool:
    """Whether every exchange that was taken is written, or counted, or waits."""
    return tally.taken == (
        tally.written + sum(tally.not_written.values()) + tally.waiting
    )


@pytest.mark.parametrize("coding", ["zstd", "gzip"])
def test_what_is_taken_is_written_soon_and_the_file_gets_its_name(
    tmp_path: Path, coding: str
) -> None:
    """Before the writer ends it can be read already; then it loses its `.part`."""
    with writing(tmp_path, capture_coding=coding) as writer:
        for number in range(5):
            writer.add(exchange(number), 100)
        until(
            lambda: len(list(open_capture(tmp_path))) == 5 if writer.tally.bytes else 0
        )
        (path,) = tmp_path.glob("*.ndjson*")
        assert path.name.endswith(PART)
        assert 0o600 == path.stat().st_mode & 0o777
    ids, accounts = read(tmp_path)

    assert [exchange(number).id for number in range(5)] == ids
    assert [Account(5, 5, closed=True)] == accounts
    (path,) = tmp_path.glob("*.ndjson*")
    assert {"zstd": ".zst", "gzip": ".gz"}[coding] == path.suffix


def test_nothing_secret_is_in_the_file_and_sessions_are_still_told_apart(
    tmp_path: Path,
) -> None:
    """Two writers of one directory give one session one mark."""
    request = Request("GET", b"/", b"token=s3cr3t", [(b"Cookie", b"sid=ann")])
    for _ in range(2):
        with writing(tmp_path, redact_headers=("x-tea",)) as writer:
            writer.add(exchange(1, request=request, key="ann"), 100)
    records = [each for each in open_capture(tmp_path) if isinstance(each, Recorded)]

    first, second = (each.exchange for each in records)
    assert first.key == second.key
    assert first.key != "ann"
    assert f"sid={first.key}".encode() == dict(first.request.headers)[b"Cookie"]
    assert b"s3cr3t" not in first.request.query
    assert ("request.query", "request.headers") == records[0].masked


def test_files_rotate_by_size_and_the_oldest_go(tmp_path: Path) -> None:
    """Each is readable by itself, and no more are kept than asked for."""
    with writing(tmp_path, capture_rotate_bytes=1, capture_keep_files=3) as writer:
        for number in range(6):
            writer.add(exchange(number), 100)
            until(lambda: not writer.tally.waiting)
    ids, _ = read(tmp_path)

    assert 3 == len(list(tmp_path.glob("*.ndjson.zst")))
    assert [exchange(number).id for number in (3, 4, 5)] == ids


def test_the_bytes_that_are_kept_are_bounded(tmp_path: Path) -> None:
    """With a bound on bytes, the newest stays in any case."""
    with writing(tmp_path, capture_rotate_bytes=1, capture_keep_bytes=1) as writer:
        for number in range(3):
            writer.add(exchange(number), 100)
            until(lambda: not writer.tally.waiting)

    assert [exchange(2).id] == read(tmp_path)[0]


def test_files_rotate_by_age(tmp_path: Path) -> None:
    """Also where nothing more comes."""
    now = [1000.0]
    settings: dict[str, Any] = {"capture_rotate_seconds": 60, "clock": lambda: now[0]}
    with writing(tmp_path, **settings) as writer:
        writer.add(exchange(1), 100)
        until(lambda: list(tmp_path.glob(f"*{PART}")))
        now[0] += 61.0

        assert until(lambda: list(tmp_path.glob("*.ndjson.zst")))


def test_what_the_queue_cannot_hold_is_counted(tmp_path: Path) -> None:
    """Nothing waits without bound, and the files say what is not in them."""
    with writing(tmp_path, queue_count=3, interval=60.0) as writer:
        for number in range(5):
            writer.add(exchange(number), 100)
        writer.dropped({"buffer_full": 4})
        assert Tally(9, 0, {"queue_full": 2, "buffer_full": 4}, 3, 0) == writer.tally
        tally = writer.close(10.0)

    assert adds_up(tally)
    assert 3 == tally.written
    accounts = read(tmp_path)[1]
    assert 9 == sum(each.taken for each in accounts)
    assert 6 == sum(sum(each.not_written.values()) for each in accounts)


def test_bytes_that_wait_are_bounded_too(tmp_path: Path) -> None:
    """A few huge bodies are as bad as many small ones."""
    with writing(tmp_path, queue_bytes=1000, interval=60.0) as writer:
        writer.add(exchange(1), 900)
        writer.add(exchange(2), 200)

        assert {"queue_full": 1} == writer.tally.not_written


def test_a_full_disk_is_told_and_counted_and_nothing_false_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """What waits is written when there is room again; half a write leaves no trace."""
    full, clock = [False], [0.0]
    real = os.write

    def write(file: int, data: Any) -> int:
        ours = threading.current_thread().name == "shadow-middleware-capture"
        if ours and full[0] and len(data) > 10:
            real(file, bytes(data)[:10])
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(file, data)

    monkeypatch.setattr(os, "write", write)
    with writing(tmp_path, queue_count=2, clock=lambda: clock[0]) as writer:
        writer.add(exchange(0), 100)
        until(lambda: writer.tally.written == 1)
        full[0] = True
        writer.add(exchange(1), 100)
        until(lambda: writer.tally.failure)
        writer.add(exchange(2), 100)
        writer.add(exchange(3), 100)
        assert {"no_space": 1} == writer.tally.not_written
        full[0], clock[0] = False, 100.0
        until(lambda: writer.tally.written == 3)
    assert adds_up(writer.tally)
    assert [exchange(number).id for number in range(3)] == read(tmp_path)[0]
    assert [] == [one for one in open_capture(tmp_path) if isinstance(one, BadRecord)]
    assert 2 == len(list(tmp_path.glob("*.ndjson.zst")))
    assert "No space left" in caplog.text
    assert "can be written again" in caplog.text


def test_a_folder_that_cannot_lock_is_tried_again_and_nothing_odd_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file without a lock is none: the next one is framed, and begins with its head."""
    away, clock, real = [True], [0.0], fcntl.flock

    def flock(file: int, how: int) -> None:
        if away[0]:
            raise OSError(errno.ENOLCK, "No locks available")
        real(file, how)

    monkeypatch.setattr(fcntl, "flock", flock)
    with writing(tmp_path, clock=lambda: clock[0]) as writer:
        writer.add(exchange(1), 100)
        until(lambda: writer.tally.failure)
        assert [] == list(tmp_path.glob("*.ndjson*"))
        away[0], clock[0] = False, 100.0
        until(lambda: writer.tally.written == 1)

    [path] = tmp_path.glob("*.ndjson*")
    assert path.read_bytes().startswith(ZSTD)
    assert isinstance(next(read_file(str(path))), Head)


def test_what_waits_behind_much_that_cannot_be_written_is_written(
    tmp_path: Path,
) -> None:
    """At the end all that waits is seen to, however little of it is worth a line."""
    with writing(tmp_path, interval=3600.0) as writer:
        for number in range(650):
            writer.add(exchange(number, live_error="\ud800"), 100)
        writer.add(exchange(650), 100)
        tally = writer.close(60.0)

    assert (1, {"unwritable": 650}) == (tally.written, tally.not_written)


def test_a_clock_that_goes_back_keeps_nobody_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that was full is tried again, though the hour of that has yet to come."""
    full, clock = [True], [7200.0]
    real = os.write

    def write(file: int, data: Any) -> int:
        if full[0] and threading.current_thread().name == "shadow-middleware-capture":
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(file, data)

    monkeypatch.setattr(os, "write", write)
    with writing(tmp_path, clock=lambda: clock[0]) as writer:
        writer.add(exchange(0), 100)
        until(lambda: writer.tally.failure)
        full[0], clock[0] = False, 3600.0
        until(lambda: writer.tally.written == 1)


def test_a_directory_that_is_removed_is_made_again_and_its_records_counted(
    tmp_path: Path,
) -> None:
    """What somebody deletes under a writer is not among what is written."""
    folder = tmp_path / "capture"
    with writing(folder) as writer:
        writer.add(exchange(1), 100)
        until(lambda: writer.tally.written == 1)
        folder.rename(tmp_path / "away")
        until(lambda: writer.tally.not_written)
        writer.add(exchange(2), 100)
        until(lambda: writer.tally.written == 1)

    assert {"removed": 1} == writer.tally.not_written
    assert [exchange(2).id] == read(folder)[0]


def test_a_place_that_cannot_be_written_harms_nobody(tmp_path: Path) -> None:
    """All is counted, at the end as well."""
    (tmp_path / "file").write_text("")
    with writing(tmp_path / "file" / "capture") as writer:
        writer.add(exchange(1), 100)
        until(lambda: writer.tally.failure)
        tally = writer.close(10.0)

    assert {"not_writable": 1} == tally.not_written
    assert adds_up(tally)


def test_one_exchange_that_has_no_form_costs_no_other(tmp_path: Path) -> None:
    """Half a surrogate pair is no JSON; it is counted and passed over."""
    with writing(tmp_path) as writer:
        writer.add(exchange(1, live_error="\ud800"), 100)
        writer.add(exchange(2), 100)
        tally = writer.close(10.0)

    assert (1, {"unwritable": 1}) == (tally.written, tally.not_written)


def test_after_its_end_a_writer_takes_nothing(tmp_path: Path) -> None:
    """What comes too late is counted."""
    with writing(tmp_path) as writer:
        writer.close(10.0)
        writer.add(exchange(1), 100)

    assert {"shutdown": 1} == writer.tally.not_written


def test_the_file_of_a_writer_that_was_killed_is_taken_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It gets its name from the next one; a file that is being written does not."""
    monkeypatch.setattr(rotation, "_ABANDONED", -60.0)
    dead = tmp_path / f"20200101T000000.000Z-1.dead-0001.ndjson.zst{PART}"
    dead.write_bytes(b"")
    with writing(tmp_path) as alive:
        alive.add(exchange(1), 100)
        until(lambda: alive.tally.written)
        with writing(tmp_path) as other:
            other.add(exchange(2), 100)
            until(lambda: other.tally.written)

            assert not dead.exists()
            assert 2 == len(list(tmp_path.glob(f"*{PART}")))


def test_bodies_that_could_not_be_looked_into_are_missing(tmp_path: Path) -> None:
    """A replay knows that it lacks them."""
    headers = [(b"Content-Encoding", b"gzip")]
    with writing(tmp_path, max_expanded_body=10) as writer:
        body = a_record().exchange.response
        assert body is not None
        writer.add(exchange(1, response=Response(200, headers, body.body)), 100)
    (record,) = open_capture(tmp_path)

    assert isinstance(record, Recorded)
    assert {"response_body"} == set(record.missing)
