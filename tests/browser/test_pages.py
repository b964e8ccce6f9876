"""Every page and every action in a real browser: no complaint, nothing asked of others."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from shadow_middleware.report.verdict import Ruling
from shadow_middleware.store.sql import SqlStore
from shadow_middleware.testing import ShadowServer, asgi
from tests.browser.conftest import Visit, serving
from tests.browser.views import views
from tests.cli.tea import LIVE, REWRITE, shop
from tests.shared import copied

AXE = (Path(__file__).parent / "vendor" / "axe.min.js").read_text("utf-8")
RUN = "axe.run({resultTypes: ['violations'], preload: false, runOnly: %s ?? undefined})"
PHONE = "body /phone: missing"
LIST = "/groups?route=GET+/tea"


@pytest.fixture
def evidence(tea_store: Path, tmp_path: Path) -> str:
    """Copy the evidence, so that what is decided stays in one test."""
    return copied(tea_store, tmp_path / "evidence.db")


@pytest.fixture
def base(evidence: str) -> Iterator[str]:
    """Serve the evidence; the shadow that is asked again has its phone back."""
    with (
        ShadowServer(asgi(shop({**REWRITE, "phone": LIVE["phone"]}))) as mended,
        serving(evidence, shadow_url=mended.url) as address,
    ):
        yield address


def opened(visit: Visit, text: str = PHONE) -> Page:
    """Open the group that says so, through the list."""
    visit.to(LIST)
    visit.page.get_by_role("link", name=text).click()
    expect(visit.page.get_by_role("heading", level=1)).to_contain_text(text)
    return visit.page


def of_evidence(url: str) -> dict[str, list[str]]:
    """Return what the placeholders of paths can stand for in this evidence."""
    store = SqlStore(url, create=False)
    try:
        groups = [group.fingerprint for group in store.groups()]
        keys = [str(one.id) for one in store.divergences(limit=1)]
    finally:
        store.close()
    return {"fingerprint": groups[:2], "key": keys}


@pytest.mark.parametrize(
    ("scheme", "rules"), [("light", "null"), ("dark", "['color-contrast']")]
)
def test_no_page_has_a_serious_finding_of_axe(
    base: str, evidence: str, visiting: Callable[..., Visit], scheme: str, rules: str
) -> None:
    """
    Zero serious or critical findings on any page.

    In the dark only the contrast is another, so only that is looked at again.
    """
    visit = visiting(base, color_scheme=scheme)
    looked = [*views(of_evidence(evidence), {"route": [{"route": "GET /tea"}]}), "/x"]
    for path in ["/login", *looked]:
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
    visit.complaints[:] = [one for one in visit.complaints if "404" not in one]


def test_no_page_is_wider_than_a_phone(
    base: str, evidence: str, visiting: Callable[..., Visit]
) -> None:
    """What is wide scrolls in its own box."""
    visit = visiting(base, viewport={"width": 390, "height": 800})
    for path in views(of_evidence(evidence), {"route": [{"route": "GET /tea"}]}):
        visit.to(path)
        width = visit.page.evaluate("document.documentElement.scrollWidth")
        assert width <= 390, path


def test_three_clicks_lead_to_the_field_that_differs(
    base: str, visiting: Callable[..., Visit]
) -> None:
    """Groups, the group, and there is the line that is gone, marked."""
    page = opened(visiting(base))

    row = page.locator(".split tr:visible", has_text='"phone": "+44 20 7946"')
    expect(row.locator(".removed mark")).to_contain_text("phone")
    expect(row.locator(".code.none")).to_have_count(1)
    expect(page.locator("#curl")).to_contain_text("curl --globoff")


def test_a_group_can_be_ignored_with_a_note_and_reopened(
    base: str, visiting: Callable[..., Visit]
) -> None:
    """It leaves the list of those that count, and comes back."""
    visit = visiting(base)
    page = opened(visit)
    page.get_by_label("Why").fill("known <b>since</b> May")
    page.get_by_role("button", name="Ignore").click()
    expect(page.get_by_role("status").last).to_contain_text("Ignored")
    expect(page.get_by_text("“known <b>since</b> May”")).to_be_visible()

    visit.to(LIST)
    expect(page.get_by_role("link", name=PHONE)).to_have_count(0)
    visit.to(f"{LIST}&state=ignored&find=phone")
    page.get_by_role("link", name=PHONE).click()
    page.get_by_role("button", name="Reopen").click()
    visit.to(LIST)
    expect(page.get_by_role("link", name=PHONE)).to_have_count(1)


@pytest.mark.parametrize(
    ("button", "state"), [("Resolve", "resolved"), ("Noise", "noise")]
)
def test_a_group_can_be_resolved_or_called_noise(
    base: str, visiting: Callable[..., Visit], button: str, state: str
) -> None:
    """The state is on the page at once."""
    page = opened(visiting(base))
    page.get_by_role("button", name=button).click()

    expect(page.locator(".facts .badge")).to_have_text(state)


def test_a_change_can_be_expected_and_the_rule_removed_again(
    base: str, visiting: Callable[..., Visit]
) -> None:
    """The rule is shown as TOML before it is added; the list of rules has it then."""
    visit = visiting(base)
    page = opened(visit)
    page.get_by_text("Intended? Expect it from now on").click()
    expect(page.locator("#rule")).to_contain_text('action = "expect"')
    page.get_by_role("button", name="Add this rule").click()
    expect(page.get_by_role("status").last).to_contain_text("The rule was added")

    visit.to("/rules")
    rule = page.locator("[data-row^='rule intended: body /phone']")
    expect(rule).to_have_count(1)
    rule.get_by_role("button").click()
    expect(page.get_by_text("Removed.")).to_be_visible()
    expect(rule).to_have_count(0)


def test_a_recheck_shows_its_result_and_resolves_what_is_fixed(
    base: str, visiting: Callable[..., Visit]
) -> None:
    """The phone is back on the shadow: the page says so without being loaded again."""
    page = opened(visiting(base))
    page.get_by_role("button", name="Recheck").click()

    result = page.get_by_role("status").filter(has_text="Recheck")
    expect(result).to_contain_text("fixed", timeout=20_000)
    expect(result).to_contain_text("The group was resolved")


def test_noise_is_ruled_by_hand(base: str, visiting: Callable[..., Visit]) -> None:
    """The button that is pressed says what holds."""
    visit = visiting(base)
    visit.to("/noise?find=price")
    row = visit.page.get_by_role("row", name="GET /tea")
    row.get_by_role("button", name="noise: body /price").click()

    expect(visit.page.get_by_text("Noise from now on")).to_be_visible()
    row = visit.page.locator("tr", has_text="GET /tea").filter(has_text="/price")
    expect(row.locator("[aria-pressed='true']")).to_have_text("noise")
    expect(row.locator(".badge")).to_have_text("noise")


def test_suggested_rules_are_shown_as_a_diff_and_added(
    base: str, visiting: Callable[..., Visit]
) -> None:
    """One by one, or all; they hold at once and are suggested no more."""
    visit = visiting(base)
    visit.to("/rules")
    page = visit.page
    page.get_by_text("As a diff to").click()
    expect(page.locator("#patch")).to_contain_text("+[[rules]]")
    names = page.locator(".proposals li")
    before = names.count()
    assert before > 0
    page.get_by_role("button", name="Add:").first.click()
    expect(page.get_by_text("Added: it holds")).to_be_visible()
    expect(names).to_have_count(before - 1)
    if before > 1:
        page.get_by_role("button", name="Add all").click()
    expect(names).to_have_count(0)


def test_the_verdict_can_be_kept_in_three_forms(
    base: str, visiting: Callable[..., Visit]
) -> None:
    """Each is a file with the ruling in it."""
    visit = visiting(base)
    visit.to("/verdict")
    ruling = visit.page.locator(".ruling").first.inner_text()
    assert ruling.lower().replace(" ", "_") in {one.value for one in Ruling}
    for name, file in (
        ("Markdown", "verdict.md"),
        ("JUnit", "verdict.xml"),
        ("JSON", "verdict.json"),
    ):
        with visit.page.expect_download() as download:
            visit.page.get_by_role("link", name=name).click()
        assert download.value.suggested_filename == file
        assert Path(download.value.path()).stat().st_size > 100


def test_filters_are_in_the_address_and_keys_lead_through(
    base: str, visiting: Callable[..., Visit]
) -> None:
    """A link to what one sees can be sent to a colleague; no mouse is needed."""
    visit = visiting(base)
    page = visit.page
    visit.to("/groups")
    page.keyboard.press("/")
    page.keyboard.type("price")
    page.keyboard.press("Enter")
    page.wait_for_url("**find=price**")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("price")
    page.get_by_role("link", name="unified").click()
    page.wait_for_url("**view=unified**")
    expect(page.locator(".diff.unified:visible").first).to_be_visible()
    expect(page.locator(".diff.split")).to_have_count(0)


def test_what_is_not_there_is_said(base: str, visiting: Callable[..., Visit]) -> None:
    """A group, a divergence or a form that is not there is a page with status 404."""
    visit = visiting(base)
    for path in ("/groups/0000", "/divergences/none", "/verdict/file/pdf"):
        assert visit.to(path) == 404
        expect(visit.page.get_by_role("heading", level=2)).to_be_visible()
    visit.complaints[:] = [one for one in visit.complaints if "404" not in one]
