"""Where a drill is set: one host or two, a disk that is small, a Postgres of its own."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import nats
from sqlalchemy import make_url

from benchmarks.drill.stage import Net, free_port
from tests.nats import NatsServer, running_nats
from tests.postgres import PostgresServer, running_postgres

__all__ = [
    "PRIVILEGED",
    "Scene",
    "SetScene",
    "alone",
    "cut",
    "filled",
    "is_allowed",
    "on_small_disk",
    "stored_by",
    "two_hosts",
    "with_broker",
    "with_postgres",
]

DISK: Final = 24
"""MiB of the disk that is to be full."""
PARTITIONS: Final = 8
LEFT: Final = "sm-left"
RIGHT: Final = "sm-right"


class Scene(NamedTuple):
    """What a scene adds to a stage."""

    store_url: str
    """Where live's agent writes."""
    read_url: str
    """The same store, as nobody can cut it off."""
    settings: Mapping[str, Any] = MappingProxyType({})
    net: Net = Net()
    postgres: PostgresServer | None = None
    disk: Path | None = None
    broker: NatsServer | None = None
    workers: int = 0
    """How many consume what the agent publishes."""
    extras: tuple[tuple[str, ...], ...] = ()
    """Commands of Python processes that belong to the far host."""


SetScene = Callable[[Path], AbstractContextManager[Scene]]


@contextmanager
def alone(folder: Path) -> Iterator[Scene]:
    """One host, SQLite."""
    url = f"sqlite:///{folder}/store.db"
    yield Scene(url, url)


@contextmanager
def on_small_disk(folder: Path) -> Iterator[Scene]:
    """Have store and capture files on a disk of a few MiB. Needs root."""
    disk = folder / "disk"
    disk.mkdir()
    _run("mount", "-t", "tmpfs", "-o", f"size={DISK}m", "tmpfs", str(disk))
    try:
        url = f"sqlite:///{disk}/store.db"
        settings = {"capture_to": f"{disk}/capture"}
        yield Scene(url, url, settings, disk=disk)
    finally:
        _run("umount", "--lazy", str(disk))


@contextmanager
def with_postgres(folder: Path) -> Iterator[Scene]:
    """One host, Postgres."""
    with running_postgres() as server:
        url = server.url(server.create())
        yield Scene(url, url, postgres=server)


@contextmanager
def with_broker(folder: Path) -> Iterator[Scene]:
    """One host, SQLite, a broker, and two workers."""
    with running_nats() as server:
        url = f"sqlite:///{folder}/store.db"
        settings = {
            "broker_url": server.url,
            "broker_partitions": PARTITIONS,
            "broker_spool": f"{folder}/spool",
        }
        yield Scene(url, url, settings, broker=server, workers=2)


def stored_by(broker: NatsServer, agents: int) -> int:
    """
    Return how many exchanges the broker has stored, and so confirmed, in all.

    Args:
        broker: Of a scene.
        agents: How many there were: each ends with a message for each partition.
    """

    async def ask() -> int:
        client = await nats.connect(broker.url)
        try:
            info = await client.jetstream().stream_info("SHADOW")
        finally:
            await client.close()
        return int(info.state.last_seq)

    return asyncio.run(ask()) - PARTITIONS * agents


@contextmanager
def two_hosts(folder: Path) -> Iterator[Scene]:
    """Live and agent on one host, shadow and Postgres on another. Needs root."""
    net = Net(
        ("ip", "netns", "exec", LEFT),
        ("ip", "netns", "exec", RIGHT),
        "10.99.0.1",
        "10.99.0.2",
    )
    with _joined(net), running_postgres() as server:
        read = make_url(server.url(server.create()))
        port = free_port()
        query = dict(read.query)
        behind = f"{query.pop('host')}/.s.PGSQL.{query.pop('port', 5432)}"
        far = read.set(host=net.far_address, port=port, query=query)
        relay = ("-m", "benchmarks.drill.relay", net.far_address, str(port), behind)
        yield Scene(
            far.render_as_string(hide_password=False),
            read.render_as_string(hide_password=False),
            net=net,
            postgres=server,
            extras=(relay,),
        )


@contextmanager
def _joined(net: Net) -> Iterator[None]:
    """Have two namespaces with a cable between them."""
    for name in (LEFT, RIGHT):
        with contextlib.suppress(OSError):  # of a drill that was killed
            _run("ip", "netns", "delete", name)
        _run("ip", "netns", "add", name)
    try:
        _run("ip", "link", "add", LEFT, "type", "veth", "peer", "name", RIGHT)
        for name, address in ((LEFT, net.near_address), (RIGHT, net.far_address)):
            within = ("ip", "-n", name)
            _run("ip", "link", "set", name, "netns", name)
            _run(*within, "address", "add", f"{address}/24", "dev", name)
            _run(*within, "link", "set", name, "up")
            _run(*within, "link", "set", "lo", "up")
        yield
    finally:
        for name in (LEFT, RIGHT):
            _run("ip", "netns", "delete", name)


@contextmanager
def cut(scene: Scene) -> Iterator[None]:
    """Take the cable out between the two hosts, and put it back."""
    _run("ip", "-n", RIGHT, "link", "set", RIGHT, "down")
    try:
        yield
    finally:
        _run("ip", "-n", RIGHT, "link", "set", RIGHT, "up")


@contextmanager
def filled(disk: Path) -> Iterator[None]:
    """Use up a disk to its last byte, and give it back."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file:
        for size in (1 << 20, 1 << 12, 1):
            with contextlib.suppress(OSError):
                while file.write(bytes(size)):
                    pass
        file.flush()
    try:
        yield
    finally:
        os.unlink(filler)


PRIVILEGED: Final = (on_small_disk, two_hosts)
"""Scenes that make disks or networks."""


def is_allowed() -> bool:
    """Whether disks and networks may be made here."""
    return os.geteuid() == 0 and shutil.which("ip") is not None


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise OSError(f"{' '.join(command)}: {done.stderr.strip()}")
