"""Take the pictures of the README from a store: see scripts/screenshots."""

from __future__ import annotations

import secrets
import shutil
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import uvicorn
from playwright.sync_api import Browser, Page, sync_playwright

from shadow_middleware.dashboard import dashboard

TOKEN = secrets.token_urlsafe()
SIZE = {"width": 1280, "height": 800}
NAMES = ("chromium", "chromium-browser", "google-chrome")
PAGES: tuple[tuple[str, str, Literal["light", "dark"]], ...] = (
    ("overview", "/", "light"),
    ("overview-dark", "/", "dark"),
    ("groups", "/groups", "light"),
    ("group", "/groups?find=phone", "light"),
    ("verdict-dark", "/verdict", "dark"),
)


@contextmanager
def served(store_url: str) -> Iterator[str]:
    """Serve the dashboard on loopback; yield its address."""
    app = dashboard(token=TOKEN, store_url=store_url)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = uvicorn.Server(uvicorn.Config(app, log_level="critical"))
        thread = threading.Thread(target=server.run, args=([listening],))
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


def signed_in(browser: Browser, base: str, scheme: Literal["light", "dark"]) -> Page:
    """Return a page of somebody who signed in."""
    page = browser.new_context(color_scheme=scheme, viewport=SIZE).new_page()  # type: ignore[arg-type]
    page.goto(f"{base}/login")
    page.get_by_label("Token").fill(TOKEN)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"{base}/")
    return page


def main(store_url: str, folder: Path) -> None:
    """Take every picture."""
    folder.mkdir(parents=True, exist_ok=True)
    path = next(filter(None, map(shutil.which, NAMES)), None)
    with served(store_url) as base, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--disable-gpu"]
        )
        for name, where, scheme in PAGES:
            page = signed_in(browser, base, scheme)
            page.goto(base + where)
            if name == "group":
                page.locator("[data-row] a").first.click()
                page.locator(".diff:visible").first.wait_for()
            page.wait_for_timeout(300)  # charts are drawn in frames of their own
            page.screenshot(path=folder / f"{name}.png")
            print(folder / f"{name}.png")
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
