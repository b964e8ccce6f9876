"""What each setting of the broker may be, and which of them go together. Pure."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from shadow_middleware.configuration import Place

if TYPE_CHECKING:
    from shadow_middleware.settings import Settings

__all__ = [
    "check_broker",
    "check_broker_together",
    "check_lease",
    "check_partitions",
    "check_replicas",
    "check_seal",
    "check_stream",
]

_SCHEMES: Final = ("nats", "tls", "ws", "wss")
_STREAM: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_MOST_PARTITIONS: Final = 1024
_REPLICAS: Final = (1, 3, 5)
_SHORTEST_LEASE: Final = 1.0


def check_broker(place: Place, value: str) -> str:
    """Refuse what is no address of NATS servers; never quote what it holds."""
    value = value.rstrip("\r\n")
    for one in filter(None, value.split(",")):
        try:
            parts = urlsplit(one.strip())
            known = parts.scheme in _SCHEMES and parts.hostname and (parts.port or True)
        except ValueError:
            known = False
        if not known:
            raise place.error(
                "is not the address of a NATS server",
                "write nats://host:4222, or tls://… for an encrypted connection",
            )
    return value


def check_stream(place: Place, value: str) -> str:
    """Refuse what cannot be both a stream's name and the beginning of subjects."""
    if not _STREAM.fullmatch(value):
        raise place.error(
            f"{place.show(value)} is not a name of a stream",
            "use up to 64 letters, digits, '_' and '-'",
        )
    return value


def check_partitions(place: Place, value: int) -> int:
    """Refuse numbers that help nobody."""
    if not 1 <= value <= _MOST_PARTITIONS:
        raise place.error(
            f"{place.show(value)} is not between 1 and {_MOST_PARTITIONS}",
            "take about four for each worker that there may ever be",
        )
    return value


def check_replicas(place: Place, value: int) -> int:
    """Refuse what no cluster can vote with."""
    if value not in _REPLICAS:
        raise place.error(f"{place.show(value)} is none of 1, 3 and 5")
    return value


def check_lease(place: Place, value: float) -> float:
    """Refuse leases that a short pause would lose."""
    if value < _SHORTEST_LEASE:
        raise place.error(f"{place.show(value)} is below {_SHORTEST_LEASE:g}")
    return value


def check_seal(place: Place, values: tuple[str, ...]) -> tuple[str, ...]:
    """Refuse what is no key of 32 bytes; never quote it."""
    for value in values:
        try:
            size = len(base64.b64decode(value, validate=True))
        except (binascii.Error, ValueError):
            size = -1
        if size != 32:
            raise place.error(
                "holds a key that is not 32 bytes in base64",
                "make one: python -c 'import base64, os; "
                "print(base64.b64encode(os.urandom(32)).decode())'",
            )
    return values


def check_broker_together(settings: Settings, places: Mapping[str, Place]) -> None:
    """Refuse what speaks of a broker where there is none, or cannot go together."""
    if not settings.broker_url:
        for name in places:
            if name.startswith("broker_"):
                raise places[name].error(
                    "has no effect without a broker", "set broker_url, or leave it out"
                )
        return
    place = places["broker_url"]
    if settings.engine == "file":
        raise place.error(
            "engine 'file' sends nothing, so nothing would reach the broker",
            "leave one of them out",
        )
    if not settings.store_url:
        raise place.error(
            "agents and workers keep one account in the store, and there is none",
            "set store_url to a database that all of them reach",
        )
    if settings.broker_certificate_key and not settings.broker_certificate:
        raise places["broker_certificate_key"].error(
            "has no effect without a certificate", "set broker_certificate as well"
        )
