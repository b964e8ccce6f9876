"""Serves a host with a real server, and asks it as a browser does that minds cookies."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import msgspec

__all__ = ["COMMANDS", "TOKEN", "Host", "make_users", "serving"]

TOKEN = "a-token-of-the-tests"
_WSGI = ["gunicorn", "--preload", "--workers", "2", "--log-level", "error"]
_ASGI = ["uvicorn", "--log-level", "error", "--lifespan", "off"]
_HERE = "tests.dashboard.hosts"
COMMANDS = {
    "starlette": [*_ASGI, "--root-path", "/outer", f"{_HERE}.starlette_host:app"],
    "flask": [*_WSGI, f"{_HERE}.flask_host:app"],
    "django under WSGI": [*_WSGI, f"{_HERE}.django_host:wsgi"],
    "django under ASGI": [*_ASGI, f"{_HERE}.django_host:asgi"],
}


class _Proxy(httpx.HTTPTransport):
    """A proxy that has the host below a prefix, which it takes off."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        target = request.url.raw_path.removeprefix(b"/outer")
        request.url = request.url.copy_with(raw_path=target)
        return super().handle_request(request)


class Host(msgspec.Struct, frozen=True):
    """An app that is served, with the dashboard within."""

    kind: str
    address: str

    @property
    def prefix(self) -> str:
        """Return where a browser finds the app."""
        return "/outer" if self.kind == "starlette" else ""

    @property
    def base(self) -> str:
        """Return where a browser finds the dashboard."""
        return f"{self.prefix}/shadow"

    def browser(self) -> httpx.Client:
        """Return somebody whom nobody knows yet."""
        return httpx.Client(base_url=self.address, transport=_Proxy(), timeout=30)

    @contextmanager
    def staff(self, who: str = "staff") -> Iterator[httpx.Client]:
        """Yield somebody whom the host knows, with the rights of that name."""
        with self.browser() as browser:
            if self.kind.startswith("django"):
                _sign_in_to_django(browser, who)
            else:
                browser.get(f"{self.prefix}/enter", params={"who": who})
            yield browser


def _sign_in_to_django(browser: httpx.Client, who: str) -> None:
    browser.get("/admin/login/")
    form = {
        "username": who,
        "password": "pass",
        "next": "/shadow/",
        "csrfmiddlewaretoken": browser.cookies["csrftoken"],
    }
    browser.post("/admin/login/", data=form)


def make_users(folder: Path) -> None:
    """Make Django's database, with accounts of the staff and one that is not."""
    environment = _environment(f"sqlite:///{folder}/none.db", folder)
    made = [sys.executable, "-m", f"{_HERE}.django_host"]
    subprocess.run(made, env=environment, check=True, timeout=60)


def _environment(store_url: str, folder: Path) -> dict[str, str]:
    return {
        **os.environ,
        "HOST_STORE": store_url,
        "HOST_TOKEN": TOKEN,
        "HOST_USERS": str(folder / "users.db"),
    }


@contextmanager
def serving(kind: str, store_url: str, folder: Path) -> Iterator[Host]:
    """Yield the host while a server of its kind serves it."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        number = listening.fileno()
        server, *rest = COMMANDS[kind]
        where = (
            ["--fd", f"{number}"] if server == "uvicorn" else ["-b", f"fd://{number}"]
        )
        with subprocess.Popen(
            [sys.executable, "-m", server, *where, *rest],
            env=_environment(store_url, folder),
            pass_fds=[number],
        ) as process:
            try:
                yield Host(kind, f"http://127.0.0.1:{listening.getsockname()[1]}")
            finally:
                process.terminate()
