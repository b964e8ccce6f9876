"""Rules in a file of their own: read once, at start-up, and as exact as the settings."""

from __future__ import annotations

from pathlib import Path

import pytest

from shadow_middleware.errors import ConfigurationError
from shadow_middleware.settings import Rule, from_wire, load, to_wire

URL = "http://shadow.test"

GOOD = """
# why these are noise: see the pull request
[[rules]]
name = "ids"
path = "/**/request_id"

[[rules]]
action = "tolerate"
path = "/**/amount"
absolute = 0.01
"""


def test_the_rules_of_a_file_come_after_those_of_the_settings(tmp_path: Path) -> None:
    """Both hold; what the agent gets are rules, so it needs no file."""
    path = tmp_path / "rules.toml"
    path.write_text(GOOD)
    given = {"shadow_url": URL, "rules": [{"path": "/a"}], "rules_file": str(path)}
    settings = load(given, environ={})
    path.unlink()

    assert (
        Rule(path="/a"),
        Rule(name="ids", path="/**/request_id"),
        Rule(action="tolerate", path="/**/amount", absolute=0.01),
    ) == settings.rules
    assert settings == from_wire(to_wire(settings))


def test_a_relative_path_is_one_from_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As with `config`, wherever it was named."""
    (tmp_path / "rules.toml").write_text(GOOD)
    monkeypatch.chdir(tmp_path)
    environ = {"SHADOW_MIDDLEWARE_RULES_FILE": "rules.toml\n"}

    assert 2 == len(load({"shadow_url": URL}, environ=environ).rules)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "[[rules]]\npath = '/a'\n[[rules]]\npaht = '/b'",
            "rules[1].paht: unknown setting (file {}); did you mean 'path'?",
        ),
        (
            "[[rules]]\npath = '/a'\naction = 'ingore'",
            "rules[0].action: unknown value 'ingore' (file {}); did you mean 'ignore'?",
        ),
        (
            "[[rules]]\naction = 'tolerate'\npath = '/a'",
            "rules[0]: tolerates nothing (file {}); give one of",
        ),
        (
            "[[rules]]\npath = '/a'\ntarget = 'shadwo'",
            "rules[0]: no target is named 'shadwo' (file {}); did you mean 'shadow'?",
        ),
        ("[[rules]]\nname = 'all'", "rules[0]: ignores every body (file {});"),
        ("[[rule]]\npath = '/a'", "rule: not one of [[rules]] (file {}); did you mean"),
        ("[rules]\npath = '/a'", "rules: is not a list (file {}); write [[rules]]"),
        ("rules = [1]", "rules[0]: 1 is not a table of a rule (file {})"),
        ("[[rules]", "rules_file: '{}' is not TOML: "),
        (None, "rules_file: '{}' cannot be read: No such file or directory"),
    ],
)
def test_a_wrong_file_is_named_with_the_rule_and_the_key(
    tmp_path: Path, text: str | None, message: str
) -> None:
    """Whoever reviews it finds the line, and the nearest right word."""
    path = tmp_path / "rules.toml"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ConfigurationError) as caught:
        load({"shadow_url": URL, "rules_file": str(path)}, environ={})
    assert message.format(path) in str(caught.value)


def test_an_empty_file_holds_no_rules(tmp_path: Path) -> None:
    """It may be there before the first rule is."""
    path = tmp_path / "rules.toml"
    path.write_text("# none yet\n")

    assert () == load({"shadow_url": URL, "rules_file": str(path)}, environ={}).rules
