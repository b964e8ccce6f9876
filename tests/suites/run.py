"""
Run other projects' own test suites, bare and with every app in them wrapped by us.

    scripts/suites [NAME...] [--quick]

The suites come from PyPI at the versions named here and rest in a cache folder, with
what they need besides our own test dependencies. Nothing is installed anywhere.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
CACHE = Path(os.environ.get("SUITES_CACHE", ROOT / ".cache" / "suites"))
PLUGIN = Path(__file__).parent / "plugin"


PURPOSE = "Run other projects' own tests bare and wrapped by us, and compare."


class SuiteError(Exception):
    """A suite could not be fetched or run at all."""


class Suite(NamedTuple):
    """One project's tests: where they come from and how they are run."""

    requirement: str
    needs: tuple[str, ...]
    source: str
    """The folder of the package in its archive."""
    folder: str
    """Where the tests are run."""
    command: tuple[str, ...]
    tests: tuple[str, ...]
    quick: tuple[str, ...]
    """What takes seconds, and meets most of what a middleware could disturb."""


class Result(NamedTuple):
    """What came of one run."""

    outcomes: dict[str, str]
    wrapped: int
    mirrored: int

    @property
    def passed(self) -> int:
        """How many tests passed."""
        return sum(outcome == "passed" for outcome in self.outcomes.values())


PYTEST = ("-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "shadow_everything")
DJANGO = ("-m", "shadow_everything", "runtests.py", "--parallel", "1", "-v", "0")

SUITES: dict[str, Suite] = {
    "starlette": Suite(
        "starlette==1.10.0",
        (
            "blockbuster",
            "forbiddenfruit",
            "importlib-metadata",
            "zipp",
            "opentelemetry-api",
            "opentelemetry-sdk",
            "opentelemetry-semantic-conventions",
        ),
        source=".",
        folder=".",
        command=(*PYTEST, "-p", "anyio.pytest_plugin"),
        tests=("tests",),
        quick=(
            "tests/middleware",
            "tests/test_applications.py",
            "tests/test_background.py",
            "tests/test_exceptions.py",
            "tests/test_formparsers.py",
            "tests/test_requests.py",
            "tests/test_responses.py",
            "tests/test_websockets.py",
        ),
    ),
    "flask": Suite(
        "flask==3.1.3",
        ("pytest==8.4.2", "pluggy", "iniconfig", "pygments", "packaging", "greenlet"),
        source="src",
        folder=".",
        command=PYTEST,
        tests=("tests",),
        quick=("tests",),
    ),
    "django": Suite(
        "django==5.2.19",
        ("tblib",),
        source=".",
        folder="tests",
        command=DJANGO,
        tests=(
            "asgi",
            "builtin_server",
            "conditional_processing",
            "csrf_tests",
            "decorators",
            "file_uploads",
            "generic_views",
            "handlers",
            "httpwrappers",
            "logging_tests",
            "messages_tests",
            "middleware",
            "middleware_exceptions",
            "requests_tests",
            "responses",
            "servers",
            "sessions_tests",
            "staticfiles_tests",
            "test_client",
            "test_client_regress",
            "urlpatterns",
            "urlpatterns_reverse",
            "view_tests",
            "wsgi",
        ),
        quick=(
            "asgi",
            "handlers",
            "middleware",
            "middleware_exceptions",
            "servers",
            "test_client",
            "wsgi",
        ),
    ),
}


def fetch(suite: Suite) -> Path:
    """Return the unpacked archive, downloaded once. Raises SuiteError without network."""
    name = suite.requirement.replace("==", "-")
    unpacked = CACHE / name
    if unpacked.is_dir():
        return unpacked
    downloads = CACHE / "downloads"
    run_pip("download", "--no-binary", ":all:", "--no-deps", "--dest", downloads, suite)
    (archive,) = downloads.glob(f"{name}.tar.gz")
    with tarfile.open(archive) as content:
        content.extractall(CACHE, filter="data")
    return unpacked


def needs(suite: Suite) -> Path:
    """Return a folder with what the suite needs, installed there once."""
    folder = CACHE / f"{suite.requirement.replace('==', '-')}-needs"
    if not folder.is_dir():
        run_pip("install", "--no-deps", "--target", folder, suite)
    return folder


def run_pip(command: str, *arguments: str | Path | Suite) -> None:
    """Run pip quietly for a suite; what it says is in the error."""
    *options, suite = arguments
    assert isinstance(suite, Suite)
    wanted = [suite.requirement] if command == "download" else suite.needs
    done = subprocess.run(
        [sys.executable, "-m", "pip", command, "--quiet", *map(str, options), *wanted],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise SuiteError(
            f"pip {command} {' '.join(wanted)} failed. Without a network, put a filled "
            f"cache where SUITES_CACHE says.\n{done.stderr[-2000:]}"
        )


def run(name: str, wrap: bool, quick: bool, only: Sequence[str] = ()) -> Result:
    """Run a suite once, or only some tests of it, and return what came of it."""
    suite = SUITES[name]
    unpacked = fetch(suite)
    report = CACHE / f"{name}-{'wrapped' if wrap else 'bare'}.json"
    report.unlink(missing_ok=True)
    path = [unpacked / suite.source, needs(suite), PLUGIN, ROOT]
    # Measuring what others' tests cover of us would take as long as they do.
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("COV")}
    environment = inherited | {
        "PYTHONPATH": os.pathsep.join(map(str, path)),
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "SHADOW_EVERYTHING": name if wrap else "",
        "SHADOW_EVERYTHING_REPORT": str(report),
    }
    tests = only or (suite.quick if quick else suite.tests)
    done = subprocess.run(
        [sys.executable, *suite.command, *tests],
        cwd=unpacked / suite.folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    (CACHE / f"{name}-{'wrapped' if wrap else 'bare'}.log").write_text(
        done.stdout + done.stderr
    )
    if not report.exists():
        raise SuiteError(f"{name} did not run:\n{(done.stdout + done.stderr)[-4000:]}")
    return Result(**json.loads(report.read_text()))


def changed(bare: Result, wrapped: Result) -> list[str]:
    """Return every test that ended otherwise with us than without us."""
    return [
        f"{test}: {bare.outcomes.get(test)} bare, {wrapped.outcomes.get(test)} wrapped"
        for test in sorted(bare.outcomes.keys() | wrapped.outcomes.keys())
        if bare.outcomes.get(test) != wrapped.outcomes.get(test)
    ]


def say(line: str) -> None:
    """Print at once, since a run takes minutes."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main(arguments: Sequence[str] | None = None) -> int:
    """Compare the suites and say how they went; 1 if any test ended otherwise."""
    parser = argparse.ArgumentParser(prog="scripts/suites", description=PURPOSE)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(SUITES))
    parser.add_argument("--quick", action="store_true", help="the quick part of each")
    options = parser.parse_args(arguments)
    failed = False
    for name in options.names or SUITES:
        bare = run(name, wrap=False, quick=options.quick)
        wrapped = run(name, wrap=True, quick=options.quick)
        say(
            f"{SUITES[name].requirement}: {bare.passed} passed bare, {wrapped.passed} "
            f"wrapped; {wrapped.wrapped} apps wrapped, {wrapped.mirrored} requests mirrored"
        )
        for line in changed(bare, wrapped):
            failed = True
            say(f"  {line}")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
