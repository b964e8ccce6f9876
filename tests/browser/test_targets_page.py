"""Targets at run time in a real browser, from the first look to the last button."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import expect

from tests.browser.conftest import Visit, serving
from tests.browser.test_every_page import AXE, RUN, WIDTH


def test_targets_are_added_steered_stopped_and_removed(
    evidence: str, visiting: Callable[..., Visit]
) -> None:
    """By keys and buttons alone; accessible and as narrow as a phone with all open."""
    allowed = {"target_allow": ["*.lab.test"], "shadow_url": "http://v1.lab.test"}
    with serving(evidence, **allowed) as base:
        visit = visiting(base)
        page = visit.page
        page.keyboard.press("g")
        page.keyboard.press("t")
        page.get_by_label("URL").fill("http://v2.lab.test")
        page.get_by_label("URL").press("Enter")
        expect(page.get_by_text("Added: agents send to it")).to_be_visible()
        card = page.locator("[data-row='target v2-lab-test']")
        expect(card.locator(".badge").first).to_have_text("gets copies")

        card.get_by_label("Share, 0 to 1").fill("0.25")
        card.get_by_role("button", name="Set the share of v2-lab-test").click()
        expect(card.locator(".figure").first).to_contain_text("25 %")
        card.get_by_role("button", name="Disable v2-lab-test").click()
        expect(card.locator(".badge").first).to_have_text("disabled")
        card.get_by_role("button", name="Enable v2-lab-test").click()
        expect(card.locator(".badge").first).to_have_text("gets copies")

        card.get_by_text("Limits, filters, and why").click()
        card.get_by_label("Replays a second at most").fill("none")
        card.get_by_role("button", name="Save").click()
        expect(page.get_by_role("alert")).to_contain_text("rate_limit")
        visit.forgive("422")
        card.get_by_text("Limits, filters, and why").click()
        card.get_by_label("Replays a second at most").fill("5")
        card.get_by_label("Only paths").fill("/api/**")
        card.get_by_role("button", name="Save").click()
        expect(card).to_contain_text("at most 5 a second; only /api/**")

        page.locator("#switch-reason").fill("incident 7")
        page.get_by_role("button", name="Stop all copies").click()
        expect(page.get_by_text("“incident 7”")).to_be_visible()
        expect(card.locator(".badge").first).to_have_text("switched off")
        for one in page.get_by_text("Limits, filters, and why").all():
            one.click()
        found = page.evaluate(f"(() => {{ {AXE}\n }})(); {RUN % 'null'}")
        assert [] == [
            (rule["id"], rule["nodes"][0]["html"])
            for rule in found["violations"]
            if rule["impact"] in ("serious", "critical")
        ]
        page.set_viewport_size({"width": 360, "height": 740})
        assert 360 >= page.evaluate(WIDTH)
        page.get_by_role("button", name="Make copies again").click()
        expect(page.get_by_role("heading", name="Copies are made")).to_be_visible()

        card.get_by_text("Limits, filters, and why").click()
        card.get_by_role("button", name="Remove v2-lab-test").click()
        expect(card).to_have_count(0)
