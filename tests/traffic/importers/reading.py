"""Reads bytes and fixtures with an importer, for the tests beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from shadow_middleware.exchange import Exchange
from shadow_middleware.traffic.importers.formats import reader_of
from shadow_middleware.traffic.importers.options import Options
from shadow_middleware.traffic.recorded import BadRecord, Missing, Recorded

FIXTURES = Path(__file__).parent / "fixtures"
CUSTOM_NGINX = (
    """'$remote_addr [$time_iso8601] $msec $request_method "$request_uri" $status """
    """$request_time $body_bytes_sent "$request_body" "$http_x_note" "$cookie_sid" """
    """$scheme://$host$uri'"""
).strip("'")
CUSTOM_APACHE = (
    r"""LogFormat "%{%Y-%m-%dT%H:%M:%S}t.%{usec_frac}t %{%z}t %m %U%q %H %s %{ms}T %B """
    r"""\"%{X-Note}i\" %{sid}C" custom"""
)


def read(form: str, data: bytes, **options: Any) -> list[Recorded | BadRecord]:
    """Return what an importer makes of the bytes."""
    given = Options(**{"source": "log", **options})
    return list(reader_of(form, given)([data], given))


def fixture(form: str, name: str, **options: Any) -> list[Recorded | BadRecord]:
    """Return what an importer makes of a file that a real server wrote."""
    return read(form, (FIXTURES / name).read_bytes(), source=name, **options)


def exchanges(found: list[Recorded | BadRecord]) -> list[Exchange]:
    """Return the exchanges among them."""
    return [each.exchange for each in found if isinstance(each, Recorded)]


def bad(found: list[Recorded | BadRecord]) -> list[BadRecord]:
    """Return the bad records among them."""
    return [each for each in found if isinstance(each, BadRecord)]


def missing(found: list[Recorded | BadRecord]) -> list[frozenset[Missing]]:
    """Return what each exchange lacks."""
    return [each.missing for each in found if isinstance(each, Recorded)]


def one(found: list[Recorded | BadRecord]) -> Recorded:
    """Return the only record, which is an exchange."""
    (only,) = found
    assert isinstance(only, Recorded), only
    return only
