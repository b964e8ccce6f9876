"""`rules`: one list of all, added and removed, checked, suggested; on real evidence."""

from __future__ import annotations

import json
import subprocess
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from shadow_middleware.cli.rules_screen import in_words
from shadow_middleware.evidence import Batch, Count
from shadow_middleware.exchange import Outcome
from shadow_middleware.knowledge import RuleHit
from shadow_middleware.rule import Rule
from shadow_middleware.settings import load
from shadow_middleware.store.sql import SqlStore
from tests.cli.conftest import Run, words


def rules(run: Run, url: str, *options: str) -> dict[str, dict[str, Any]]:
    """Return what `rules list` says, by name."""
    result = run("rules", "list", "--store", url, "--json", *options)
    assert 0 == result.exit_code, result.output
    return {one["name"]: one for one in json.loads(result.stdout)["rules"]}


def test_every_rule_is_listed_with_where_it_stands(
    run: Run, empty_url: str, tmp_path: Path
) -> None:
    """Of the settings, of their file, and of the store."""
    file = tmp_path / "rules.toml"
    file.write_text('[[rules]]\nname = "filed"\npath = "/a"\n')
    config = tmp_path / "shadow.toml"
    config.write_text(
        f'rules_file = "{file}"\nignore_headers = ["etag"]\n'
        '[[rules]]\nname = "stated"\npath = "/b"\n'
    )
    added = run("rules", "add", "--path", "/c", "--name", "new", "--store", empty_url)
    found = rules(run, empty_url, "--config", str(config))

    assert 0 == added.exit_code, added.output
    assert {
        "stated": "settings",
        "ignore_headers:etag": "settings",
        "filed": str(file),
        "new": "store",
    } == {name: one["source"] for name, one in found.items()}


def test_a_rule_tells_what_it_took_away_and_when(run: Run, empty_url: str) -> None:
    """Hits by sort, the last time, and whether it ever fired."""
    run("rules", "add", "--path", "/c", "--name", "busy", "--store", empty_url)
    run("rules", "add", "--path", "/d", "--name", "idle", "--store", empty_url)
    with closing(SqlStore(empty_url)) as store:
        hits = [
            RuleHit("busy", "shadow", "changed", 40, 1.7e9),
            RuleHit("busy", "shadow", "type: string → null", 2, 1.8e9),
            RuleHit("busy", "next", "missing", 3, 1.75e9),
            RuleHit("gone", "shadow", "changed", 1, 1.7e9),
        ]
        store.write(Batch(rule_hits=hits))
    found = rules(run, empty_url)
    said = words(run("rules", "list", "--store", empty_url))

    assert (45, 1.8e9) == (found["busy"]["hits"], found["busy"]["last_at"])
    assert (0, None) == (found["idle"]["hits"], found["idle"]["last_at"])
    assert "not known here" == found["gone"]["source"]
    assert [] == found["idle"]["flags"]
    [flag] = found["busy"]["flags"]
    assert flag.startswith("hides more than it says: 3 times something that")
    assert "another type (string → null)" in flag
    assert "never fired" in said
    assert "Look at these" in said


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_the_rules_fit_the_screen(run: Run, empty_url: str, columns: int) -> None:
    """Whatever their names."""
    run("rules", "add", "--path", "/**/id", "--kind", "changed", "--store", empty_url)
    result = run("rules", "list", "--store", empty_url, columns=columns)

    assert columns >= max(map(len, result.stdout.split("\n")))


FIELDS = [
    (["--path", "/a"], {"path": "/a"}),
    (["--path", "/a", "--kind", "changed"], {"kind": "changed"}),
    (["--path", "/a", "--shape", "uuid"], {"shape": "uuid"}),
    (["--path", "/a", "--target", "next*"], {"target": "next*"}),
    (["--path", "/a", "--route", "GET /a/{id}"], {"route": "GET /a/{id}"}),
    (["--part", "header", "--path", "etag"], {"part": "header", "path": "etag"}),
    (["--path", "/a", "--matches", "[0-9]+"], {"matches": "[0-9]+"}),
    (["--action", "tolerate", "--path", "/a", "--absolute", "2"], {"absolute": 2.0}),
    (["--action", "tolerate", "--path", "/a", "--relative", ".1"], {"relative": 0.1}),
    (["--action", "tolerate", "--path", "/a", "--unordered"], {"unordered": True}),
    (["--action", "tolerate", "--path", "/a", "--keyed-by", "id"], {"keyed_by": "id"}),
    (
        [
            *("--action", "tolerate", "--part", "status"),
            "--status",
            "200",
            "--status",
            "204",
        ],
        {"statuses": [200, 204]},
    ),
    (
        ["--action", "expect", "--path", "/v", "--live", "1", "--shadow", "2"],
        {"live": "1", "shadow": "2"},
    ),
    (["--path", "/a", "--name", "mine"], {"name": "mine"}),
]


