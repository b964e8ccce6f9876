"""The pages as a browser gets them: filled, empty, without a store, under a prefix."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.testclient import TestClient

from shadow_middleware.api.access import Access
from shadow_middleware.api.headers import FOR_PAGES
from shadow_middleware.api.opened import Opened
from shadow_middleware.dashboard import dashboard
from shadow_middleware.dashboard.app import SCREENS
from shadow_middleware.dashboard.figures import linked
from shadow_middleware.dashboard.pages import Pages
from shadow_middleware.dashboard.screen import Screen, Shown, Visit
from shadow_middleware.settings import Settings
from shadow_middleware.store.sql import SqlStore
from tests.dashboard.conftest import TOKEN, visitor

PAGES = [one.path for one in SCREENS if one.label]
BEARER = {"Authorization": f"Bearer {TOKEN}"}
LOOK = {"HX-Request": "true"}


@pytest.mark.parametrize("path", PAGES)
def test_every_page_of_the_navigation_opens(somebody: TestClient, path: str) -> None:
    """With evidence there is a page, with its heading and where one is."""
    answer = somebody.get(path)

    assert 200 == answer.status_code
    assert 1 == answer.text.count("<h1>")
    assert 1 == answer.text.count('aria-current="page" data-key=')


@pytest.mark.parametrize("path", PAGES)
def test_every_page_opens_without_evidence(tmp_path: Path, path: str) -> None:
    """An empty store is no error: pages say what would be there."""
    url = f"sqlite:///{tmp_path / 'empty.db'}"
    SqlStore(url).close()
    with visitor(url) as client:
        answer = client.get(path, headers=BEARER)

    assert 200 == answer.status_code


def test_an_empty_overview_says_how_to_start(tmp_path: Path) -> None:
    """Whoever opens it first is told what to do."""
    with visitor(f"sqlite:///{tmp_path / 'empty.db'}") as client:
        text = client.get("/", headers=BEARER).text

    assert "No evidence yet" in text
    assert "ShadowMiddleware" in text


@pytest.mark.parametrize("path", PAGES)
def test_a_store_that_is_away_is_said_without_a_traceback(
    tmp_path: Path, path: str
) -> None:
    """503 with what is wrong; the next look tries again."""
    file = tmp_path / "not-there" / "evidence.db"
    with visitor(f"sqlite:///{file}") as client:
        away = client.get(path, headers=BEARER)
        file.parent.mkdir()
        back = client.get(path, headers=BEARER)

    assert 503 == away.status_code
    assert "The store does not answer" in away.text
    assert "Traceback" not in away.text
    assert 200 == back.status_code


def test_the_overview_says_what_the_report_says(somebody: TestClient) -> None:
    """The verdict, the sum of all outcomes and the groups are on the first page."""
    text = somebody.get("/").text

    assert 'class="ruling"' in text
    assert "selected =" in text
    assert "in flight" in text
    assert 'data-kind="rate"' in text
    assert 'data-kind="outcomes"' in text
    assert 'data-kind="latency"' in text


def test_a_look_gets_news_only_where_there_are_any(somebody: TestClient) -> None:
    """An unchanged page is 304, so nothing flickers; a changed one is sent."""
    first = somebody.get("/routes", headers=LOOK)
    same = somebody.get(
        "/routes", headers={**LOOK, "If-None-Match": first.headers["ETag"]}
    )
    other = somebody.get(
        "/routes?sort=route", headers={**LOOK, "If-None-Match": first.headers["ETag"]}
    )

    assert (200, 304, 200) == (
        first.status_code,
        same.status_code,
        other.status_code,
    )
    assert "<html" not in first.text
    assert b"" == same.content


def test_a_page_carries_the_tag_of_what_it_shows(somebody: TestClient) -> None:
    """The first look after opening is spared as well."""
    page = somebody.get("/routes")
    etag = page.headers["ETag"]
    look = {**LOOK, "If-None-Match": etag}

    assert f'data-etag="{etag.replace(chr(34), "&#34;")}"' in page.text
    assert 304 == somebody.get("/routes", headers=look).status_code


def test_routes_come_in_the_order_that_the_url_names(somebody: TestClient) -> None:
    """A link to a sorted list shows the same to everybody."""
    down = somebody.get("/routes?sort=-route", headers=LOOK).text
    up = somebody.get("/routes?sort=route", headers=LOOK).text

    assert _rows(up) == _rows(down)[::-1]
    assert len(_rows(up)) > 1
    assert 'aria-sort="ascending"' in up
    assert 'aria-sort="descending"' in down


def test_a_heading_sorts_words_from_a_and_numbers_from_the_most(
    somebody: TestClient,
) -> None:
    """The first click gives what one wants first; the next one turns it."""
    fresh = somebody.get("/routes", headers=LOOK).text
    by_name = somebody.get("/routes?sort=route", headers=LOOK).text

    assert ("?sort=route", "?sort=-rate") == (
        _link(fresh, "route"),
        _link(fresh, "match rate"),
    )
    assert "?sort=-route" == _link(by_name, "route")


def test_routes_are_found_by_a_part_of_their_name(somebody: TestClient) -> None:
    """What is typed into the field narrows the list."""
    every = _rows(somebody.get("/routes", headers=LOOK).text)
    wanted = every[0].split("/")[-1]
    some = _rows(somebody.get(f"/routes?find={wanted}", headers=LOOK).text)

    assert every[0] in some
    assert "No route fits" in somebody.get("/routes?find=no-such").text


def test_a_route_has_a_page_of_its_own(somebody: TestClient) -> None:
    """With its groups, its times and what of it was used; an unknown one is 404."""
    target, _, route = _rows(somebody.get("/routes", headers=LOOK).text)[0].partition(
        " "
    )
    known = somebody.get("/route", params={"route": route, "target": target})
    unknown = somebody.get("/route", params={"route": "GET /no-such"})

    assert 200 == known.status_code
    assert "Latency shift" in known.text
    assert 404 == unknown.status_code


def test_a_time_without_evidence_leads_back_to_all(somebody: TestClient) -> None:
    """A filter that hides everything is said, with a way out of it."""
    text = somebody.get("/?since=2099-01-01").text

    assert "Show all time" in text


def test_a_mistyped_time_is_said_and_shows_all(somebody: TestClient) -> None:
    """A broken link still shows evidence."""
    text = somebody.get("/?since=soon").text

    assert "is no time" in text
    assert "selected =" in text


def test_the_page_of_targets_says_how_each_is(somebody: TestClient) -> None:
    """Whether it answers, what is in flight, and who replays to it."""
    text = somebody.get("/targets").text

    assert "breaker <" in text
    assert "In flight" in text


def test_what_is_not_there_is_a_page_as_well(somebody: TestClient) -> None:
    """A mistyped address leads back to the overview."""
    answer = somebody.get("/no-such-page")

    assert 404 == answer.status_code
    assert "To the overview" in answer.text


@pytest.mark.parametrize("path", ["/", "/no-such-page", "/login", "/static/charts.js"])
def test_every_answer_has_the_policy(nobody: TestClient, path: str) -> None:
    """Nothing inline, nothing from elsewhere, in no frame, whatever is answered."""
    headers = nobody.get(path).headers

    assert FOR_PAGES == headers["Content-Security-Policy"]
    assert "unsafe" not in FOR_PAGES
    assert "nosniff" == headers["X-Content-Type-Options"]


def test_pages_are_kept_by_no_cache_and_packaged_files_are(
    somebody: TestClient,
) -> None:
    """What was captured rests in no cache; a file's address changes with it."""
    assert "no-store" == somebody.get("/").headers["Cache-Control"]
    assert "immutable" in somebody.get("/static/charts.js").headers["Cache-Control"]


