"""All that a shop can move: its databases, folders, mail box and outgoing calls."""

from __future__ import annotations

import hashlib
import re
import socketserver
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import create_engine, make_url, text

from shadow_middleware.testing import ShadowServer

__all__ = ["MailBox", "Seen", "World", "rewind", "sequences"]

FOLDERS = ("cache", "files", "media", "queue")
_SEQUENCE = re.compile(r"^SELECT pg_catalog\.setval\(.*\);$", re.MULTILINE)
_RESTRICT = re.compile(r"^\\(?:un)?restrict .*$", re.MULTILINE)
"""pg_dump guards its text with a key that is another one each time."""


class Seen(NamedTuple):
    """The world at one moment: equal texts are equal bytes."""

    databases: tuple[str, ...]
    """Of SQLite the digest of the file, of Postgres that of the dump, sequences apart."""
    folders: tuple[str, ...]
    mails: int
    calls: int


class MailBox:
    """A mail server that takes everything, and counts who connects."""

    def __init__(self) -> None:
        box = self
        self.connections = 0

        class Talk(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                box.connections += 1
                self.wfile.write(b"220 ready\r\n")
                in_data = False
                for line in self.rfile:
                    if in_data and line != b".\r\n":
                        continue
                    in_data = line.upper().startswith(b"DATA")
                    if line.upper().startswith(b"QUIT"):
                        self.wfile.write(b"221 bye\r\n")
                        return
                    self.wfile.write(b"354 go on\r\n" if in_data else b"250 OK\r\n")

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Talk)
        self._server.daemon_threads = True
        self.port = int(self._server.server_address[1])
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()


class World:
    """What is around one shop."""

    def __init__(self, home: Path, databases: tuple[str, ...], dump: str = "") -> None:
        """
        Take note of what is there.

        Args:
            home: The shop's folder.
            databases: Paths of SQLite files, or addresses of Postgres databases.
            dump: The program `pg_dump`.
        """
        self.home = home
        self.databases = databases
        self._dump = dump
        self.mails = MailBox()
        self.calls = ShadowServer()
        for folder in FOLDERS:
            (home / folder).mkdir(parents=True, exist_ok=True)

    @contextmanager
    def running(self) -> Iterator[World]:
        """Take mail and calls within the block."""
        with self.calls:
            try:
                yield self
            finally:
                self.mails.close()

    def look(self) -> Seen:
        """Return the world as it is now."""
        return Seen(
            tuple(self._database(place) for place in self.databases),
            tuple(_digest_of_folder(self.home / folder) for folder in FOLDERS),
            self.mails.connections,
            len(self.calls.received),
        )

    def _database(self, place: str) -> str:
        if not place.startswith("postgresql"):
            file = Path(place)
            return _digest(file.read_bytes()) if file.exists() else "not there"
        url = make_url(place).set(drivername="postgresql")
        address = url.render_as_string(hide_password=False)
        done = subprocess.run(
            [self._dump, "--dbname", address],
            capture_output=True,
            text=True,
            check=True,
        )
        return _digest(_RESTRICT.sub("", _SEQUENCE.sub("", done.stdout)).encode())


def sequences(place: str) -> dict[str, int]:
    """Return where the sequences of a Postgres database stand; SQLite has none."""
    if not place.startswith("postgresql"):
        return {}
    engine = create_engine(place)
    with engine.connect() as connection:
        rows = connection.execute(
            text("SELECT sequencename, coalesce(last_value, 0) FROM pg_sequences")
        )
        found = {str(name): int(value) for name, value in rows}
    engine.dispose()
    return found


def rewind(place: str, script: str) -> None:
    """Run the documented script that puts sequences behind what their tables hold."""
    engine = create_engine(place)
    with engine.begin() as connection:
        connection.exec_driver_sql(script)
    engine.dispose()


def _digest_of_folder(folder: Path) -> str:
    names = sorted(path for path in folder.rglob("*") if path.is_file())
    whole = b"".join(
        str(path.relative_to(folder)).encode() + b"\0" + path.read_bytes() + b"\0"
        for path in names
    )
    return f"{len(names)} {_digest(whole)}"


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
