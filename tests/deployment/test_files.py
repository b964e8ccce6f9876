"""The deployment files are valid, and every word of ours in them means something."""

from __future__ import annotations

import configparser
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import compose_spec
import kubernetes_validate
import pytest
import yaml
from typer.main import get_command

from shadow_middleware.cli import main
from shadow_middleware.settings import Settings, load

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
MANIFESTS = sorted((DEPLOY / "kubernetes").glob("*.yaml"))
COMPOSE = DEPLOY / "compose" / "compose.yaml"
SECRETS = {
    "SHADOW_DB_PASSWORD": "one",
    "SHADOW_NATS_PASSWORD": "two",
    "SHADOW_TOKEN": "three",
}
SOCKET = "/run/shadow/agent.sock"
DRAIN = Settings().drain_timeout
WRITING = 5.0
"""Seconds that an agent may write after it has drained."""


def resources() -> list[dict[str, Any]]:
    """Return every resource of the manifests."""
    return [
        one for path in MANIFESTS for one in yaml.safe_load_all(path.read_text("utf-8"))
    ]


def compose() -> dict[str, Any]:
    """Return the compose file with its variables filled in."""

    def value(found: re.Match[str]) -> str:
        name, _, default = found[1].partition(":")
        return default.lstrip("-") if default.startswith("-") else SECRETS[name]

    text = re.sub(r"\$\{([^}]*)\}", value, COMPOSE.read_text("utf-8"))
    read = yaml.safe_load(text)
    assert isinstance(read, dict)
    return read


