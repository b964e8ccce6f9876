"""
What settings may be together: targets, the app itself, rules.

Each value has been checked by itself before (`validation`). Below the settings, which
it gets as they are built.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from shadow_middleware.addresses import covers, host_and_port, is_loopback
from shadow_middleware.broker_checks import check_broker_together
from shadow_middleware.configuration import Place
from shadow_middleware.rule import Rule
from shadow_middleware.rule_checks import complaint

if TYPE_CHECKING:
    from shadow_middleware.settings import Settings, Target

__all__ = ["SAFE_METHODS", "check_rule", "check_together"]

SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
"""Methods that write nothing, and so may be sent twice."""


def check_together(
    settings: Settings, places: Mapping[str, Place], source: str, required: bool
) -> None:
    """
    Check what no setting can tell by itself.

    Args:
        settings: As they were built.
        places: Where each that was given stands.
        source: What errors call the place of one that was not given.
        required: Whether there has to be a target.

    Raises:
        ConfigurationError: naming the key, the value and what would be right.
    """
    if required and settings.enabled:
        _check_destination(settings, places, source)
    _check_targets(settings, places)
    _check_control(settings, places)
    _check_asked(settings, places)
    _check_metrics(settings, places)
    check_broker_together(settings, places)
    _check_keeping(settings, places)
    if required:  # what is read from files has its key already
        _check_sessions(settings, places)
    _check_rules(settings, places)


def _check_destination(
    settings: Settings, places: Mapping[str, Place], source: str
) -> None:
    """Refuse settings under which a copy would go nowhere, or where it must not."""
    if settings.engine == "file":
        if settings.all_targets:
            raise places["engine"].error(
                "'file' sends nothing, but a target is set",
                "leave the target out; or leave engine out, and a capture is written "
                "beside the replays",
            )
        if not settings.capture_to:
            raise places["engine"].error(
                "'file' needs to know where to write", "give capture_to='DIRECTORY'"
            )
    elif not (settings.all_targets or settings.capture_to or settings.target_allow):
        raise Place("shadow_url", source).error(
            "no target is set", "give shadow_url or targets, or set enabled=False"
        )
    _check_capture(settings, places)


def _check_capture(settings: Settings, places: Mapping[str, Place]) -> None:
    """Refuse bounds of a capture without one, and bounds that defeat each other."""
    for name in places:
        if name.startswith("capture_") and not settings.capture_to:
            raise places[name].error(
                "has no effect without a capture", "set capture_to, or leave it out"
            )
    keep, rotate = settings.capture_keep_bytes, settings.capture_rotate_bytes
    if "capture_keep_bytes" in places and 0 < keep < rotate:
        raise places["capture_keep_bytes"].error(
            f"{keep} bytes are less than one file of capture_rotate_bytes, {rotate}",
            "keep more, or rotate earlier",
        )


def _check_targets(settings: Settings, places: Mapping[str, Place]) -> None:
    """Check that each target is unique and not the app itself, and can be added."""
    names: set[str] = set()
    for target, place in _placed_targets(settings, places):
        if target.name in names:
            raise place.error(f"two targets are named {target.name!r}")
        names.add(target.name)
        _check_not_live(settings, target.url, place)
    stored = settings.store_url and settings.engine != "file"
    if settings.target_allow and not stored:
        raise places["target_allow"].error(
            "has no effect without a store, as targets are added there",
            "set store_url, or leave it out",
        )


def _check_control(settings: Settings, places: Mapping[str, Place]) -> None:
    """Refuse a control that is the app itself, or one of the shadows."""
    url = settings.control_url
    if not url:
        _check_without_control(settings, places)
        return
    _check_not_live(settings, url, places["control_url"])
    for target in settings.all_targets:
        if covers(url, target.url) and covers(target.url, url):
            raise places["control_url"].error(
                f"{url!r} is the target {target.name!r} as well",
                "a control runs the live version; to send requests to a shadow twice, "
                "set self_probe",
            )


def _check_without_control(settings: Settings, places: Mapping[str, Place]) -> None:
    """Refuse what speaks of a control where there is none; a rate of 0 asks for none."""
    for name in ("control_rate", "control_methods"):
        if name in places and getattr(settings, name):
            raise places[name].error(
                "has no effect without a control", "set control_url, or leave it out"
            )


def _check_asked(settings: Settings, places: Mapping[str, Place]) -> None:
    """Refuse a control or a probe that no mirrored method would ever ask."""
    mirrored = settings.mirrored_methods
    if not mirrored:
        return
    if settings.control_url and settings.control_rate:
        asked = settings.control_methods
        if not mirrored.intersection(asked):
            place = places.get("control_methods") or places["control_url"]
            raise place.error(
                f"of {', '.join(sorted(mirrored))}, which are mirrored, none goes to the "
                "control",
                "name in control_methods those that it can take",
            )
    if settings.self_probe and not mirrored.intersection(SAFE_METHODS):
        raise places["self_probe"].error(
            f"of {', '.join(sorted(mirrored))}, which are mirrored, none is sent twice",
            f"{', '.join(SAFE_METHODS)} are: mirror one of them, or leave it out",
        )


def _check_sessions(settings: Settings, places: Mapping[str, Place]) -> None:
    """Refuse sessions that nothing tells apart."""
    if settings.sessions != "off" and not settings.key and settings.all_targets:
        raise places["sessions"].error(
            f"{settings.sessions!r} needs to know whose requests are whose",
            "set key as well, such as key='cookie:sessionid'",
        )


def _check_metrics(settings: Settings, places: Mapping[str, Place]) -> None:
    """Refuse figures that anybody on the network could read."""
    address = settings.metrics_address
    if not address or settings.metrics_token:
        return
    if not is_loopback(host_and_port(address)[0]):
        raise places["metrics_address"].error(
            f"{address!r} can be reached from elsewhere",
            "set metrics_token as well, or listen at 127.0.0.1",
        )


def _check_keeping(settings: Settings, places: Mapping[str, Place]) -> None:
    """Refuse sums that would go before what they are the sums of."""
    days, sums = settings.store_keep_days, settings.store_keep_sums_days
    if 0 < sums < days:
        names = ("store_keep_sums_days", "store_keep_days")
        place = next(places[one] for one in names if one in places)
        raise place.error(
            f"divergences would be kept {days:g} days, but what counts them {sums:g}",
            "keep sums at least as long; store_keep_sums_days=0 keeps them for ever",
        )


def _check_not_live(settings: Settings, url: str, place: Place) -> None:
    for live in settings.live_urls:
        if covers(live, url):
            raise place.error(f"{url!r} is the live app itself, {live!r}")


def _placed_targets(
    settings: Settings, places: Mapping[str, Place]
) -> Iterator[tuple[Target, Place]]:
    if settings.shadow_url:
        yield settings.all_targets[0], places["shadow_url"]
    for index, target in enumerate(settings.targets):
        yield target, places["targets"].within(f"[{index}]")


def _check_rules(settings: Settings, places: Mapping[str, Place]) -> None:
    """Refuse rules that cannot mean what they say."""
    for index, rule in enumerate(settings.rules):
        place = places["rules"].within(f"[{index}]")
        check_rule(settings, rule, place)


def check_rule(settings: Settings, rule: Rule, place: Place) -> None:
    """Refuse a rule that cannot mean what it says, or that fits no target."""
    found = complaint(rule)
    if found:
        raise place.error(*found)
    if rule == Rule(name=rule.name):
        raise place.error("ignores every body", "give a path, a route or a pattern")
    names = [target.name for target in settings.all_targets]
    if "*" not in rule.target and names and rule.target not in names:
        raise place.unknown(f"no target is named {rule.target!r}", rule.target, names)
