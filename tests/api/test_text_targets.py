"""The text API of targets, asked by the real curl: several at once, or none of them."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import threading
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from shadow_middleware.api.text_targets import text_targets
from shadow_middleware.errors import ConfigurationError
from tests.shared import copied

TOKEN = "a-token-for-shells-alone"
V1, V2, V3 = "http://v1.test", "http://v2.lab.test", "http://v3.lab.test:8000/base"
Curl = Callable[..., tuple[int, str]]


@contextmanager
def serving(store: str, **settings: Any) -> Iterator[str]:
    """Serve it; yield its address."""
    app = text_targets(token=TOKEN, store_url=store, **settings)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = uvicorn.Server(
            uvicorn.Config(app, log_level="critical", lifespan="off")
        )
        thread = threading.Thread(target=server.run, args=([listening],))
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(30)


@pytest.fixture(scope="module")
def address(
    empty_store: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """Serve it for the module; each test leaves only the settings' own target."""
    url = copied(empty_store, tmp_path_factory.mktemp("text") / "empty.db")
    with serving(url, shadow_url=V1, target_allow=["*.lab.test:*"]) as served:
        yield served


@pytest.fixture
def curl(address: str) -> Iterator[Curl]:
    """Give curl with the token; afterwards all is as it was."""
    path = shutil.which("curl")
    if path is None:
        pytest.skip("there is no curl")

    def ask(method: str, query: str = "", *options: str, token: str = TOKEN) -> Any:
        told = subprocess.run(
            [
                *(path, "--silent", "--globoff", "-X", method),
                *("-H", f"Authorization: Bearer {token}"),
                *("--write-out", "%{http_code}", *options),
                f"{address}/targets{query}",
            ],
            capture_output=True,
            text=True,
            timeout=30,
            check=True,
        ).stdout
        return int(told[-3:]), told[:-3]

    yield ask
    ask("DELETE", f"?url={V2}")
    ask("DELETE", f"?url={V3}")
    ask("PUT", f"?url={V1}")


def test_several_are_added_at_once_and_listed(curl: Curl) -> None:
    """A line for each: URL, name, state; what is there already stays one."""
    added = curl("PUT", f"?url={V2}&url={V3}&url={V2}")
    again = curl("PUT", f"?url={V3}")

    lines = f"{V2} v2-lab-test on\n{V3} v3-lab-test-8000-base on\n"
    assert (200, lines) == added
    assert (200, f"{V3} v3-lab-test-8000-base on\n") == again
    assert (200, f"{V1} shadow on\n{lines}") == curl("GET")


def test_what_was_added_is_removed_and_what_the_settings_name_disabled(
    curl: Curl,
) -> None:
    """And PUT has it on again."""
    curl("PUT", f"?url={V2}")
    gone = curl("DELETE", f"?url={V2}&url={V1}")
    left = curl("GET")
    back = curl("PUT", f"?url={V1}")

    assert (200, f"{V2} v2-lab-test removed\n{V1} shadow disabled\n") == gone
    assert (200, f"{V1} shadow disabled\n") == left
    assert (200, f"{V1} shadow on\n") == back


@pytest.mark.parametrize(
    ("method", "query", "status", "said"),
    [
        ("PUT", f"?url={V2}&url=http://evil.test", 403, "target_allow has"),
        ("PUT", f"?url={V2}&url=file:///etc/passwd", 403, "not allowed"),
        ("PUT", f"?url={V2}&url=http://v9.lab.test/%0a", 400, "\\n"),
        ("PUT", "?url=http://u:p@v2.lab.test", 403, "not allowed"),
        ("PUT", f"?url={V2}&rate=2", 400, "between 0 and 1"),
        ("PUT", f"?rule={V2}", 400, "there are: url, rate"),
        ("GET", "?rate=1", 400, "of GET is named 'rate'; there are: url"),
        ("PUT", "", 400, "/targets?url="),
        ("DELETE", f"?url={V1}&url=http://v9.lab.test", 404, "GET /targets lists"),
    ],
)
def test_what_is_wrong_is_said_in_a_line_and_nothing_is_done(
    curl: Curl, method: str, query: str, status: int, said: str
) -> None:
    """All of them, or none."""
    told, text = curl(method, query)

    assert (status, 1) == (told, text.count("\n"))
    assert said in text
    assert (200, f"{V1} shadow on\n") == curl("GET")


def test_a_share_of_the_copies_can_be_said(curl: Curl) -> None:
    """For all the URLs of one call."""
    answer = curl("PUT", f"?url={V2}&rate=0.25", "-H", "Accept: application/json")

    assert 200 == answer[0]
    assert {
        "targets": [{"url": V2, "name": "v2-lab-test", "state": "on"}]
    } == json.loads(answer[1])


def test_nobody_gets_in_without_the_token(curl: Curl) -> None:
    """In text and as JSON; whatever is asked."""
    for method in ("GET", "PUT", "DELETE"):
        status, text = curl(method, f"?url={V2}", token="a-token-for-shells-alonf")
        assert (401, True) == (status, "Authorization: Bearer" in text)
    status, text = curl("GET", "", "-H", "Accept: application/json", token="guess")

    assert (401, 401) == (status, json.loads(text)["status"])
    assert (200, f"{V1} shadow on\n") == curl("GET")


def test_a_token_that_can_be_guessed_is_refused() -> None:
    """Before anything listens."""
    with pytest.raises(ConfigurationError, match="can be guessed"):
        text_targets(token="short", store_url="sqlite:///x.db")


DOCS = Path(__file__).parents[2] / "docs" / "targets.md"


def test_the_documented_calls_answer_as_documented(
    empty_store: Path, tmp_path: Path
) -> None:
    """One after the other, as a reader would copy them, over the settings above them."""
    text = DOCS.read_text("utf-8")
    settings = re.search(r"^```toml\n(.*?)^```$", text, re.M | re.S)
    calls = re.findall(
        r"^```bash\n(.*?)^```\n\n^```text\n(.*?)^```$", text, re.M | re.S
    )
    assert settings is not None
    assert 4 == len(calls)
    store = copied(empty_store, tmp_path / "docs.db")
    with serving(store, **tomllib.loads(settings[1])) as where:
        for call, answer in calls:
            told = subprocess.run(
                call.replace("http://127.0.0.1:8766", where),
                shell=True,
                env={**os.environ, "TOKEN": TOKEN},
                capture_output=True,
                text=True,
                timeout=30,
                check=True,
            ).stdout
            assert answer == told
