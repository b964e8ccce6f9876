"""docs/importing.md: what it recommends is what is read, by the server itself."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from shadow_middleware.testing import Reply, ShadowServer
from shadow_middleware.traffic.importers import apache, nginx, tshark
from shadow_middleware.traffic.importers.formats import ABOUT
from shadow_middleware.traffic.recorded import BadRecord
from tests.traffic.importers.reading import exchanges, missing, read

PAGE = (Path(__file__).parents[3] / "docs" / "importing.md").read_text("utf-8")
EXAMPLE = re.compile(r"<!-- an example of (\w+) -->\n```text\n(.*?)```", re.DOTALL)
EXAMPLES = dict(EXAMPLE.findall(PAGE))


def block(language: str) -> str:
    """Return the first fenced block of a language."""
    found = re.search(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    assert found is not None
    return found[1]


def test_the_recommended_formats_are_the_ones_that_are_read() -> None:
    """Page and code cannot part."""
    assert nginx.RECOMMENDED == block("nginx")
    assert apache.RECOMMENDED == block("apache").rstrip("\n")
    assert block("bash").startswith(tshark.COMMAND)


def test_every_format_has_its_place_on_the_page() -> None:
    """Whoever has a log finds what is known of it."""
    assert [] == [name for name in ABOUT if f"`{name}`" not in PAGE]
    assert {"combined", "haproxy", "alb", "goreplay", "otlp"} == set(EXAMPLES)


@pytest.mark.parametrize("form", EXAMPLES)
def test_every_example_line_is_read(form: str) -> None:
    """What the page shows is what the importer takes."""
    found = read(form, EXAMPLES[form].encode())

    assert [] == [each for each in found if isinstance(each, BadRecord)]
    assert 1 == len(found)


@contextmanager
def nginx_before(upstream: str, folder: Path) -> Iterator[str]:
    """Run nginx with the recommended format, and yield its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    temporary = "".join(
        f"{kind}_temp_path {folder}/{kind};\n"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    config = folder / "nginx.conf"
    config.write_text(
        f"daemon off; pid {folder}/pid; error_log {folder}/error.log;\n"
        "events {}\nhttp {\n"
        f"{block('nginx')}\n{temporary}"
        f"access_log {folder}/shadow.log shadow;\n"
        f"server {{ listen 127.0.0.1:{port};\n"
        f"location / {{ proxy_pass {upstream}; proxy_set_header Host $http_host; }} }}\n}}"
    )
    server = subprocess.Popen(["nginx", "-c", str(config), "-p", str(folder)])
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(90)


@pytest.mark.skipif(shutil.which("nginx") is None, reason="needs nginx")
def test_a_real_nginx_logs_what_its_app_gets(tmp_path: Path) -> None:
    """Through nginx's log, requests are the very bytes that reached the app."""
    body = bytes(range(256)) + b'{"name":"Zo\xc3\xab"}'
    with (
        ShadowServer(Reply(201, [(b"Location", b"/items/8")], b"made")) as app,
        nginx_before(app.url, tmp_path) as url,
        # It tries again until nginx listens.
        httpx.Client(transport=httpx.HTTPTransport(retries=6)) as client,
    ):
        client.headers = httpx.Headers({b"User-Agent": 'te"a\\ é'.encode()})
        client.get(f"{url}/items/a%2Fb?q=a%20b&q=%22")
        client.post(f"{url}/items", content=body, headers={"Content-Type": "x/y"})
        served = app.wait_for(2)
    found = read("nginx", (tmp_path / "shadow.log").read_bytes())
    get, post = exchanges(found)

    assert [each.target for each in served] == [
        each.request.path + (b"?" + each.request.query if each.request.query else b"")
        for each in (get, post)
    ]
    assert body == served[1].body == post.request.body.data
    logged = dict(post.request.headers)
    assert {
        name: served[1].header(name)[0]
        for name in (b"host", b"content-type", b"user-agent")
    } == {name: logged[name] for name in (b"host", b"content-type", b"user-agent")}
    assert post.response is not None
    assert 201 == post.response.status
    assert (b"location", b"/items/8") in post.response.headers
    assert 2 == len(missing(found))