@pytest.mark.parametrize(("options", "fields"), FIELDS)
def test_every_field_can_be_given(
    run: Run, empty_url: str, options: list[str], fields: dict[str, Any]
) -> None:
    """As the settings call it, kept in the store for all."""
    result = run("rules", "add", *options, "--note", "agreed", "--store", empty_url)
    with closing(SqlStore(empty_url)) as store:
        [shared] = store.rules()

    assert 0 == result.exit_code, result.output
    assert "agreed" == shared.note
    for name, value in fields.items():
        kept = getattr(shared.rule, name)
        assert value == (list(kept) if isinstance(kept, tuple) else kept)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "say what the rule is"),
        (["--path", "/a", "--kind", "change"], "did you mean 'changed'?"),
        (["--path", "/a", "--shape", "uid"], "did you mean 'uuid'?"),
        (["--path", "$.a"], "write '/a'"),
        (["--path", "**"], "ignores every body"),
        (["--action", "tolerate", "--path", "/a"], "tolerates nothing"),
        (["--path", "/a", "--matches", "(?=x)"], "matches"),
        (["--path", "/a", "--toml", "x.toml"], "not both"),
        (["--toml", "none.toml"], "cannot be read"),
    ],
)
def test_a_rule_that_can_never_work_is_refused(
    run: Run, empty_url: str, options: list[str], said: str
) -> None:
    """By the validator of the settings; nothing is added."""
    result = run("rules", "add", *options, "--store", empty_url)

    assert 2 == result.exit_code
    assert said in words(result)
    assert {} == rules(run, empty_url)


def test_rules_are_added_as_toml_and_named_once(
    run: Run, empty_url: str, tmp_path: Path
) -> None:
    """Tables or the fields of one; a name that is there is refused."""
    (tmp_path / "two.toml").write_text(
        '[[rules]]\npath = "/a"\n[[rules]]\nname = "b"\npath = "/b"\n'
    )
    (tmp_path / "one.toml").write_text('name = "b"\npath = "/c"\n')
    two = run("rules", "add", "--toml", "two.toml", "--store", empty_url)
    one = run("rules", "add", "--toml", "one.toml", "--store", empty_url)

    assert 0 == two.exit_code, two.output
    assert {"ignore body /a", "b"} == set(rules(run, empty_url))
    assert 2 == one.exit_code
    assert "a rule named 'b' is there already (store)" in words(one)


def test_what_was_added_can_be_removed_and_nothing_else(
    run: Run, empty_url: str, tmp_path: Path
) -> None:
    """A rule of the settings is removed where it is stated."""
    config = tmp_path / "shadow.toml"
    config.write_text('[[rules]]\nname = "stated"\npath = "/b"\n')
    options = ("--store", empty_url, "--config", str(config))
    run("rules", "add", "--path", "/a", "--name", "new", *options)
    gone = run("rules", "remove", "new", *options)
    again = run("rules", "remove", "new", *options)
    stated = run("rules", "remove", "stated", *options)

    assert [0, 2, 2] == [one.exit_code for one in (gone, again, stated)]
    assert "no rule is named 'new'" in words(again)
    assert "stated in the settings: remove it there" in words(stated)


def test_a_file_is_checked_as_at_start_up(run: Run, tmp_path: Path) -> None:
    """Sound, wrong, or wide."""
    file = tmp_path / "rules.toml"
    file.write_text('[[rules]]\npath = "/**"\nroute = "/a"\n')
    wide = run("rules", "check", str(file))
    file.write_text('[[rules]]\npath = "/a"\nkidn = "changed"\n')
    wrong = run("rules", "check", str(file))
    file.write_text("[[rule]]\n")
    other = run("rules", "check", str(file))

    assert 0 == wide.exit_code, wide.output
    assert "its path fits everything" in words(wide)
    assert 2 == wrong.exit_code
    assert "did you mean 'kind'?" in words(wrong)
    assert 2 == other.exit_code
    assert "did you mean 'rules'?" in words(other)


