"""A finding is the same one in every process: its group, its sort, its sample's slot."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
SHOWN = """
from shadow_middleware.knowledge import GroupKey, signature_of
from shadow_middleware.observe.marks import slot_of
from tests.compare.making import answer, compare, compare_json

live = {"id": 7, "tags": ["b", "c", "a"], "by": {"k%d" % n: {"x": n} for n in range(40)}}
live |= {"at": "2026-01-31T12:00:00Z", "rows": [{"id": 1}]}
shadow = {"id": "7", "tags": ["c", "a", "b"], "by": {"k%d" % n: {"x": 0} for n in range(9)}}
shadow |= {"at": None, "more": 1.5, "rows": [{"id": 1, "name": "tea"}]}
cookies = [(b"Set-Cookie", b"a=1; Path=/; Secure; HttpOnly"), (b"Vary", b"a, b, c")]
fewer = [(b"Set-Cookie", b"a=1; Path=/"), (b"X-New", b"1")]
page = compare(
    answer(b"<p>one</p>\\n<b>2</b>", kind="text/html", headers=cookies),
    answer(b"<p>two</p>\\n<b>3</b>", kind="text/html", headers=fewer, status=404),
)
found = [*compare_json(live, shadow).differences, *page.differences]
keys = [
    GroupKey("shadow", "GET /a", d.part, d.shape, d.kind, d.live_is, d.shadow_is)
    for d in found
]
prints = [key.fingerprint for key in keys]
for one, group in zip(found, prints, strict=True):
    print(group, slot_of(one), one.shape, one.kind, one.live_is, one.shadow_is, one.alike)
print(signature_of(prints), signature_of(prints[::-1]))
"""


def shown(seed: str) -> list[str]:
    """Return what a process whose hashes begin there says of two answers."""
    run = subprocess.run(
        [sys.executable, "-c", SHOWN],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": seed},
        capture_output=True,
        text=True,
        check=True,
    )
    return run.stdout.splitlines()


def test_a_finding_is_the_same_in_every_process() -> None:
    """W64: whatever the order of its sets, on every host and after every restart."""
    first = shown("1")

    assert len(first) > 10
    assert [first, first] == [shown("2"), shown("31337")]
    assert 1 == len(set(first[-1].split()))
