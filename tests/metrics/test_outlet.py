"""One address for all agents of a host, open to nobody who has no business there."""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from shadow_middleware.metrics.endpoint import Endpoint
from shadow_middleware.metrics.figures import Figures
from shadow_middleware.metrics.outlet import Outlet
from shadow_middleware.metrics.share import Share
from tests.metrics.scraping import free_address, samples, scrape
from tests.promises.staging import until

TOKEN = "a-token-of-the-scraper"
FIVE: Figures = {("captured", ()): 5.0, ("queue_depth", ("a",)): 2.0}


@contextmanager
def outlet(
    address: str, folder: Path, figures: Figures | None = None, token: str = ""
) -> Iterator[Outlet]:
    """Show the figures for as long as it lasts, with short rounds."""
    made = Outlet(address, token, folder=folder, interval=0.02)
    made.put(figures or {})
    try:
        yield made
    finally:
        made.close()


def captured(address: str) -> float | None:
    """Return what a scrape says of captured exchanges; None where nobody listens."""
    status, text, _ = scrape(address)
    return samples(text)["shadow_middleware_captured_total", ()] if status else None


def test_the_figures_are_shown(tmp_path: Path) -> None:
    """As Prometheus reads them, and never kept by a cache."""
    address = free_address()
    with outlet(address, tmp_path / "m", FIVE) as made:
        until(lambda: made.listens)
        status, text, headers = scrape(address)

    assert (200, "no-store") == (status, headers["Cache-Control"])
    assert 2 == samples(text)["shadow_middleware_queue_depth", (("target", "a"),)]
    assert (0, b"", {}) == scrape(address)


def test_a_scrape_is_told_why_there_are_no_figures(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A full disk is no silence, and the next scrape is answered as well."""

    def text() -> bytes:
        raise OSError(errno.ENOSPC, "No space left on device")

    address = free_address()
    endpoint = Endpoint(address, "", text)
    endpoint.start()
    try:
        told = [scrape(address)[:2] for _ in range(2)]
    finally:
        endpoint.shutdown()
        endpoint.server_close()

    assert [(503, b"[Errno 28] No space left on device\n")] * 2 == told
    assert "no metrics: [Errno 28]" in caplog.text


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer wrong"},
        {"Authorization": f"Basic {TOKEN}"},
        {"Authorization": TOKEN},
        {"Authorization": f"Bearer {TOKEN}x"},
        {"Authorization": "Bearer "},
    ],
)
def test_without_the_token_nothing_is_told(
    headers: dict[str, str], tmp_path: Path
) -> None:
    """`metrics_token`: 401, whatever path is asked for."""
    address = free_address()
    with outlet(address, tmp_path / "m", FIVE, token=TOKEN) as made:
        until(lambda: made.listens)
        for path in ("/metrics", "/", "/other"):
            status, text, told = scrape(address, path, **headers)

            assert (401, "Bearer") == (status, told["WWW-Authenticate"])
            assert b"captured" not in text

        right = {"Authorization": f"Bearer {TOKEN}"}
        assert [200, 404] == [
            scrape(address, path, **right)[0] for path in ("/metrics", "/")
        ]


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:9464", 200),
        ("localhost", 200),
        ("[::1]:9464", 200),
        ("rebound.example:9464", 401),
        ("127.0.0.1.evil.example", 401),
        ("", 401),
    ],
)
def test_a_page_in_a_browser_cannot_read_what_is_open_to_the_machine(
    host: str, status: int, tmp_path: Path
) -> None:
    """A name that somebody points at 127.0.0.1 is not the loopback's own."""
    address = free_address()
    with outlet(address, tmp_path / "m") as made:
        until(lambda: made.listens)

        assert status == scrape(address, Host=host)[0]


def test_one_scrape_tells_of_every_agent_of_the_host(tmp_path: Path) -> None:
    """Gunicorn with two workers has two agents, and one port is scraped."""
    address = free_address()
    with (
        outlet(address, tmp_path / "m", FIVE) as first,
        outlet(address, tmp_path / "m", FIVE) as second,
    ):
        assert until(lambda: captured(address) == 10)
        assert 1 == first.listens + second.listens


def test_another_agent_takes_over_when_the_first_has_gone(tmp_path: Path) -> None:
    """A recycled worker takes no count back, and what waited in it waits no more."""
    address = free_address()
    with outlet(address, tmp_path / "m", FIVE) as first:
        until(lambda: first.listens)
        with outlet(address, tmp_path / "m", FIVE) as second:
            assert until(lambda: captured(address) == 10)
            first.close()
            until(lambda: second.listens)
            assert until(lambda: captured(address) == 10)
            found = samples(scrape(address)[1])

            assert 2 == found["shadow_middleware_queue_depth", (("target", "a"),)]


def test_all_begin_anew_after_the_last_has_gone(tmp_path: Path) -> None:
    """A restart of everything is a restart of the counters, as anywhere else."""
    address = free_address()
    with outlet(address, tmp_path / "m", FIVE) as made:
        until(lambda: captured(address) == 5)
        assert made.listens
    with outlet(address, tmp_path / "m", FIVE):
        assert until(lambda: captured(address) is not None)
        assert 5 == captured(address)


def test_an_agent_that_is_asked_twice_renders_once(tmp_path: Path) -> None:
    """A scraper that hammers costs next to nothing."""
    now = [0.0]
    made = Outlet(
        free_address(), "", folder=tmp_path / "m", interval=0.02, clock=lambda: now[0]
    )
    try:
        made.put(FIVE)
        first = made.text()
        made.put({})
        assert first is made.text()
        now[0] += 1.0
        assert first != made.text()
    finally:
        made.close()


def test_a_port_that_somebody_else_has_is_said_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Not in silence, and not every second."""
    with socket.socket() as theirs:
        theirs.bind(("127.0.0.1", 0))
        theirs.listen()
        address = f"127.0.0.1:{theirs.getsockname()[1]}"
        with outlet(address, tmp_path / "m") as made:
            until(lambda: caplog.records)
            assert not made.listens

    assert 1 == len(caplog.records)
    assert address in caplog.text


@pytest.mark.parametrize("mode", [0o777, 0o750])
def test_a_folder_that_is_open_to_others_is_not_used(mode: int, tmp_path: Path) -> None:
    """Whoever can write there could make up our figures."""
    folder = tmp_path / "m"
    folder.mkdir()
    folder.chmod(mode)

    with pytest.raises(OSError, match="open to others"):
        Share(folder)


def test_a_link_is_no_folder_of_ours(tmp_path: Path) -> None:
    """Nobody leads us elsewhere."""
    (tmp_path / "theirs").mkdir(mode=0o700)
    (tmp_path / "m").symlink_to(tmp_path / "theirs")

    with pytest.raises(OSError, match="not a folder of ours"):
        Share(tmp_path / "m")


def test_figures_that_cannot_be_read_are_left_out(tmp_path: Path) -> None:
    """Another agent's broken file is no reason to show nothing."""
    share = Share(tmp_path / "m")
    (tmp_path / "m" / "broken.figures").write_bytes(b"\x01nonsense")

    assert {} == share.others()
    share.close()
