"""
A process that writes what an agent of schema 0005 writes, in that agent's own words.

Frozen: the statements are those of that version, and nothing here imports the package.
A newer schema must let it go on. It writes batches of one outcome, one divergence and
one step of a session until its input ends, and prints the number of each that is in.
"""

from __future__ import annotations

import sqlite3
import sys
import threading
import time
from typing import Any

MINUTE = 29_000_000
KEYS = "target, route, outcome, reason, version"
NAMES = (
    "exchange_id, target, at, route, method, path, live_status, shadow_status, live_ms, "
    "shadow_ms, differences, cut, hint, after_drop, request_headers, request_body, "
    "live_headers, live_body, shadow_headers, shadow_body, groups, version, replayable, "
    "comparable, run"
)


def statements(number: int, minute: int) -> list[str]:
    """Return what one batch says, in its order."""
    here = "'shadow', 'GET /', 'divergence', 'aa', ''"
    adding = "DO UPDATE SET count = {0}.count + excluded.count"
    spans = [
        f"INSERT INTO shadow_count_spans (run, span, start, {KEYS}, count) VALUES "
        f"('', {span}, {minute - minute % span if span else 0}, {here}, 1) "
        f"ON CONFLICT (run, span, start, {KEYS}) {adding.format('shadow_count_spans')}"
        for span in (0, 60, 1440)
    ]
    short = KEYS.replace("route, ", "")
    times = [
        f"INSERT INTO shadow_count_times (run, span, start, {short}, count) VALUES "
        f"('', {span}, {minute - minute % span}, 'shadow', 'divergence', '', '', 1) "
        f"ON CONFLICT (run, span, start, {short}) {adding.format('shadow_count_times')}"
        for span in (1, 60)
    ]
    return [
        f"INSERT INTO shadow_counts (run, minute, {KEYS}, count) VALUES "
        f"('', {minute}, {here}, 1) ON CONFLICT (run, minute, {KEYS}) "
        f"{adding.format('shadow_counts')}",
        *spans,
        *times,
        "INSERT INTO shadow_sessions (run, session, target, selected, ended, at) VALUES "
        f"('', 'old', 'shadow', {number}, 1, {minute * 60}) "
        "ON CONFLICT (run, session, target) DO UPDATE SET selected = CASE WHEN "
        "(excluded.selected > shadow_sessions.selected) THEN excluded.selected ELSE "
        "shadow_sessions.selected END, ended = shadow_sessions.ended + excluded.ended",
        f"INSERT INTO shadow_divergences ({NAMES}) VALUES ('old-{number}', 'shadow', "
        f"{minute * 60}, 'GET /', 'GET', '/', 200, 200, 1.5, 2.5, '[]', false, '', "
        "false, '[]', '', '[]', '{}', '[]', '{}', '[\"aa\"]', '', false, false, '') "
        "ON CONFLICT (run, exchange_id, target) DO NOTHING",
    ]


def turn(number: int) -> str:
    """Return what takes note of a batch's number; it returns a row where it is new."""
    return (
        "INSERT INTO shadow_writers (writer, number, at) VALUES "
        f"('older', {number}, {time.time()}) ON CONFLICT (writer) DO UPDATE SET "
        "number = excluded.number, at = excluded.at "
        "WHERE shadow_writers.number < excluded.number RETURNING number"
    )


def connected(url: str) -> Any:
    """Connect as that version did."""
    if url.startswith("sqlite"):
        path = url.removeprefix("sqlite:///")
        return sqlite3.connect(path, isolation_level=None, timeout=5.0)
    import psycopg

    return psycopg.connect(url.replace("+psycopg", ""), autocommit=True)


def write(connection: Any, number: int) -> None:
    """Write one batch, all of it or nothing."""
    is_sqlite = isinstance(connection, sqlite3.Connection)
    connection.execute("BEGIN IMMEDIATE" if is_sqlite else "BEGIN")
    try:
        if not is_sqlite:
            connection.execute("SET LOCAL lock_timeout = '10s'")
        if connection.execute(turn(number)).fetchone() is not None:
            for statement in statements(number, MINUTE + number % 3_000):
                connection.execute(statement)
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise


def main() -> None:
    """Write until nobody wants more; try again what was refused for the moment."""
    ended = threading.Event()

    def until_the_end() -> None:
        sys.stdin.read()
        ended.set()

    threading.Thread(target=until_the_end, daemon=True).start()
    connection, number = connected(sys.argv[1]), 1
    while not ended.is_set():
        try:
            write(connection, number)
        except Exception as error:  # noqa: BLE001 -- told to whoever started it
            if "lock" not in str(error):
                print(f"refused: {error}", flush=True)  # noqa: T201
                return
        else:
            print(number, flush=True)  # noqa: T201
            number += 1
        ended.wait(0.005)


if __name__ == "__main__":
    main()
