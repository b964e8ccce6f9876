"""Every page and every action in a real browser: no complaint, nothing asked of others."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from playwright.sync_api import Page, expect

from shadow_middleware.evidence import Batch
from shadow_middleware.exchange import Kind, Part
from shadow_middleware.knowledge import Decision, GroupKey, GroupState, Sighting
from shadow_middleware.report.verdict import Ruling
from shadow_middleware.store.sql import SqlStore
from tests.browser.conftest import Visit, serving

PHONE = "body /phone: missing"
LIST = "/groups?route=GET+/tea"


def opened(visit: Visit, text: str = PHONE) -> Page:
    """Open the group that says so, through the list."""
    visit.to(LIST)
    visit.page.get_by_role("link", name=text).click()
    expect(visit.page.get_by_role("heading", level=1)).to_contain_text(text)
    return visit.page


def test_what_is_new_appears_without_loading_the_page(
    base: str, evidence: str, visiting: Callable[..., Visit]
) -> None:
    """A group that was not there stands in the list; p stops the news, and goes on."""
    visit = visiting(base)
    visit.to("/groups")
    page = visit.page
    page.evaluate("window.kept = 1")
    page.keyboard.press("p")
    expect(page.locator("#news")).to_contain_text("News stopped")
    key = GroupKey("shadow", "GET /new", Part.BODY, "/new", Kind.ADDED, "", "text")
    with closing(SqlStore(evidence, create=False)) as store:
        store.write(Batch(sightings=[Sighting(key, 3, time.time(), time.time())]))
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.evaluate("htmx.trigger('#live', 'refresh')")
    page.evaluate("1")  # what was asked for is told before this is answered
    assert [] == asked
    page.keyboard.press("p")

    # The list may be as old as the pages say; the next time that it is asked for is new.
    expect(page.get_by_role("link", name="body /new")).to_be_visible(timeout=20_000)
    assert page.evaluate("window.kept") == 1


def test_a_page_asks_again_by_itself(
    base: str, evidence: str, visiting: Callable[..., Visit]
) -> None:
    """The group is decided on elsewhere; a reader sees it within seconds."""
    page = opened(visiting(base))
    group = page.url.rpartition("/")[2].partition("?")[0]
    with closing(SqlStore(evidence, create=False)) as store:
        decision = Decision(group=group, at=time.time(), state=GroupState.IGNORED)
        assert store.decide(decision)

    expect(page.locator(".facts .badge")).to_have_text("ignored")


def test_a_store_that_goes_away_leaves_the_last_that_was_known(
    evidence: str, visiting: Callable[..., Visit]
) -> None:
    """The page stays, and says that nobody answers."""
    with serving(evidence) as base:
        visit = visiting(base)
        visit.to(LIST)
    visit.page.evaluate("htmx.trigger('#live', 'refresh')")

    expect(visit.page.locator("#news")).to_contain_text("No answer")
    expect(visit.page.get_by_role("link", name=PHONE)).to_be_visible()
    visit.forgive("ERR_CONNECTION_REFUSED")
    visit.forgive("Response Status Error")
    visit.forgive("htmx:")


def test_the_list_of_groups_shows_one_example_of_each(
    base: str, visiting: Callable[..., Visit]
) -> None:
    """What live said, and what the shadow said."""
    visit = visiting(base)
    visit.to(LIST)
    rows = visit.page.locator("[data-row]")

    price = rows.filter(has_text="/price").locator(".example")
    expect(price.locator(".was")).to_have_text("250")
    expect(price.locator(".now")).to_have_text("251")
    phone = rows.filter(has_text="/phone").locator(".example")
    expect(phone.locator(".was")).to_have_text('"+44 20 7946"')
    expect(phone).to_contain_text("nothing")


def test_keys_alone_lead_everywhere(base: str, visiting: Callable[..., Visit]) -> None:
    """Rows, pages, the list of keys, and the way past the navigation."""
    visit = visiting(base)
    page = visit.page
    visit.to("/groups?state=all")
    rows = page.locator("[data-row]").all()
    names = [str(one.get_attribute("data-row")) for one in rows]
    chosen = page.locator("[data-row].chosen")
    for keys, name in (
        (["j"], names[0]),
        (["j", "k"], names[0]),
        (["j"], names[1]),
        (["Shift+G"], names[-1]),
        (["j"], names[-1]),
        (["g", "g"], names[0]),
    ):
        for key in keys:
            page.keyboard.press(key)
        expect(chosen).to_have_attribute("data-row", name)

    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    for link in page.locator("nav [data-key]").all():
        letter, where = link.get_attribute("data-key"), link.get_attribute("href")
        if letter and where:
            page.keyboard.press("g")
            page.keyboard.press(letter)
            page.wait_for_url(f"**{where}", wait_until="domcontentloaded")
    visit.to("/groups")
    page.keyboard.press("Tab")
    expect(page.get_by_text("Skip to content")).to_be_focused()
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"


def test_what_one_sees_can_be_sent_as_a_link(
    base: str, visiting: Callable[..., Visit]
) -> None:
    """Another visitor who opens the address sees the same, down to the sample."""
    first = visiting(base)
    page = opened(first)
    page.get_by_role("link", name="unified").click()
    page.wait_for_url("**view=unified**")
    page.locator("[data-row^=sample] a").last.click()
    page.wait_for_url("**sample=**")
    other = visiting(base)
    other.to(page.url.removeprefix(base))

    current = page.locator("tr.current").get_attribute("data-row")
    expect(other.page.locator("tr.current")).to_have_attribute("data-row", str(current))
    diff = page.locator(".diff.unified").all_inner_texts()
    assert diff == other.page.locator(".diff.unified").all_inner_texts() != []
    assert "view=unified" in other.page.url


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


def test_a_group_can_be_resolved_or_called_noise(
    base: str, visiting: Callable[..., Visit]
) -> None:
    """The state is on the page at once, and can be taken back."""
    page = opened(visiting(base))
    badge = page.locator(".facts .badge")
    for button, state in (
        ("Resolve", "resolved"),
        ("Reopen", "open"),
        ("Noise", "noise"),
        ("As learned", "open"),
    ):
        page.get_by_role("button", name=button).click()
        expect(badge).to_have_text(state)


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
    visit.forgive("404")