def pods() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every pod that a manifest makes, with the name of what makes it."""
    for one in resources():
        if one["kind"] in ("Deployment", "Job"):
            yield one["metadata"]["name"], one["spec"]["template"]["spec"]


def containers(pod: dict[str, Any]) -> list[dict[str, Any]]:
    """Return its containers, sidecars among them."""
    return [*pod.get("initContainers", []), *pod["containers"]]


def unit(path: Path) -> dict[str, dict[str, str]]:
    """Return what a unit says; of what it says twice, the last."""
    parser = configparser.RawConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read_string(path.read_text("utf-8"))
    return {name: dict(parser[name]) for name in parser.sections()}


def commands() -> list[list[str]]:
    """Return the words of every command of ours that is run somewhere."""
    found = [shlex.split(unit(path)["Service"]["ExecStart"])[1:] for path in UNITS]
    for _, pod in pods():
        found += [one["args"] for one in containers(pod) if "shadow" in one["image"]]
    services = compose()["services"].values()
    return found + [one["command"] for one in services if "build" in one]


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_every_command_and_option_exists(words: list[str]) -> None:
    """As the command line itself understands them, values included."""
    command, left = get_command(main.app), list(words)
    while left and (child := getattr(command, "commands", {}).get(left[0])):
        command, left = child, left[1:]

    parsed = command.make_context(command.name, left)

    assert [] == parsed.args
    assert not hasattr(command, "commands")


@pytest.mark.parametrize("resource", resources(), ids=lambda one: str(one["kind"]))
def test_every_manifest_fits_its_schema(resource: dict[str, Any]) -> None:
    """Strictly: an unknown field is a misspelt one."""
    kubernetes_validate.validate(resource, "1.33", strict=True)


def test_the_compose_file_fits_its_specification() -> None:
    """And what a service waits for, or mounts, is there."""
    read = compose()
    parsed = compose_spec.PyCompose.from_yaml(yaml.safe_dump(read))

    services = read["services"]
    assert sorted(services) == sorted(parsed.service_names())
    for one in services.values():
        assert set(one.get("depends_on", {})) <= set(services)
        named = [place.split(":")[0] for place in one.get("volumes", ())]
        assert {n for n in named if "/" not in n} <= set(read["volumes"])
        files = [DEPLOY / "compose" / n for n in named if "/" in n]
        assert [] == [path for path in files if not path.is_file()]


@pytest.mark.skipif(
    not shutil.which("systemd-analyze"), reason="needs systemd's own check"
)
@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.stem)
def test_every_unit_is_accepted_by_systemd(path: Path, tmp_path: Path) -> None:
    """Without a word of complaint, given that the program is installed."""
    program = Path(sys.executable).parent / "shadow-middleware"
    text = re.sub(r"(?m)^(ExecStart=)\S+", rf"\g<1>{program}", path.read_text("utf-8"))
    copy = tmp_path / path.name
    copy.write_text(text)
    named = str(copy).replace("@.service", "@1.service")

    told = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", named],
        capture_output=True,
        text=True,
        timeout=60,
    )

    ours = [line for line in told.stderr.splitlines() if path.name[:8] in line]
    assert (0, []) == (told.returncode, ours), told.stderr


def environments() -> Iterator[tuple[str, dict[str, str], str]]:
    """Yield what each process of ours is given: who it is, variables, and its file."""
    secret = next(one for one in resources() if one["kind"] == "Secret")
    config = next(one for one in resources() if one["kind"] == "ConfigMap")
    for name, pod in pods():
        for one in containers(pod):
            given = {row["name"]: row["value"] for row in one["env"]}
            yield (
                f"{name} {one['name']}",
                given | secret["stringData"],
                config["data"]["shadow.toml"],
            )
    toml = (DEPLOY / "compose" / "shadow.toml").read_text("utf-8")
    for name, one in compose()["services"].items():
        given = one.get("environment", {})
        if "SHADOW_MIDDLEWARE_CONFIG" in given:
            yield name, given, toml
    of_hosts = (DEPLOY / "systemd" / "shadow.toml").read_text("utf-8")
    lines = re.findall(r"^#   (\w+)=(.*)$", of_hosts, re.MULTILINE)
    assert 2 == len(lines)
    yield "systemd", dict(lines), of_hosts


@pytest.mark.parametrize(
    ("variables", "toml"),
    [pytest.param(given, toml, id=name) for name, given, toml in environments()],
)
def test_every_setting_is_one(
    variables: dict[str, str], toml: str, tmp_path: Path
) -> None:
    """Read as a process reads them: a misspelt name or a wrong value is an error."""
    path = tmp_path / "shadow.toml"
    path.write_text(toml)

    settings = load(environ=variables | {"SHADOW_MIDDLEWARE_CONFIG": str(path)})

    assert set(tomllib.loads(toml)) <= set(Settings.__struct_fields__)
    assert settings.engine == f"unix:{SOCKET}"
    assert settings.store_url.startswith("postgresql://")
    assert settings.broker_url.startswith("nats://")


def test_whoever_connects_to_an_agent_is_its_user_and_sees_its_socket() -> None:
    """The socket is private to one user, and lies on a volume that both mount."""
    pod = dict(pods())["shop"]
    assert 10001 == pod["securityContext"]["runAsUser"]
    for one in containers(pod):
        assert "runAsUser" not in one.get("securityContext", {})
        assert "/run/shadow" in [mount["mountPath"] for mount in one["volumeMounts"]]
    services = compose()["services"]
    assert "useradd --uid 10001" in (DEPLOY / "Dockerfile").read_text("utf-8")
    assert "10001" == services["app"]["user"]
    for name in ("app", "agent"):
        assert "socket:/run/shadow" in services[name]["volumes"]
    agent = unit(DEPLOY / "systemd" / "shadow-agent.service")["Service"]
    assert ("shadow", "0700") == (
        agent["RuntimeDirectory"],
        agent["RuntimeDirectoryMode"],
    )
    for words in commands():
        if words[0] == "agent":
            assert f"unix:{SOCKET}" in words


def test_everybody_gets_the_time_to_end_well() -> None:
    """Longer than what is under way may take, and what is then written."""
    needed = DRAIN + WRITING
    for name, pod in pods():
        if name in ("shop", "shadow-worker"):
            assert needed <= pod["terminationGracePeriodSeconds"]
    for name, one in compose()["services"].items():
        if name in ("agent", "worker"):
            assert needed <= float(one["stop_grace_period"].rstrip("s"))
    for stem in ("shadow-agent", "shadow-worker@"):
        told = unit(DEPLOY / "systemd" / f"{stem}.service")["Service"]
        assert needed <= float(told["TimeoutStopSec"])


def test_no_secret_is_on_a_command_line() -> None:
    """Everybody on a host can read those."""
    for words in commands():
        assert not re.search(r"postgres|nats:|CHANGE|token", " ".join(words))


def test_the_readme_names_every_folder() -> None:
    """Whoever looks for theirs finds it."""
    readme = (DEPLOY / "README.md").read_text("utf-8")
    folders = {path.name for path in DEPLOY.iterdir() if path.is_dir()}
    assert folders == set(re.findall(r"^\| `(\w+)/`", readme, re.MULTILINE))
