"""`verdict` with a policy, of one version, in every format."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from xml.etree import ElementTree as ET

import msgspec
import pytest

from shadow_middleware.cli.verdict_policy import policy_of
from shadow_middleware.evidence import Batch, Count
from shadow_middleware.exchange import Kind, Outcome, Part
from shadow_middleware.knowledge import (
    CONTROL,
    DAY,
    Decision,
    GroupKey,
    GroupState,
    NoiseBase,
    NoiseCount,
    Sighting,
)
from shadow_middleware.report.policy import Policy
from shadow_middleware.store.sql import SqlStore
from tests.cli.conftest import Run

DOCS = Path(__file__).parents[2] / "docs" / "verdict.md"
KEY = GroupKey("shadow", "GET /a", Part.BODY, "/price", Kind.CHANGED, "a", "a")


@pytest.fixture
def versions_url(empty_url: str) -> str:
    """
    Give a store with two builds and a control.

    Three hours ago `v1` agreed 3,000 times. A minute ago `v2` did so 1,000 times, with
    60 divergences of one group, and 20 replays that reached nobody.
    """
    now = time.time()
    old, new = int(now // 60) - 180, int(now // 60) - 1

    def count(
        minute: int,
        outcome: Outcome,
        number: int,
        version: str,
        reason: str = "",
        target: str = "shadow",
    ) -> Count:
        return Count(minute, target, "GET /a", outcome, reason, number, version)

    store = SqlStore(empty_url)
    store.write(
        Batch(
            counts=[
                count(old, Outcome.MATCH, 3_000, "v1"),
                count(old, Outcome.TIMEOUT, 500, ""),
                count(new, Outcome.MATCH, 1_000, "v2"),
                count(new, Outcome.DIVERGENCE, 60, "v2", KEY.fingerprint),
                count(new, Outcome.TIMEOUT, 20, ""),
                count(new, Outcome.MATCH, 90, "", target=CONTROL),
                count(new, Outcome.NOISE, 10, "", "uuid", target=CONTROL),
            ],
            sightings=[Sighting(KEY, 60, now - 90, now - 60)],
        )
    )
    store.close()
    return empty_url


def ruled(run: Run, url: str, *options: str) -> tuple[int, int, int]:
    """Return the exit code, what agrees, and what was decided."""
    result = run("verdict", "--store", url, "--target", "shadow", "--json", *options)
    [target] = json.loads(result.stdout)["targets"]
    return result.exit_code, target["share"]["agrees"], target["share"]["decided"]


def test_the_version_seen_last_is_judged(run: Run, versions_url: str) -> None:
    """With what reached nobody since it was first seen; the rest is left out."""
    assert (1, 1_000, 1_080) == ruled(run, versions_url)

    shown = run("verdict", "--store", versions_url).stdout
    assert "Version judged: v2; replays of others do not count: 3,000 of v1" in shown


def test_another_version_is_judged_where_it_is_asked_for(
    run: Run, versions_url: str
) -> None:
    """What reached nobody counts against it from when it was first seen."""
    found = ruled(run, versions_url, "--shadow-version", "v1")

    assert (1, 3_000, 3_520) == found


def test_all_versions_together(run: Run, versions_url: str) -> None:
    """As if there were none."""
    assert (1, 4_000, 4_580) == ruled(run, versions_url, "--all-versions")


def test_a_version_nobody_saw_is_an_error_with_the_nearest(
    run: Run, versions_url: str
) -> None:
    """And so is one version together with all of them."""
    unknown = run("verdict", "--store", versions_url, "--shadow-version", "v22")
    both = run(
        "verdict", "--store", versions_url, "--shadow-version", "v1", "--all-versions"
    )

    assert (2, 2) == (unknown.exit_code, both.exit_code)
    assert "did you mean 'v2'?" in unknown.stderr
    assert "leave one of them out" in both.stderr


def test_ignoring_a_group_moves_the_verdict_and_can_be_taken_back(
    run: Run, versions_url: str
) -> None:
    """Evidence is never rewritten: judgement is made when it is read."""
    before = ruled(run, versions_url)
    store = SqlStore(versions_url)
    decided = store.decide(
        Decision(group=KEY.fingerprint, at=time.time(), state=GroupState.IGNORED)
    )
    ignored = ruled(run, versions_url)
    store.decide(Decision(group=KEY.fingerprint, at=time.time(), state=GroupState.OPEN))
    store.close()

    assert decided
    assert (1, 1_000, 1_080) == before == ruled(run, versions_url)
    assert (3, 1_060, 1_080) == ignored


def test_the_noise_budget_is_an_option(run: Run, versions_url: str) -> None:
    """Too much noise leaves the question open."""
    store = SqlStore(versions_url)
    store.decide(Decision(group=KEY.fingerprint, at=0.0, state=GroupState.IGNORED))
    store.close()
    asked = ("--min-rate", "0.9")

    assert 0 == ruled(run, versions_url, *asked)[0]
    assert 3 == ruled(run, versions_url, *asked, "--max-noise", "0.01")[0]


def test_the_group_is_a_reason(run: Run, versions_url: str) -> None:
    """With its fingerprint, to look at it."""
    shown = run("verdict", "--store", versions_url, columns=200).stdout

    assert (
        "GET /a, body /price: another a: 60 divergences "
        f"(group {KEY.fingerprint}, open)"
    ) in shown


def test_evidence_that_is_too_old_does_not_count(run: Run, versions_url: str) -> None:
    """And where there is no other, the verdict says how old it is."""
    asked = ("--freshness", "1h")

    assert (1, 1_000, 1_080) == ruled(run, versions_url, *asked, "--all-versions")
    old = run("verdict", "--store", versions_url, "--shadow-version", "v1", *asked)
    assert 3 == old.exit_code
    assert "the newest evidence is 3 hours old, at most 1h asked" in old.stdout


def test_a_policy_file_is_followed_and_options_stand_above_it(
    run: Run, url: str, tmp_path: Path
) -> None:
    """A file that can be reviewed in a pull request."""
    policy = tmp_path / "policy.toml"
    policy.write_text(
        '[verdict]\nminimum_rate = 0.8\n[[verdict.routes]]\nroute = "**"\n'
    )
    command = ["verdict", "--store", url, "--policy", str(policy)]

    assert 0 == run(*command).exit_code
    assert 1 == run(*command, "--min-rate", "0.995").exit_code


def test_the_settings_file_may_hold_the_policy(
    run: Run, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beside the settings, in any of the places where those may stand."""
    command = ["verdict", "--store", url]
    for prefix in ("", "shadow_middleware.", "tool.shadow_middleware."):
        file = tmp_path / "settings.toml"
        file.write_text(f"[{prefix}verdict]\nminimum_rate = 0.8\n")

        assert 0 == run(*command, "--config", str(file)).exit_code
        monkeypatch.setenv("SHADOW_MIDDLEWARE_CONFIG", str(file))
        assert 0 == run(*command).exit_code
        assert 0 == run("report", "--store", url).exit_code
        monkeypatch.delenv("SHADOW_MIDDLEWARE_CONFIG")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[verdict]\nminimum_rat = 1\n", "did you mean 'minimum_rate'?"),
        ("minimum_rate = 1\n", "has no [verdict] table"),
        ("verdict = 1\n", "verdict: is not a table"),
        ("[verdict\n", "is not TOML"),
        (None, "cannot be read"),
    ],
)
def test_a_wrong_policy_file_is_refused(
    run: Run, url: str, tmp_path: Path, text: str | None, problem: str
) -> None:
    """In one line that names what is wrong, with exit code 2."""
    policy = tmp_path / "policy.toml"
    if text is not None:
        policy.write_text(text)

    result = run("verdict", "--store", url, "--policy", str(policy))

    assert 2 == result.exit_code
    assert problem in result.stderr
    assert 1 == len(result.stderr.splitlines())


