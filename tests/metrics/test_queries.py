"""The queries of the Grafana dashboard and the alert rules, held to a real scrape."""

from __future__ import annotations

import importlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import shadow_middleware
from shadow_middleware import runtime
from shadow_middleware.metrics.instruments import ALL
from shadow_middleware.testing import ShadowServer
from tests.metrics.scraping import Samples, free_address, samples, scrape
from tests.promises.staging import reserved, serving, until

PACKAGE = Path(shadow_middleware.__file__).parent
ELSEWHERE = ("broker_", "worker_")
"""Of those who publish to a broker or take from it, which the agent here does not."""
DOCS = Path(__file__).parents[2] / "docs"
PAGE = DOCS / "monitoring.md"
DASHBOARD = json.loads((DOCS / "monitoring" / "grafana.json").read_text("utf-8"))
ALERTS: Any = importlib.import_module("yaml").safe_load(
    (DOCS / "monitoring" / "alerts.yml").read_text("utf-8")
)
RULES = [rule for group in ALERTS["groups"] for rule in group["rules"]]
EXPRESSIONS = [
    *(pytest.param(rule["expr"], id=rule["alert"]) for rule in RULES),
    *(
        pytest.param(one["expr"], id=f"{panel['title']} {one['refId']}")
        for panel in DASHBOARD["panels"]
        for one in panel["targets"]
    ),
]
SELECTOR = re.compile(r"(shadow_middleware_\w+)(?:\{([^}]*)\})?")
MATCHER = re.compile(r"""(\w+)(=~|!~|!=|=)"([^"]*)"(?:,|$)""")
GROUPING = re.compile(r"\b(?:by|on|group_left)\s*\(([^)]*)\)")
LEGEND = re.compile(r"\{\{\s*(?:\$labels\.)?(\w+)\s*\}\}")


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Samples]:
    """Scrape an agent that has met everything: matches, refusals, drops, control."""
    address = free_address()
    with (
        ShadowServer() as shadow,
        reserved() as refusing,
        serving(
            shadow_url=shadow.url,
            targets=[{"name": "down", "url": refusing.url}],
            control_url=f"{shadow.url}/control",
            self_probe=1.0,
            breaker_failures=2,
            store_url="",
            capture_to=str(tmp_path_factory.mktemp("capture")),
            metrics_address=address,
        ) as live,
    ):
        for _ in range(10):
            live.ask()
        until(lambda: live.side.state.ended == 20)
        yield until(
            lambda: (
                (s := samples(scrape(address)[1]))
                and "shadow_middleware_live_cost_exchanges_total" in {n for n, _ in s}
                and "shadow_middleware_reasons_total" in {n for n, _ in s}
                and s
            )
        )
    runtime.shutdown(60.0)


def labels_of(found: Samples, name: str) -> dict[str, set[str]]:
    """Return the labels of a metric, and their values."""
    labels: dict[str, set[str]] = {}
    for sample, pairs in found:
        if sample == name:
            for label, value in pairs:
                labels.setdefault(label, set()).add(value)
    return labels


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_every_query_asks_for_what_is_there(expression: str, found: Samples) -> None:
    """Names of metrics and labels, and every value that a matcher spells out."""
    names = {name for name, _ in found}
    selectors = SELECTOR.findall(expression)
    known: set[str] = set()
    assert selectors
    for name, matchers in selectors:
        assert name in names
        labels = labels_of(found, name)
        known |= labels.keys()
        pairs = MATCHER.findall(matchers)
        assert matchers == ",".join(f'{k}{op}"{v}"' for k, op, v in pairs)
        assert {label for label, _, _ in pairs} <= labels.keys()
        for label, _, value in pairs:
            if value != "$target":
                assert set(value.split("|")) <= OUTCOMES | labels[label]
    for group in GROUPING.findall(expression):
        assert {name.strip() for name in group.split(",")} <= known


OUTCOMES = {"match", "noise", "divergence", "dropped"}
"""Those that a scrape need not have met, and that no typing slip may stand for."""


@pytest.mark.parametrize("panel", DASHBOARD["panels"], ids=lambda one: one["title"])
def test_every_legend_names_what_its_query_keeps(panel: dict[str, Any]) -> None:
    """A legend of a label that was summed away would be empty."""
    for one in panel["targets"]:
        kept = {x.strip() for g in GROUPING.findall(one["expr"]) for x in g.split(",")}
        assert set(LEGEND.findall(one["legendFormat"])) <= kept


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_every_alert_says_what_is_wrong_and_what_to_do(rule: dict[str, Any]) -> None:
    """With labels that its query keeps, and a line in the documentation."""
    kept = {x.strip() for g in GROUPING.findall(rule["expr"]) for x in g.split(",")}
    texts = rule["annotations"]

    assert {"summary", "description"} == texts.keys()
    assert set(LEGEND.findall(texts["summary"] + texts["description"])) <= kept
    assert f"`{rule['alert']}`" in PAGE.read_text("utf-8")


def test_panels_do_not_lie_upon_each_other() -> None:
    """Each has its place in the grid, and its number."""
    cells = [
        (x, y)
        for panel in DASHBOARD["panels"]
        for place in [panel["gridPos"]]
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]

    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("name", sorted(ALL))
def test_every_instrument_is_documented(name: str) -> None:
    """By both of its names."""
    one = ALL[name]
    suffix = "_total" if one.kind == "counter" else ""
    page = PAGE.read_text("utf-8")

    assert f"`{one.prometheus}{suffix}`" in page
    assert one.stored or f"`{one.otel}`" in page


def test_every_instrument_of_an_agent_is_in_a_scrape(found: Samples) -> None:
    """None is only declared."""
    there = {name for name, _ in found}

    assert [] == [
        one.prometheus
        for one in ALL.values()
        if not one.stored
        and not one.name.startswith(ELSEWHERE)
        and not any(n.startswith(one.prometheus) for n in there)
    ]


def test_every_instrument_of_a_broker_is_shown_by_its_end_of_it() -> None:
    """None of those that this agent has no use for is only declared."""
    shown = "".join(
        path.read_text("utf-8")
        for folder in ("broker", "worker")
        for path in (PACKAGE / folder).glob("*.py")
    )

    assert [] == [
        one.name
        for one in ALL.values()
        if one.name.startswith(ELSEWHERE) and f'("{one.name}", ' not in shown
    ]
