"""The dashboard within Starlette, Flask and Django, each behind a real server."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.dashboard.hosts.served import COMMANDS, TOKEN, Host, make_users, serving
from tests.shared import copied, made_once

BEARER = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture(scope="module", params=COMMANDS)
def host(
    request: pytest.FixtureRequest,
    tea_store: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Host]:
    """Give each host in turn, served over a store that real traffic has filled."""
    users = made_once(tmp_path_factory, "users", make_users)
    folder = tmp_path_factory.mktemp("host")
    shutil.copytree(users, folder, dirs_exist_ok=True)
    url = copied(tea_store, folder / "tea.db")
    with serving(request.param, url, folder) as served:
        yield served


@pytest.fixture(scope="module")
def staff(host: Host) -> Iterator[httpx.Client]:
    """Give somebody whom the host lets in."""
    with host.staff() as browser:
        yield browser


def test_the_host_stays_what_it_was(host: Host) -> None:
    """Only what is below the prefix is the dashboard's."""
    with host.browser() as browser:
        assert "the app" in browser.get(f"{host.prefix}/").text


def test_nothing_is_open_to_who_is_not_known(host: Host) -> None:
    """Scripts are told 401; nobody sees evidence."""
    with host.browser() as browser:
        told = {
            path: browser.get(f"{host.base}/{path}").status_code
            for path in ("api/stats", "api/openapi.json", "metrics", "api/none")
        }
        look = browser.get(f"{host.base}/", headers={"HX-Request": "true"})
        page = browser.get(f"{host.base}/groups", headers={"Accept": "text/html"})
        post = browser.post(f"{host.base}/rules/remove", data={"name": "x"})

    assert {401} == {*told.values(), look.status_code, post.status_code}
    if host.kind.startswith("django"):
        assert 302 == page.status_code
        assert "/admin/login/?next=/shadow/groups" == page.headers["location"]
    else:
        assert 401 == page.status_code
        assert f'action="{host.base}/login"' in page.text


def test_who_is_known_but_has_no_right_sees_nothing(host: Host) -> None:
    """To have an account is not enough."""
    with host.staff("guest" if host.kind.startswith("django") else "") as browser:
        assert browser.get(f"{host.base}/").status_code in (302, 401)
        assert 401 == browser.get(f"{host.base}/api/stats").status_code


def test_a_script_has_the_token(host: Host) -> None:
    """API, description and figures, wherever the host has them."""
    with host.browser() as browser:
        browser.headers.update(BEARER)
        stats = browser.get(f"{host.base}/api/stats")
        document = browser.get(f"{host.base}/api/openapi.json").json()
        rule = browser.post(f"{host.base}/api/v1/rules", json={"toml": 'path = "/a"'})
        metrics = browser.get(f"{host.base}/metrics")

    assert stats.json()["total_requests"] > 20
    assert [{"url": f"{host.base}/api"}] == document["servers"]
    assert rule.status_code in (201, 409)
    families = {one.name for one in text_string_to_metric_families(metrics.text)}
    assert "shadow_middleware_store_replays" in families


def test_every_link_of_a_page_leads_somewhere(host: Host, staff: httpx.Client) -> None:
    """Pages, scripts and styles know where they are mounted."""
    page = staff.get(f"{host.base}/")
    links = set(re.findall(r'(?:href|src|hx-get)="(/[^"]*)"', page.text))

    assert 200 == page.status_code
    assert len(links) > 10
    assert {True} == {one.startswith(f"{host.base}/") for one in links}
    assert {200} == {staff.get(one.replace("&amp;", "&")).status_code for one in links}


def test_files_of_the_package_are_kept_by_browsers(
    host: Host, staff: httpx.Client
) -> None:
    """Without signing in: the sign-in page wants them as well."""
    (link,) = re.findall(
        r'href="([^"]*dashboard\.css[^"]*)"', staff.get(f"{host.base}/").text
    )
    with host.browser() as browser:
        answer = browser.get(link)

    assert 200 == answer.status_code
    assert answer.headers["content-type"].startswith("text/css")
    assert "immutable" in answer.headers["cache-control"]


def test_news_are_looked_for_and_not_sent_twice(
    host: Host, staff: httpx.Client
) -> None:
    """An open page asks again and again; what did not change is 304."""
    look = {"HX-Request": "true"}
    first = staff.get(f"{host.base}/groups", headers=look)
    known = {**look, "If-None-Match": first.headers["etag"]}
    again = staff.get(f"{host.base}/groups", headers=known)

    assert 200 == first.status_code
    assert "<html" not in first.text
    assert (304, "") == (again.status_code, again.text)


def test_a_write_needs_the_csrf_token_of_the_page(
    host: Host, staff: httpx.Client
) -> None:
    """In every process of the host, and the redirect stays below the prefix."""
    pages = [staff.get(f"{host.base}/rules").text for _ in range(6)]
    tokens = {re.findall(r'name="csrf-token" content="(\w+)"', one)[0] for one in pages}
    form = {"name": "x"}
    shut = staff.post(f"{host.base}/rules/remove", data=form)
    (token,) = tokens
    done = [
        staff.post(f"{host.base}/rules/remove", data={**form, "csrf_token": token})
        for _ in range(6)
    ]
    api = staff.delete(f"{host.base}/api/v1/rules/a/b", headers={"X-CSRF-Token": token})

    assert 403 == shut.status_code
    assert {303} == {one.status_code for one in done}
    assert f"{host.base}/rules?said=gone" == done[0].headers["location"]
    assert 404 == api.status_code


def test_the_csrf_token_of_another_is_none(host: Host, staff: httpx.Client) -> None:
    """Who may look themselves cannot write in the name of another."""
    pattern = r'name="csrf-token" content="(\w+)"'
    name = "other" if host.kind.startswith("django") else "somebody else"
    with host.staff(name) as browser:
        (others,) = re.findall(pattern, browser.get(f"{host.base}/rules").text)
    data = {"name": "x", "csrf_token": others}

    assert 403 == staff.post(f"{host.base}/rules/remove", data=data).status_code


def test_the_prefix_without_its_slash_leads_to_it(
    host: Host, staff: httpx.Client
) -> None:
    """People type it so."""
    answer = staff.get(host.base)

    assert answer.status_code in (301, 307, 308)
    assert answer.headers["location"].endswith(f"{host.base}/")


def test_a_page_that_is_not_there_is_said_to_be_none(
    host: Host, staff: httpx.Client
) -> None:
    """By the dashboard, under the host's address."""
    answer = staff.get(f"{host.base}/never")

    assert 404 == answer.status_code
    assert "No such page" in answer.text


def test_a_head_has_no_body(host: Host, staff: httpx.Client) -> None:
    """Whatever the host's server does with one."""
    answer = staff.head(f"{host.base}/api/stats")

    assert (200, b"") == (answer.status_code, answer.content)


def test_the_token_signs_people_in_below_the_prefix(host: Host) -> None:
    """The cookie goes to the dashboard alone."""
    with host.browser() as browser:
        data = {"token": TOKEN, "next": "/groups"}
        entered = browser.post(f"{host.base}/login", data=data)
        seen = browser.get(f"{host.base}/groups")

    assert (303, f"{host.base}/groups") == (
        entered.status_code,
        entered.headers["location"],
    )
    cookie = entered.headers["set-cookie"].lower()
    assert f"path={host.base};" in f"{cookie};"
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert 200 == seen.status_code
