"""
Runs benchmarks one after the other and keeps what each printed, with where and when.

    python -m benchmarks.every                    all of them: about two hours
    python -m benchmarks.every agent replay       these, in this order

What one prints goes to its section of `benchmarks/RESULTS.md`, with how it was measured,
on which machine, at which commit and how busy the machine was before. One that fails
leaves its old section, and the command ends with the number of those that failed.
"""

from __future__ import annotations

import argparse
import importlib
import inspect
import os
import platform
import re
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final, NamedTuple

__all__ = ["ALL", "RESULTS", "Conditions", "main", "page_of", "with_section"]

HERE: Final = Path(__file__).parent
RESULTS: Final = HERE / "RESULTS.md"
_MARK: Final = re.compile(r"<!-- measured: (\w+) -->")

ALL: Final = {
    "live_path": (),
    "memory": (),
    "agent": (),
    "replay": (),
    "compare": (),
    "judge": (),
    "store": (),
    "see": (),
    "retention": (),
    "offline": (),
    "capture": (),
    "importing": (),
    "sessions": (),
    "isolation": (),
    "truth": (),
    "broker": (),
    "fleet": (),
    "faults": (),
    "soak": (),
}
"""Each benchmark, and with which arguments; in the order of the page."""

PACKAGES: Final = (
    "uvicorn",
    "starlette",
    "fastapi",
    "django",
    "flask",
    "httpx",
    "aiohttp",
    "deepdiff",
    "msgspec",
    "sqlalchemy",
)


class Conditions(NamedTuple):
    """What figures depend on besides the code."""

    day: str
    commit: str
    processors: int
    load: float
    """Processes that wanted to run, on average, in the minute before."""
    seconds: float
    """How long the benchmark took."""
    versions: tuple[str, ...] = ()

    def __str__(self) -> str:
        return (
            f"{self.day}, commit {self.commit}, {platform.python_implementation()} "
            f"{platform.python_version()}, {platform.system()} on {self.processors} "
            f"processors ({_processor()}); load before it {self.load:.1f}; "
            f"took {self.seconds / 60:.1f} min. {', '.join(self.versions)}"
        )


def page_of(doc: str, printed: str, conditions: Conditions) -> str:
    """Return the section of one benchmark: what it is, where it ran, its tables."""
    title, _, method = doc.partition("\n")
    return (
        f"## {title.rstrip('.:?')}\n\n{method.strip()}\n\n"
        f"*{conditions}*\n\n{_deeper(printed).strip()}\n"
    )


def _deeper(printed: str) -> str:
    """Return the text with its headings below that of the section."""
    lines = printed.splitlines()
    return "\n".join(f"#{line}" if line.startswith("## ") else line for line in lines)


def with_section(text: str, name: str, page: str) -> str:
    """Return the page of results with the section of one benchmark made anew."""
    begun, *pieces = _MARK.split(text)
    sections = dict(zip(pieces[::2], pieces[1::2], strict=True))
    sections[name] = f"\n{page}\n"
    kept = [
        f"<!-- measured: {each} -->{sections[each]}" for each in ALL if each in sections
    ]
    return begun + "".join(kept)


def _run(name: str, arguments: Sequence[str] = ()) -> bool:
    """Run one benchmark and keep what it prints; whether it ended well."""
    doc = inspect.cleandoc(importlib.import_module(f"benchmarks.{name}").__doc__ or "")
    load, began = os.getloadavg()[0], time.monotonic()
    print(f"==> {name}", flush=True)
    done = subprocess.run(
        [sys.executable, "-m", f"benchmarks.{name}", *arguments],
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    print(done.stdout, flush=True)
    conditions = Conditions(
        datetime.now(UTC).date().isoformat(),
        _commit(),
        os.cpu_count() or 1,
        load,
        time.monotonic() - began,
        tuple(_versions()),
    )
    if done.returncode == 0:
        section = page_of(doc, done.stdout, conditions)
        RESULTS.write_text(with_section(RESULTS.read_text(), name, section))
    return done.returncode == 0


def _commit() -> str:
    told = subprocess.run(
        ["git", "describe", "--always", "--dirty"],
        cwd=HERE,
        capture_output=True,
        text=True,
        check=False,
    )
    return told.stdout.strip() or "unknown"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    names = [line.partition(": ")[2] for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _versions() -> Iterable[str]:
    for package in PACKAGES:
        try:
            yield f"{package} {version(package)}"
        except PackageNotFoundError:
            continue


def main() -> int:
    """Run those that are named, or all; return how many failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(ALL))
    names = parser.parse_args().names or list(ALL)
    if unknown := [name for name in names if name not in ALL]:
        parser.error(f"no benchmark {', '.join(unknown)}; there are {', '.join(ALL)}")
    failed = [name for name in names if not _run(name, ALL[name])]
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return len(failed)


if __name__ == "__main__":
    sys.exit(main())