@pytest.mark.parametrize("prefix", ["/shadow", "/a/b"])
def test_it_works_under_any_prefix(tea: str, prefix: str) -> None:
    """Every link and file of a page stays below where it is mounted."""
    inner = dashboard(token=TOKEN, store_url=tea)
    with TestClient(Starlette(routes=[Mount(prefix, inner)])) as client:
        page = client.get(f"{prefix}/", headers=BEARER)
        addresses = _addresses(page.text)
        statuses = {client.get(one, headers=BEARER).status_code for one in addresses}

    assert 200 == page.status_code
    assert [] == [one for one in addresses if not one.startswith(f"{prefix}/")]
    assert {200} == statuses


def _addresses(text: str) -> list[str]:
    """Return where a page leads and what it loads."""
    found = []
    for mark in (' href="', ' src="', ' action="', ' hx-get="'):
        found += [part.partition('"')[0] for part in text.split(mark)[1:]]
    plain = [one.replace("&amp;", "&") for one in found]
    return [one for one in plain if "#" not in one and "logout" not in one]


def _rows(text: str) -> list[str]:
    return [part.partition('"')[0] for part in text.split('data-row="')[1:]]


def _link(text: str, heading: str) -> str:
    """Return where the heading of a column leads, from its question mark on."""
    before = text.partition(f">{heading}</a>")[0]
    return "?" + before.rpartition("?")[2].rstrip('"')


