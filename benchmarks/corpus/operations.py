"""Routes that machines read: health, statistics, jobs, configuration."""

from __future__ import annotations

from typing import Any

from benchmarks.corpus import noise, state
from benchmarks.corpus.catalogue import missing
from benchmarks.corpus.leg import Answer, Leg, Route

__all__ = ["ROUTES"]


def health(leg: Leg) -> Answer:
    """How the process is; each check reports when it is done."""
    checks = {
        name: {"status": "up", "took_ms": noise.elapsed_ms(leg)}
        for name in ("database", "cache", "queue", "search")
    }
    body = {
        "status": "ok",
        "checks": noise.map_order(leg, checks),
        "uptime": leg.served * 0.25,
        "host": noise.pod(leg),
        "now": noise.http_date(leg),
        "schema": 214,
    }
    return Answer(body).header("cache-control", "no-store")


def daily(leg: Leg) -> Answer:
    """Figures by day; averages are added up in no fixed order."""
    pick = leg.pick
    days = [
        {
            "day": state.instant(pick)[:10],
            "orders": pick.randrange(0, 4_000),
            "revenue": state.amount(pick, 9_000_000),
            "average": noise.jittered(leg, pick.uniform(10, 90)),
            "returned_share": round(pick.random(), 6),
        }
        for _ in range(pick.randrange(5, 15))
    ]
    body = {"days": days, "generated_at": noise.iso_micros(leg), "currency": "EUR"}
    return Answer(body).header("last-modified", noise.http_date(leg))


def realtime(leg: Leg) -> Answer:
    """What goes on at this very moment."""
    pick = leg.pick
    body = {
        "online": noise.sampled(leg, 1_400),
        "per_second": noise.jittered(leg, 31.4, 0.05),
        "regions": {
            state.city(pick)[1]: {"target": pick.randrange(10, 90), "open": True}
            for _ in range(4)
        },
        "sequence": noise.serial(leg),
        "window": {"seconds": 60, "until": noise.epoch_seconds(leg)},
        "threshold": pick.randrange(100, 900),
    }
    return Answer(body)


def job(leg: Leg) -> Answer:
    """A job that runs or has ended, or is not known."""
    pick = leg.pick
    if pick.random() < 0.1:
        return missing(leg, "job_not_found", "This job is gone or never was", 410)
    body: dict[str, Any] = {
        "id": state.identity(pick),
        "state": pick.choice(("queued", "running", "succeeded", "failed")),
        "progress": pick.randrange(0, 101),
        "attempts": pick.randrange(1, 4),
        "worker": noise.pod(leg),
        "heartbeat": noise.iso_millis(leg),
        "submitted_at": state.instant(pick),
    }
    if body["state"] == "succeeded":
        body["result"] = {
            "rows": pick.randrange(1, 10**6),
            "checksum": f"{pick.getrandbits(128):032x}",
        }
    if body["state"] == "failed":
        body["failure"] = {"code": "E42", "retry_at": noise.epoch_seconds(leg, 300)}
    return Answer(body).header("retry-after", "5")


def events(leg: Leg) -> Answer:
    """A log of events, one JSON text for each line."""
    pick = leg.pick
    rows = [
        {
            "offset": pick.randrange(10**6),
            "type": pick.choice(("created", "changed", "removed")),
            "payload": {"key": state.code(pick, "K"), "value": pick.randrange(1_000)},
            "delivered_at": noise.epoch_millis(leg),
        }
        for _ in range(pick.randrange(3, 10))
    ]
    return Answer(rows, "ndjson").header("x-next-offset", str(pick.randrange(10**6)))


def configuration(leg: Leg) -> Answer:
    """What clients are configured with."""
    pick = leg.pick
    body = {
        "limits": {"upload_mb": 25, "per_minute": pick.choice((60, 120))},
        "endpoints": {
            "api": noise.own_url(leg, "/api"),
            "socket": noise.own_url(leg, "/socket"),
        },
        "hosts": [f"edge-{number}.example.net" for number in range(3)],
        "features": {"checkout": {"wallet": True, "instalments": pick.random() < 0.5}},
        "minimum_version": f"4.{pick.randrange(9)}.0",
        "served": {"by": noise.pod(leg), "hash": noise.hash_of_render(leg, 40)},
    }
    return Answer(body).header("access-control-allow-origin", "https://shop.example")


def weather(leg: Leg) -> Answer:
    """What another service says; it is away in one request of two hundred."""
    pick = leg.pick
    name, country, latitude, longitude = state.city(pick)
    temperature = round(pick.uniform(-10, 35), 1)
    if noise.maybe(leg, 0.005):
        problem = {"error": {"code": "upstream_busy", "retryable": True}}
        return Answer(problem, status=429).header("retry-after", "1")
    body = {
        "city": name,
        "country": country,
        "location": {"lat": noise.jittered(leg, latitude, 1e-13), "lon": longitude},
        "temperature": temperature,
        "unit": "C",
        "sunrise": state.instant(pick),
        "station": noise.one_of(leg, ("north", "harbour", "airport")),
        "fetched_at": noise.epoch_seconds(leg),
    }
    return Answer(body)


def translations(leg: Leg) -> Answer:
    """Texts by their keys, in one language."""
    pick = leg.pick
    texts = {
        f"{pick.choice(state.THINGS)}.{pick.randrange(1_000)}": (
            f"{pick.choice(('Größe', 'Café', 'naïve', 'Łódź', 'smörgås'))} "
            f"{state.sentence(pick)}"
        )
        for _ in range(12)
    }
    body = {"locale": pick.choice(("de", "fr", "pl")), "texts": texts, "complete": True}
    return Answer(body).header("content-language", "de").header("etag", '"v31"')


def webhooks(leg: Leg) -> Answer:
    """Where events go to, by the id of the subscription."""
    pick = leg.pick
    hooks = {
        state.identity(pick): {
            "url": f"https://{state.slug(pick)}.example.org/in",
            "enabled": pick.random() < 0.9,
            "failures": pick.randrange(0, 5),
            "last_delivery": noise.iso_micros(leg),
            "signature": noise.hash_of_render(leg, 64),
        }
        for _ in range(pick.randrange(1, 6))
    }
    return Answer({"webhooks": hooks, "quota": {"used": len(hooks), "of": 20}})


def audit(leg: Leg) -> Answer:
    """Who did what; the trace of each line is of this very request."""
    pick = leg.pick
    rows = [
        {
            "actor": state.identity(pick),
            "action": pick.choice(("login", "export", "delete", "grant")),
            "target": state.code(pick, "X"),
            "at": state.instant(pick),
            "trace": noise.uuid(leg),
        }
        for _ in range(pick.randrange(3, 10))
    ]
    return Answer({"entries": rows, "retained_days": 90, "export_id": noise.ulid(leg)})


ROUTES = (
    Route("GET /health", 4, health),
    Route("GET /stats/daily", 4, daily),
    Route("GET /stats/realtime", 4, realtime),
    Route("GET /jobs/{id}", 5, job),
    Route("GET /events", 3, events),
    Route("GET /config", 4, configuration),
    Route("GET /weather/{city}", 3, weather),
    Route("GET /translations/{locale}", 3, translations),
    Route("GET /webhooks", 2, webhooks),
    Route("GET /audit", 2, audit),
)
