"""A verdict as JUnit XML and as Markdown, with anything in it that traffic can hold."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shadow_middleware.evidence import LatencyTotal, Total
from shadow_middleware.exchange import Kind, Outcome, Part
from shadow_middleware.knowledge import Group, GroupKey
from shadow_middleware.report.holdings import Holdings, Insight
from shadow_middleware.report.junit import junit_of
from shadow_middleware.report.markdown import markdown_of
from shadow_middleware.report.policy import LatencyPolicy, Policy
from shadow_middleware.report.sketch import bucket_of
from shadow_middleware.report.verdict import Verdict, verdict
from shadow_middleware.report.versions import Stratum

KEY = GroupKey("shadow", "GET /a", Part.BODY, "/price", Kind.CHANGED, "a", "a")
PRICE = Group(KEY.fingerprint, KEY, 60, 1.0, 2.0)


def found(rate: float = 0.99, route: str = "GET /b") -> Verdict:
    """Return a verdict with a route that fails and one that is fine."""
    rows = [
        Total("shadow", "GET /a", Outcome.DIVERGENCE, KEY.fingerprint, 60, "v2"),
        Total("shadow", route, Outcome.MATCH, "", 4_000, "v2"),
    ]
    return verdict(
        Holdings(
            totals=rows,
            strata=[Stratum("shadow", "v2", others={"v1": 1_234})],
            insight=Insight(groups=[PRICE]),
            latencies=[
                LatencyTotal("shadow", route, leg, bucket_of(1e3 * ms), 4_000)
                for leg, ms in (("live", 10), ("shadow", 30))
            ],
        ),
        Policy(minimum_rate=rate, latency=LatencyPolicy(p50=9, p95=9)),
    )


def test_junit_has_a_case_for_each_criterion_and_route() -> None:
    """What fails is a failure, with the sentence that says why."""
    root = ET.fromstring(junit_of(found()).encode())

    cases = {one.get("name"): one for one in root.iter("testcase")}
    assert {
        "evidence",
        "rate",
        "coverage",
        "latency p50",
        "latency p95",
        "rate: GET /a",
        "rate: GET /b",
        "latency p50: GET /b",
        "latency p95: GET /b",
    } == set(cases)
    failure = cases["rate: GET /a"].find("failure")
    assert failure is not None
    assert (failure.get("message") or "").startswith("GET /a: only 0 of 60 agree (0 %)")
    assert [] == list(cases["rate: GET /b"])
    assert {"shadow.shadow"} == {one.get("classname") for one in cases.values()}


@pytest.mark.parametrize(
    ("held", "tests", "failures", "errors"),
    [
        (found(), 9, 1, 1),
        (found(0.5), 9, 1, 0),
        (verdict(Holdings(totals=[])), 1, 0, 1),
        (
            verdict(
                Holdings(totals=[Total("s", "GET /", Outcome.MATCH, "", 1_000)]),
            ),
            4,
            0,
            0,
        ),
    ],
)
def test_junit_counts_what_it_holds(
    held: Verdict, tests: int, failures: int, errors: int
) -> None:
    """CI systems read the counts; what is open is an error and never green."""
    root = ET.fromstring(junit_of(held).encode())

    for element in (root, root[0]):
        assert (tests, failures, errors) == tuple(
            int(element.get(name) or -1) for name in ("tests", "failures", "errors")
        )
    assert tests == len(list(root.iter("testcase")))
    assert failures == len(list(root.iter("failure")))
    assert errors == len(list(root.iter("error")))


@given(st.text())
def test_junit_is_xml_whatever_a_route_is_called(route: str) -> None:
    """Control characters, markup, half surrogates: the document can be parsed."""
    text = junit_of(found(route="GET /x" + route))

    assert "testsuites" == ET.fromstring(text.encode()).tag


def test_markdown_says_ruling_reasons_version_and_groups() -> None:
    """The ruling first, tables folded below."""
    text = markdown_of(found())

    assert text.startswith(
        "## Shadow verdict: ❌ Do not promote\n\n- GET /a: only 0 of"
    )
    for line in (
        "Judged: version `v2`; 1,234 replays of other versions do not count.",
        "| as sampled | 98.52 % | ",
        "| — Wilson, for one look | 98.52 % | ",
        f"| `{KEY.fingerprint}` | GET /a | body /price: another a | 60 | open |",
        "<details><summary>Routes: 2</summary>",
    ):
        assert line in text
    assert "| GET /b | 4,000 of 4,000 | 100 % |" in text
    assert re.search(r"\| \+(19|20|21)\.\d ms \((2\.9|3\.0)\d times\) \|", text)


@given(st.text(max_size=40))
def test_markdown_reads_nothing_of_the_traffic_as_markup(route: str) -> None:
    """No link, mention, tag, table cell or line comes from a route's name."""
    text = markdown_of(found(route="GET /x" + route))
    plain = markdown_of(found())

    assert len(plain.split("\n")) == len(text.split("\n"))
    rows = [line for line in text.split("\n") if line.startswith("| GET /")]
    for row in rows:
        assert 6 == row.replace("\\|", "").count("|")
        assert "<" not in row.replace("\\<", "")
    assert "@a" not in markdown_of(found(route="GET /@a"))


def test_markdown_of_nothing_says_so() -> None:
    """An empty store is not enough evidence."""
    assert markdown_of(verdict(Holdings(totals=[]))) == (
        "## Shadow verdict: ❔ Not enough evidence\n\nNothing is recorded yet.\n"
    )