def test_every_format_is_printed_whole(run: Run, versions_url: str) -> None:
    """With the same exit code, and nothing else on the output."""
    found = {
        form: run("verdict", "--store", versions_url, "--format", form)
        for form in ("text", "json", "markdown", "junit")
    }

    assert {1} == {one.exit_code for one in found.values()}
    assert found["text"].stdout.startswith("Verdict on shadow: DO NOT PROMOTE")
    assert "do_not_promote" == json.loads(found["json"].stdout)["ruling"]
    assert found["markdown"].stdout.startswith("## Shadow verdict: ❌ Do not promote\n")
    assert "testsuites" == ET.fromstring(found["junit"].stdout.encode()).tag


def test_json_and_another_format_are_too_many(run: Run, url: str) -> None:
    """`--json` is `--format json`."""
    same = run("verdict", "--store", url, "--json", "--format", "json")
    other = run("verdict", "--store", url, "--json", "--format", "junit")

    assert "shadow-middleware/verdict/1" == json.loads(same.stdout)["format"]
    assert 2 == other.exit_code
    assert "leave one of them out" in other.stderr


def test_the_report_has_versions_and_the_control(run: Run, versions_url: str) -> None:
    """The control is a row of its own and no target."""
    shown = run("report", "--store", versions_url).stdout
    found = json.loads(run("report", "--store", versions_url, "--json").stdout)

    assert "A/A, the control against live: 90 of 100 (90 %) agree" in shown
    assert "v2 1,060" in shown
    assert "v1 3,000" in shown
    assert ["shadow"] == [one["target"] for one in found["targets"]]
    [group] = found["targets"][0]["groups"]
    assert (KEY.fingerprint, 60) == (group["group"], group["divergences"])
    assert KEY.fingerprint[:8] in shown


