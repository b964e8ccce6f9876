"""The page of the broker is run as it stands: its settings, and its commands."""

from __future__ import annotations

import asyncio
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from shadow_middleware.settings import Settings, load
from shadow_middleware.testing import ShadowServer
from shadow_middleware.testing.wire import Reply
from tests.broker.staging import PATIENCE, counted, exchange, publish, until
from tests.nats import NatsServer

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "broker.md").read_text("utf-8")
RECEIVERS = """
from pathlib import Path
from shadow_middleware import signals
Path("imported").touch()
"""


def block(kind: str) -> str:
    """Return the first fenced block of a kind, out of its list."""
    found = re.search(rf"^( *)```{kind}[^\n]*\n(.*?)^\1```$", PAGE, re.M | re.S)
    assert found is not None
    return re.sub(rf"(?m)^{found[1]}", "", found[2])


def commands() -> list[str]:
    """Return every command of ours that the page shows, in blocks and in its text."""
    shown = re.sub(r"\s+", " ", PAGE)
    said = re.findall(r"`(shadow-middleware worker --[^`]+)`", shown)
    return [block("sh").strip(), *said]


@contextmanager
def running(command: str, folder: Path) -> Iterator[None]:
    """Run a command of the page as one types it, and stop it as a process manager does."""
    words = shlex.split(command)
    started = [str(Path(sys.executable).parent / words[0]), *words[1:]]
    process = subprocess.Popen(started, cwd=folder, stderr=subprocess.PIPE, text=True)
    try:
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        said = process.communicate(timeout=PATIENCE)[1]

    assert 0 == process.returncode, said


def settings_of_page(folder: Path, broker: str, shadow: str) -> Settings:
    """Write the page's settings down, at addresses that are there; return them."""
    here = {
        "http://canary.internal:8000": shadow,
        "nats://broker.internal:4222": broker,
        "postgresql://shadow@db.internal/shadow": f"sqlite:///{folder / 'store.db'}",
    }
    text = block("toml")
    for shown, address in here.items():
        assert shown in text
        text = text.replace(shown, address)
    (folder / "shadow.toml").write_text(text)
    return load(config=folder / "shadow.toml")


def replayed(settings: Settings, number: int) -> bool:
    """Whether so many replays have ended and are counted."""
    return sum(counted(settings).values()) == number


def test_what_the_page_says_is_enough_for_apps_and_workers(
    nats_server: NatsServer, tmp_path: Path
) -> None:
    """Its settings for both, a worker by each of its commands, and all is counted."""
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "receivers.py").write_text(RECEIVERS)
    with ShadowServer(Reply.json({"ok": True})) as shadow:
        settings = settings_of_page(tmp_path, nats_server.url, shadow.url)
        for number, command in enumerate(commands(), 1):
            session = f"s{number}"
            some = [exchange(n, key=f"k{n}", session=session) for n in range(4)]
            asyncio.run(publish(settings, some, session=session))
            with running(command, tmp_path):
                asyncio.run(until(partial(replayed, settings, 4 * number)))

    assert 2 == len(commands())
    assert (tmp_path / "imported").exists()
    assert {("match", ""): 8} == counted(settings)