def test_what_is_exported_can_be_checked_and_read(
    run: Run, empty_url: str, tmp_path: Path
) -> None:
    """The same rules, as a file that the settings can name."""
    for options, _ in FIELDS:
        run("rules", "add", *options, "--store", empty_url)
    file = tmp_path / "rules.toml"
    file.write_text(run("rules", "export", "--store", empty_url).stdout)
    with closing(SqlStore(empty_url)) as store:
        added = {shared.rule for shared in store.rules()}

    assert 0 == run("rules", "check", str(file)).exit_code
    settings = load({"rules_file": str(file)}, require_target=False)
    assert added == set(settings.rules)


def test_a_suggestion_is_a_diff_that_git_applies(
    run: Run, tea: str, tmp_path: Path
) -> None:
    """The lot is noise where a control says so; where it counts, no rule may hide it."""
    shown = run("rules", "suggest", "--store", tea, "--json")
    found = json.loads(shown.stdout)
    (tmp_path / "change.diff").write_text(found["diff"])
    subprocess.run(["git", "apply", "change.diff"], cwd=tmp_path, check=True)
    rules_ = load({"rules_file": "shadow-rules.toml"}, require_target=False).rules

    assert [("GET /mine", "/lot", "changed"), ("GET /tea", "/lot", "changed")] == [
        (rule.route, rule.path, rule.kind) for rule in rules_
    ]
    assert "# 20 times: GET /tea  body /lot: another text" in (
        tmp_path / "shadow-rules.toml"
    ).read_text("utf-8")


def test_a_suggestion_for_one_target(run: Run, tea: str) -> None:
    """`--target` leaves out the noise of the others."""
    with closing(SqlStore(tea)) as store:
        store.write(Batch(counts=[Count(1, "other", "GET /tea", Outcome.MATCH, "", 1)]))
    found = run("rules", "suggest", "--store", tea, "--target", "other", "--json")

    assert [] == json.loads(found.stdout)["rules"]


@pytest.mark.parametrize("file", [None, "other.toml"])
def test_what_is_written_leaves_nothing_to_suggest(
    run: Run, tea: str, tmp_path: Path, file: str | None
) -> None:
    """The file is added to and not changed otherwise."""
    path = tmp_path / (file or "shadow-rules.toml")
    path.write_text('# ours\n[[rules]]\nname = "mine"\npath = "/x"\n')
    options = ["--store", tea, *(["--file", file] if file else [])]
    before = path.read_text()
    run("rules", "suggest", *options)
    unchanged = path.read_text()
    written = run("rules", "suggest", *options, "--write")
    again = run("rules", "suggest", *options, "--write")

    assert before == unchanged
    assert 0 == written.exit_code, written.output
    assert path.read_text().startswith(before)
    assert f'set rules_file = "{path.name}"' in words(written)
    assert "Nothing to add: today's rules explain all 2 noisy places." in words(again)
    assert 0 == run("rules", "check", str(path)).exit_code
    assert [path.name] == [
        one.name for one in tmp_path.iterdir() if one.suffix != ".db"
    ]


def test_no_noise_needs_no_rule(run: Run, empty_url: str, tmp_path: Path) -> None:
    """No file is made."""
    result = run("rules", "suggest", "--write", "--store", empty_url)

    assert 0 == result.exit_code
    assert "No noise was seen so far" in result.stdout
    assert not (tmp_path / "shadow-rules.toml").exists()


def test_a_rule_of_the_store_is_followed_at_once(run: Run, empty_url: str) -> None:
    """It is there for every reader, with the time of it."""
    before = time.time()
    run("rules", "add", "--path", "/a", "--store", empty_url)
    with closing(SqlStore(empty_url)) as store:
        [shared] = store.rules()

    assert before <= shared.at <= time.time()


def test_a_rule_is_read_in_few_words() -> None:
    """Only what it says, and a list without the marks of a program."""
    rule = Rule(name="x", action="tolerate", part="status", statuses=(200, 201))

    assert "tolerate part=status statuses=200,201" == in_words(rule)
