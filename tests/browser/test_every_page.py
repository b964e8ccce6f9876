"""Every page, whatever it is of: accessible, drawn, as narrow as a phone, never blank."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from shadow_middleware.store.sql import SqlStore
from tests.browser.conftest import Visit, serving
from tests.browser.views import views
from tests.shared import copied

AXE = (Path(__file__).parent / "vendor" / "axe.min.js").read_text("utf-8")
RUN = "axe.run({resultTypes: ['violations'], preload: false, runOnly: %s ?? undefined})"
WIDTH = """() => new Promise((told) => requestAnimationFrame(() =>
    requestAnimationFrame(() => told(document.documentElement.scrollWidth))))"""
"""How wide a page is, once its charts have heard of the new width."""


def of_evidence(url: str) -> dict[str, list[str]]:
    """Return what the placeholders of paths can stand for in this evidence."""
    store = SqlStore(url, create=False)
    try:
        groups = [group.fingerprint for group in store.groups()]
        keys = [str(one.id) for one in store.divergences(limit=1)]
    finally:
        store.close()
    return {"fingerprint": groups[:2], "key": keys}


DRAWN = """() => [...document.querySelectorAll(".plot")].map((plot) => {
    const canvas = plot.querySelector("canvas");
    if (!canvas?.width) return 0;
    const pixels = canvas.getContext("2d")
        .getImageData(0, 0, canvas.width, canvas.height).data;
    const colours = new Set();
    for (let at = 0; at < pixels.length; at += 4)
        if (pixels[at + 3] > 200) colours.add(`${pixels.slice(at, at + 3)}`);
    return colours.size;
})"""
"""How many colours each chart is drawn in."""


@pytest.mark.parametrize(
    ("scheme", "rules"), [("light", "null"), ("dark", "['color-contrast']")]
)
def test_every_page_is_accessible_drawn_and_fits_a_phone(
    base: str, evidence: str, visiting: Callable[..., Visit], scheme: str, rules: str
) -> None:
    """
    Zero serious or critical findings of axe; nothing wider than 360 pixels.

    In the dark only the contrast is another, so only that is looked at again.
    """
    visit = visiting(base, color_scheme=scheme)
    looked = [*views(of_evidence(evidence), {"route": [{"route": "GET /tea"}]}), "/x"]
    charts = 0
    for path in ["/login", *looked]:
        visit.page.set_viewport_size({"width": 1280, "height": 800})
        visit.to(path)
        # DevTools' own world: our policy lets no script in, and must not.
        found = visit.page.evaluate(f"(() => {{ {AXE}\n }})(); {RUN % rules}")
        serious = [
            (rule["id"], node["html"], node["failureSummary"])
            for rule in found["violations"]
            if rule["impact"] in ("serious", "critical")
            for node in rule["nodes"]
        ]
        assert [] == serious, path
        for drawn in visit.page.evaluate(DRAWN):
            charts += 1
            assert drawn > 2, path
        visit.page.set_viewport_size({"width": 360, "height": 740})
        assert 360 >= visit.page.evaluate(WIDTH), path
    assert charts >= 5
    visit.forgive("404")


def test_the_navigation_is_never_clipped(
    base: str, visiting: Callable[..., Visit]
) -> None:
    """Every page is in sight, but on a phone, where the list scrolls to the current."""
    page = visiting(base).page
    nav = page.get_by_role("navigation", name="Pages")
    for width in (1280, 1180, 768):
        page.set_viewport_size({"width": width, "height": 800})

        assert nav.evaluate("(one) => one.scrollWidth <= one.clientWidth"), width


def test_an_empty_store_says_so_on_every_page(
    empty_store: Path, tmp_path: Path, visiting: Callable[..., Visit]
) -> None:
    """No page is blank, none fails, and each says what it would show."""
    with serving(copied(empty_store, tmp_path / "empty.db")) as base:
        visit = visiting(base)
        for path in views({"fingerprint": [], "key": []}, {}):
            if path == "/route":  # of which there is none
                continue
            assert visit.to(path) == 200, path
            said = visit.page.get_by_role("main").inner_text()
            assert len(said.split()) > 12, (path, said)
