"""W56: whatever a client sent, in any view it is text: nothing of it runs or is markup."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.browser.conftest import Visit, serving
from tests.browser.hostile import PAYLOADS, fill
from tests.browser.views import views


@pytest.fixture(scope="module")
def planted(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[str, list[str]]]:
    """Serve a store full of payloads; yield its address and the groups."""
    store: Path = tmp_path_factory.mktemp("hostile") / "evidence.db"
    groups = fill(f"sqlite:///{store}")
    with serving(f"sqlite:///{store}") as base:
        yield base, groups


def test_w56_nothing_that_was_captured_runs_in_any_view(
    planted: tuple[str, list[str]], visiting: Callable[..., Visit]
) -> None:
    """
    W56: bodies, headers, paths, cookies, routes, notes, rules, versions, targets: inert.

    The content security policy would stop what ran; that nothing became an element is
    shown without its help, and a policy that had to step in would be a complaint.
    """
    base, groups = planted
    visit = visiting(base)
    ways = {
        "fingerprint": groups,
        "key": [str(number + 1) for number in range(len(groups))],
    }
    queries = {
        "route": [{"route": f"GET /{text}"} for text in PAYLOADS],
        "groups": [{"state": "all", "find": text, "route": text} for text in PAYLOADS],
        "overview": [{"target": text, "since": text} for text in PAYLOADS[:3]],
        "noise": [{"find": text} for text in PAYLOADS[:2]],
        "divergences": [{"group": text, "route": text} for text in PAYLOADS[:2]],
        "routes": [{"find": text} for text in PAYLOADS[:2]],
        "rules": [{"said": text} for text in PAYLOADS[:2]],
    }
    shown = 0
    for path in views(ways, queries):
        assert visit.to(path) == 200, path
        found = visit.page.evaluate(
            """() => ({
                ran: window.planted ?? null,
                elements: document.querySelectorAll(
                    "x-planted, [x-planted], iframe, math, base, object, embed, " +
                    "script:not([src]), img[src='x'], meta[http-equiv], main style, " +
                    "[onerror], [onload], [onfocus], [onmouseover], main [hx-on\\\\:click]"
                ).length,
                links: [...document.links].filter(
                    (one) => one.protocol !== "http:").length,
                shown: document.documentElement.textContent.includes("x-planted"),
            })"""
        )
        assert {"ran": None, "elements": 0, "links": 0} == {
            name: found[name] for name in ("ran", "elements", "links")
        }, path
        shown += found["shown"]
    # A corpus that is not on the pages would prove nothing.
    assert shown > 5 * len(PAYLOADS)


def test_w56_the_policy_allows_no_inline_script(
    planted: tuple[str, list[str]], visiting: Callable[..., Visit]
) -> None:
    """W56: even markup that slipped through could run nothing: the second wall is there."""
    base, _ = planted
    visit = visiting(base)
    visit.page.evaluate(
        """() => {
            const script = document.createElement("script");
            script.textContent = "window.planted = 1";
            document.body.append(script);
            document.body.insertAdjacentHTML("beforeend",
                "<img src='data:,' onerror='window.planted = 1'>");
        }"""
    )
    visit.page.wait_for_timeout(100)

    assert visit.page.evaluate("window.planted ?? null") is None
    blocked = [said for said in visit.complaints if "Content Security Policy" in said]
    assert blocked == visit.complaints
    assert len(blocked) >= 2
    visit.complaints.clear()
