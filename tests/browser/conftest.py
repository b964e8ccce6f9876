"""A real Chromium before a real server. What it complains of, or asks of others, is kept."""

from __future__ import annotations

import os
import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec
import pytest
import uvicorn
from playwright.sync_api import Browser, Page, Request, sync_playwright
from starlette.applications import Starlette
from starlette.routing import Mount

from shadow_middleware.dashboard import dashboard
from shadow_middleware.testing import ShadowServer, asgi
from tests.cli.tea import LIVE, REWRITE, shop
from tests.shared import copied

__all__ = ["TOKEN", "Visit", "serving"]

TOKEN = "a token for the tests, no secret"
_ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-sync",
    "--disable-background-networking",
    "--disable-component-update",
]
_NAMES = ("chromium", "chromium-browser", "google-chrome")
_MISSING = (
    "there is no Chromium: scripts/test installs it where apt can (Debian, Ubuntu, as "
    "root); elsewhere install it and have it in PATH"
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test of this folder."""
    for item in items:
        if "tests/browser" in item.path.as_posix():
            item.add_marker(pytest.mark.browser)


class Visit(msgspec.Struct):
    """A page that is open, what it complained of, and what it asked of other hosts."""

    page: Page
    base: str
    complaints: list[str] = []
    elsewhere: list[str] = []

    def to(self, path: str) -> int:
        """Open a page of the dashboard, its scripts run; return its status."""
        answer = self.page.goto(self.base + path, wait_until="domcontentloaded")
        assert answer is not None
        return answer.status

    def forgive(self, words: str) -> None:
        """Forget complaints with these words, which the test has brought about."""
        self.complaints[:] = [one for one in self.complaints if words not in one]


@contextmanager
def serving(store_url: str, **settings: Any) -> Iterator[str]:
    """Serve a dashboard below a prefix; yield its address."""
    app = Starlette(
        routes=[
            Mount("/shadow", dashboard(token=TOKEN, store_url=store_url, **settings))
        ]
    )
    with socket.create_server(("127.0.0.1", 0)) as listening:
        config = uvicorn.Config(app, log_level="critical", lifespan="off")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([listening],))
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}/shadow"
        finally:
            server.should_exit = True
            thread.join(30)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Run one browser for a module: the loop of its driver must not outlive it."""
    path = next(filter(None, map(shutil.which, _NAMES)), None)
    if path is None and not os.environ.get("CI"):
        pytest.skip(_MISSING)
    assert path is not None, _MISSING
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=_ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def visiting(chromium: Browser) -> Iterator[Callable[..., Visit]]:
    """Open pages as somebody who signed in; nothing may be complained of at the end."""
    opened: list[Visit] = []

    def visit(base: str, **context: object) -> Visit:
        page = chromium.new_context(**context).new_page()  # type: ignore[arg-type]
        page.set_default_timeout(15_000)
        one = Visit(page, base)
        opened.append(one)
        _listen(one)
        assert one.to("/login") == 200
        page.get_by_label("Token").fill(TOKEN)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(f"{base}/", wait_until="domcontentloaded")
        return one

    yield visit
    for one in opened:
        one.page.context.close()
    assert [] == [said for one in opened for said in one.complaints]
    assert [] == [asked for one in opened for asked in one.elsewhere]


def _listen(visit: Visit) -> None:
    host = urlsplit(visit.base).netloc

    def asked(request: Request) -> None:
        if urlsplit(request.url).netloc not in (host, ""):
            visit.elsewhere.append(request.url)

    page = visit.page
    page.on("request", asked)
    page.on("pageerror", lambda error: visit.complaints.append(str(error)))
    page.on("dialog", lambda box: visit.complaints.append(f"dialog {box.message}"))
    page.on(
        "console",
        lambda said: (
            visit.complaints.append(said.text)
            if said.type in ("error", "warning")
            else None
        ),
    )


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
