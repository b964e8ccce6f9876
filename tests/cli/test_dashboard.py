"""`dashboard`: a real server on loopback, that nobody sees without its link or token."""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from urllib.parse import urlsplit

import pytest

from shadow_middleware.cli.dashboard import TOKEN
from tests.cli.conftest import Run

COMMAND = [sys.executable, "-m", "shadow_middleware.cli.main", "dashboard"]
SECRET = "a token that only this test knows"


@contextmanager
def serving(url: str, token: str = "") -> Iterator[str]:
    """Yield the link that signs in, while the command serves."""
    given = {TOKEN: token} if token else {}
    with subprocess.Popen(
        [*COMMAND, "--store", url, "--port", "0"],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **given, "PYTHONUNBUFFERED": "1"},
    ) as server:
        assert server.stdout is not None
        try:
            yield server.stdout.readline().split()[-1]
        finally:
            server.send_signal(signal.SIGINT)
            server.wait(90)


def get(link: str, path: str, **headers: str) -> http.client.HTTPResponse:
    """Ask the server of the link for a path."""
    where = urlsplit(link)
    with closing(
        http.client.HTTPConnection(str(where.hostname), where.port, timeout=30)
    ) as connection:
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        answer.read()
        return answer


@pytest.mark.timeout(90)
def test_the_link_signs_in_once_and_nothing_else_does(url: str) -> None:
    """W25: pages and API are shut without it, and the link is used up."""
    with serving(url) as link:
        where = urlsplit(link)
        first = f"{where.path}?{where.query}"
        shut = [get(link, path).status for path in ("/groups", "/api/stats")]
        signed = get(link, first)
        cookie = (signed.getheader("set-cookie") or "").partition(";")[0]
        seen = get(link, "/groups", cookie=cookie).status
        again = get(link, first).getheader("set-cookie")

    assert "127.0.0.1" == where.hostname
    assert [401, 401] == shut
    assert (303, 200) == (signed.status, seen)
    assert again is None


@pytest.mark.timeout(90)
def test_a_token_of_ones_own_opens_the_api(url: str) -> None:
    """Taken from the environment, never from the command line."""
    with serving(url, SECRET) as link:
        right = get(link, "/api/stats", authorization=f"Bearer {SECRET}").status
        wrong = get(link, "/api/stats", authorization="Bearer guess").status

    assert (200, 401) == (right, wrong)


def test_beyond_loopback_it_wants_a_token(run: Run, url: str) -> None:
    """W25: nothing is open by mistake."""
    result = run("dashboard", "--store", url, "--host", "0.0.0.0", "--port", "0")

    assert 2 == result.exit_code
    assert TOKEN in result.stderr