def test_the_example_in_the_documentation_is_a_policy(tmp_path: Path) -> None:
    """What readers copy is accepted, and says what it seems to say."""
    [text] = re.findall(r"^```toml\n(.*?)^```$", DOCS.read_text(), re.M | re.S)
    file = tmp_path / "shadow.toml"
    file.write_text(text)

    found = policy_of(str(file), None, {})

    assert (0.995, 0.001) == (found.minimum_rate, found.tolerated.timeout)
    assert ["POST /checkout", "/reports/**"] == [one.route for one in found.routes]


@pytest.mark.parametrize("field", msgspec.structs.fields(Policy), ids=lambda f: f.name)
def test_every_key_is_documented_with_its_default(
    field: msgspec.structs.FieldInfo,
) -> None:
    """The reference cannot go stale."""
    row = re.search(rf"^\| `{field.name}` \| (.*?) \|", DOCS.read_text(), re.M)

    assert row is not None
    default = json.dumps(msgspec.to_builtins(field.default))
    assert row[1] in ("none", f"`{default}`")


def test_what_is_learned_to_be_noise_stops_counting(
    run: Run, versions_url: str
) -> None:
    """The control shows the same difference as often: nobody has to decide anything."""
    before = ruled(run, versions_url)
    day = int(time.time() // DAY)
    shown = NoiseCount(day, "", KEY.fingerprint, 200, "", raw=60, control_both=60)
    store = SqlStore(versions_url)
    store.write(
        Batch(
            noise=[shown],
            noise_bases=[NoiseBase(day, "", "shadow", "GET /a", 200, 1_000, 1_000)],
        )
    )
    store.close()
    result = run("report", "--store", versions_url, "--json")

    assert (1, 1_000, 1_080) == before
    assert (3, 1_060, 1_080) == ruled(run, versions_url)
    [target] = json.loads(result.stdout)["targets"]
    assert (60, []) == (target["turned"], target["groups"])


def test_one_target_or_route_alone_is_judged_alone(run: Run, versions_url: str) -> None:
    """A name that nobody saw is refused here as well."""
    command = ["verdict", "--store", versions_url]

    assert 1 == run(*command, "--route", "GET /a").exit_code
    assert 2 == run(*command, "--route", "GET /b").exit_code
    assert 2 == run(*command, "--target", "shadwo").exit_code