def _raising(_: Visit) -> Shown:
    raise ValueError("planted")


def _without_values(_: Visit) -> Shown:
    return Shown(template="problem.html", values={"planted": True})


@pytest.mark.parametrize(
    ("broken", "logged"), [(_raising, "planted"), (_without_values, "UndefinedError")]
)
def test_a_mistake_of_ours_is_a_page_without_a_traceback(
    broken: Callable[[Visit], Shown],
    logged: str,
    tea: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The log has the traceback; the host and the visitor do not."""
    screen = Screen(name="overview", path="/", show=broken)
    evidence = Opened(Settings(store_url=tea))
    pages = Pages([screen], evidence, Access(TOKEN))
    with TestClient(Starlette(routes=pages.routes())) as client:
        answer = client.get("/", headers=BEARER)

    assert 500 == answer.status_code
    assert "A mistake of ours" in answer.text
    assert logged not in answer.text
    assert logged in caplog.text


def test_a_target_shows_its_rate_and_whether_it_is_on(tea: str) -> None:
    """As far as the settings of the dashboard name it; without them nothing is made up."""

    def page(**settings: object) -> str:
        app = dashboard(token=TOKEN, store_url=tea, **settings)  # type: ignore[arg-type]
        with TestClient(app, headers=BEARER) as client:
            return client.get("/targets").text

    address = "http://127.0.0.1:9000"
    assert "<strong>25 %</strong>" in page(shadow_url=address, rate=0.25)
    assert "<strong>off</strong>" in page(shadow_url=address, enabled=False)
    assert "Mirrored" not in page()


# --- what was asked for and is not there, or cannot be done -------------------------------


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/groups?state=nonsense", "write counted, open, ignored"),
        ("/groups?part=boby", "write status, header, body, latency"),
        ("/groups?offset=-1", "write a whole number"),
        ("/noise?held=no", "write noise, signal"),
        ("/routes?sort=size", "write route, -route"),
        ("/divergences?live=4xx", "write a whole number"),
    ],
)
def test_a_parameter_that_is_nothing_is_said(
    somebody: TestClient, path: str, said: str
) -> None:
    """It is a page all the same, and tells what would be right."""
    answer = somebody.get(path)

    assert 200 == answer.status_code
    assert f"is not known here: {said}" in answer.text


def test_parameters_that_are_known_are_no_problem(somebody: TestClient) -> None:
    """The links of the pages themselves say nothing wrong."""
    for path in (
        "/groups?state=counted&part=body&offset=0",
        "/noise?held=signal",
        "/routes?sort=-count",
        "/verdict?limit=500",
        "/divergences?live=200&shadow=",
    ):
        assert "is not known here" not in somebody.get(path).text


def test_the_groups_that_a_verdict_names_are_links(somebody: TestClient) -> None:
    """From the reason to the field that differs in one step, on both pages."""
    for path in ("/verdict", "/"):
        found = re.findall(
            r'\(group <a href="(/groups/[0-9a-f]{16})"', somebody.get(path).text
        )

        assert found
        assert 200 == somebody.get(found[0]).status_code


def test_what_is_no_group_is_no_link_and_never_markup() -> None:
    """A reason holds routes, and those come from outside."""
    text = "<b> group 0123 group 0123456789abcdef0 (group 0123456789abcdef)"
    found = linked(text, lambda name, fingerprint: f"/{name}/{fingerprint}")

    assert (
        "&lt;b&gt; group 0123 group 0123456789abcdef0 (group "
        '<a href="/group/0123456789abcdef"><code>0123456789abcdef</code></a>)'
    ) == found


def test_a_recheck_that_cannot_be_done_is_not_offered_but_explained(
    tea: str, somebody: TestClient
) -> None:
    """Where no shadow is known; where one is, the button is there."""
    groups = somebody.get("/groups?find=phone").text
    path = re.findall(r'"(/groups/[0-9a-f]{16})"', groups)[0]
    with visitor(tea, shadow_url="http://127.0.0.1:9") as client:
        offered = client.get(path, headers=BEARER).text
    told = somebody.get(path).text

    assert ">Recheck</button>" not in told
    assert "no shadow is set here: name it with shadow_url" in told
    assert ">Recheck</button>" in offered


def test_suggested_rules_come_in_parts(somebody: TestClient) -> None:
    """However many there are, a page holds few, and says how many there are."""
    first = somebody.get("/rules").text
    beyond = somebody.get("/rules?offset=100").text

    assert "Add all" in first
    assert first.count('data-row="suggested') <= 10
    assert 0 == beyond.count('data-row="suggested')
    assert 'rel="prev"' in beyond
