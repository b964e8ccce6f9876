"""Evidence from the worst of clients: in every text that is stored stands a payload."""

from __future__ import annotations

import time

from shadow_middleware.evidence import (
    Batch,
    Count,
    DivergenceRecord,
    LatencyCount,
    Progress,
)
from shadow_middleware.exchange import Difference, Kind, Outcome, Part
from shadow_middleware.knowledge import (
    Decision,
    GroupKey,
    KnownRoute,
    NoiseBase,
    NoiseCount,
    RouteUse,
    RuleHit,
    Sample,
    SharedRule,
    Sighting,
)
from shadow_middleware.rule import Rule
from shadow_middleware.store.sql import SqlStore

__all__ = ["PAYLOADS", "fill"]

_RUN = "window.planted=1;alert(1)"
PAYLOADS = (
    f"<x-planted></x-planted><script>{_RUN}</script>",
    f'"><x-planted></x-planted><img src=x onerror="{_RUN}">',
    f"'><x-planted></x-planted><svg onload='{_RUN}'>",
    f"</textarea></pre></title></style><x-planted><iframe srcdoc='<script>parent.{_RUN}</script>'>",
    f"--><x-planted></x-planted><body onload={_RUN}>",
    f"javascript:{_RUN}//x-planted",
    f'" autofocus onfocus="{_RUN}" x-planted="',
    f"' onmouseover='{_RUN}' x-planted='",
    f'<x-planted hx-get="/x" hx-trigger="load" hx-on:click="{_RUN}"></x-planted>',
    f"{{{{ 7*7 }}}}{{% include '/etc/passwd' %}}x-planted${{{_RUN}}}",
    f"<math><mtext></p><x-planted><style><img src onerror={_RUN}>",
    f'{{"x-planted": "</script><script>{_RUN}</script>"}}',
    "x-planted \u202e\u2066\x1b[31m\x07\r\n<x-planted>",
    f"<meta http-equiv=refresh content='0;url=https://example.invalid/x-planted'><base href=https://example.invalid/><form action=https://example.invalid/><button>{_RUN}",
)
"""Each breaks out of another place: text, attributes, scripts, templates, htmx, terminals."""


def fill(url: str) -> list[str]:
    """Write a store in which each payload is everywhere; return the groups of it."""
    store = SqlStore(url)
    try:
        return [_plant(store, number, text) for number, text in enumerate(PAYLOADS)]
    finally:
        store.close()


def _plant(store: SqlStore, number: int, text: str) -> str:
    now = time.time() - 60
    minute, day = int(now // 60), int(now // 86_400)
    key = GroupKey(
        target=text,
        route=f"GET /{text}",
        part=list(Part)[number % 3],
        path=f"/{text}",
        kind=list(Kind)[number % 5],
        live=text,
        shadow=f"{text}!",
    )
    group, route, exchange = key.fingerprint, key.route, f"e{number}-1"
    store.write(
        Batch(
            counts=[
                Count(minute, text, route, Outcome.DIVERGENCE, group, 40, text),
                Count(minute, text, route, Outcome.SHADOW_ERROR, text, 2, text),
                Count(minute, text, route, Outcome.MATCH, "", 60, text),
            ],
            latencies=[
                LatencyCount(minute - minute % 10, text, route, leg, 200, 60, text)
                for leg in ("live", "shadow")
            ],
            divergences=[_record(text, route, exchange, group, now)],
            progress=[Progress(f"e{number}", text, 102, 102, now)],
            sightings=[Sighting(key, 40, now, now)],
            samples=[Sample(group, 0, exchange, text, now)],
            noise=[
                NoiseCount(day, text, group, 200, "", 40, 0, 40 * (number % 2), 0, 0)
            ],
            noise_bases=[NoiseBase(day, text, text, route, 200, 100, 100, 100)],
            rule_hits=[
                RuleHit(name, text, f"type: {text}", 7, now)
                for name in (text, f"gone {text}")
            ],
            routes=[KnownRoute(route, now)],
            uses=[RouteUse(day, route, 2, 100, 100)],
        )
    )
    rule = Rule(name=text, route=f"{route}*", path="/**", matches="x")
    store.add_rule(SharedRule(rule, now, note=text))
    store.decide(Decision(group=group, at=now, note=text))
    return group


def _record(
    text: str, route: str, exchange: str, group: str, at: float
) -> DivergenceRecord:
    found = Difference(Part.BODY, f"/{text}", Kind.CHANGED, text, [text], note=text)
    header = Difference(Part.HEADER, text, Kind.CHANGED, text, f"{text}!", group=group)
    fields = [(text, text), ("Cookie", f"{text}={text}"), ("X-Same", text)]
    return DivergenceRecord(
        exchange_id=exchange,
        target=text,
        at=at,
        route=route,
        method=text,
        path=f"/{text}?q={text}",
        live_status=200,
        shadow_status=500,
        live_ms=1.0,
        shadow_ms=2.0,
        differences=(found, header),
        cut=True,
        hint=text,
        after_drop=True,
        request_headers=[*fields, ("Host", text)],
        request_body=text,
        live_headers=[*fields, ("Set-Cookie", text)],
        live_body=f"{text}\nsame\n" * 9 + "a",
        shadow_headers=[*fields, ("Set-Cookie", f"{text}2")],
        shadow_body=f"{text}\nsame\n" * 9 + text,
        groups=(group,),
        version=text,
    )
