"""The wheel as users get it: built, looked into, installed elsewhere, used."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

# Building and installing takes seconds, and more where nothing is cached yet.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

ROOT = Path(__file__).resolve().parent.parent

SMOKE = """
import asyncio
from wsgiref.util import setup_testing_defaults

import shadow_middleware
from shadow_middleware import signals
from shadow_middleware.asgi import ShadowMiddleware as Asgi
from shadow_middleware.django import ShadowMiddleware as Django
from shadow_middleware.flask import Shadow
from shadow_middleware.wsgi import ShadowMiddleware as Wsgi

SETTINGS = {"shadow_url": "http://127.0.0.1:9", "drain_timeout": 5.0}

def hello(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"hello"]

environ = {}
setup_testing_defaults(environ)
answer = Wsgi(hello, **SETTINGS)(environ, lambda *_: None)
assert b"".join(answer) == b"hello"
answer.close()
print(shadow_middleware.__file__)
"""


def run(*command: str | Path, cwd: Path) -> str:
    """Run to success without anything of this process's environment; return stdout."""
    environ = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTHON", "COV", "VIRTUAL_ENV"))
    }
    done = subprocess.run(
        [str(part) for part in command],
        capture_output=True,
        text=True,
        cwd=cwd,
        env=environ,
        timeout=300,
        check=False,
    )
    assert 0 == done.returncode, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sdist and the wheel that is built from it."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--no-isolation", "-o", folder, ROOT, cwd=folder)
    return folder


@pytest.fixture(params=["lowest-direct", "highest"])
def elsewhere(
    dist: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[Path]:
    """
    A clean environment, far from the source tree, with the wheel installed.

    Once with the lowest version of each dependency that `pyproject.toml` allows, and
    once with the newest that there are.
    """
    (wheel,) = dist.glob("*.whl")
    place = tmp_path / "venv"
    uv = Path(sys.executable).with_name("uv")
    run(uv, "venv", "--python", sys.executable, place, cwd=tmp_path)
    into = ["--python", place / "bin" / "python", "--resolution", request.param]
    run(uv, "pip", "install", *into, f"{wheel}[django,flask]", cwd=tmp_path)
    yield place / "bin"
    shutil.rmtree(place)


def test_the_wheel_holds_the_package_and_nothing_else(dist: Path) -> None:
    """Types, migrations and pages are in it; tests, examples and databases are not."""
    (wheel,) = dist.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.split("/")[0].removesuffix(".dist-info") for name in names}
    migrations = [
        n for n in names if n.startswith("shadow_middleware/store/migrations/")
    ]

    assert "shadow_middleware/py.typed" in names
    dashboard = "shadow_middleware/dashboard"
    assert f"{dashboard}/templates/base.html" in names
    assert f"{dashboard}/static/dashboard.css" in names
    for library in (
        "htmx.min.js",
        "htmx.LICENSE",
        "uPlot.iife.min.js",
        "uPlot.LICENSE",
    ):
        assert f"{dashboard}/static/vendor/{library}" in names
    assert any("versions/" in name for name in migrations), migrations
    assert {"shadow_middleware", wheel.name.rsplit("-", 3)[0]} == tops
    assert [] == [n for n in names if n.endswith((".db", ".pyc", ".ini~"))]


def test_the_sdist_holds_what_is_needed_to_build_and_test(dist: Path) -> None:
    """Whoever packages it downstream finds sources, tests, licence and changelog."""
    (sdist,) = dist.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}

    wanted = {"pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md"}
    assert wanted <= names
    assert "tests/test_wheel.py" in names
    assert "shadow_middleware/py.typed" in names


def test_an_index_would_take_both(dist: Path) -> None:
    """Metadata are whole, and the description renders as a page."""
    told = run(
        *(sys.executable, "-m", "twine", "check", "--strict"),
        *sorted(dist.iterdir()),
        cwd=dist,
    )

    assert 2 == told.count("PASSED"), told


def test_the_installed_wheel_works_without_the_source_tree(
    elsewhere: Path, tmp_path: Path
) -> None:
    """The command helps, and every adapter imports and serves, from the wheel."""
    shown = run(elsewhere / "shadow-middleware", "--help", cwd=tmp_path)
    where = run(elsewhere / "python", "-W", "error", "-c", SMOKE, cwd=tmp_path)

    assert "report" in shown
    assert where.strip().startswith(str(elsewhere.parent))
