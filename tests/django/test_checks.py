"""Django's system checks: mistakes show before any request."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from django.core.checks import registry
from django.test import modify_settings, override_settings

from shadow_middleware.django.apps import ShadowMiddlewareConfig
from shadow_middleware.django.checks import check_installation, check_settings
from tests.django.project import RECORDING

OURS = "shadow_middleware.django.ShadowMiddleware"
AUTH = "django.contrib.auth.middleware.AuthenticationMiddleware"
GZIP = "django.middleware.gzip.GZipMiddleware"
TARGET = {"shadow_url": "http://shadow.test"}


def found(middleware: list[str], **settings: Any) -> list[str | None]:
    with override_settings(MIDDLEWARE=middleware, SHADOW_MIDDLEWARE=settings):
        return [message.id for message in check_settings() + check_installation()]


@pytest.mark.parametrize(
    ("middleware", "settings", "expected"),
    [
        ([OURS, GZIP], TARGET, []),
        (["shadow_middleware.django.middleware.ShadowMiddleware"], TARGET, []),
        ([OURS], {"rate": 2}, ["shadow_middleware.E001"]),
        ([GZIP, OURS], TARGET, ["shadow_middleware.W001"]),
        ([GZIP], TARGET, ["shadow_middleware.W002"]),
        ([OURS, OURS], TARGET, ["shadow_middleware.W003"]),
        ([OURS], TARGET | {"key": "user"}, ["shadow_middleware.W004"]),
        ([OURS, AUTH], TARGET | {"key": "user"}, []),
        (
            [OURS],
            TARGET | {"store_url": "sqlite:////proc/no/such/folder/s.db"},
            ["shadow_middleware.W005"],
        ),
        ([OURS], TARGET | {"store_url": "sqlite:///s.db?timeout=3"}, []),
        ([OURS], TARGET | {"store_url": "postgresql://shadow@db/shadow"}, []),
    ],
)
def test_every_mistake_has_its_id(
    middleware: list[str], settings: dict[str, Any], expected: list[str]
) -> None:
    """One id for each mistake, and none where there is none."""
    assert expected == found(middleware, **settings)


def test_a_folder_that_this_user_may_not_write_to_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever runs the checks as root may write anywhere, so they are asked."""
    monkeypatch.setattr(os, "access", lambda path, how: path != tmp_path)
    with override_settings(
        SHADOW_MIDDLEWARE=TARGET | {"store_url": f"sqlite:///{tmp_path}/s.db"}
    ):
        (message,) = check_settings()

    assert f"{tmp_path}, cannot be written to" in message.msg


def test_the_message_is_that_of_start_up() -> None:
    """It names the key, the value and the nearest right one."""
    with override_settings(SHADOW_MIDDLEWARE=TARGET | {"rate": 2}):
        (message,) = check_settings()
    assert (
        "rate: 2.0 is not between 0 and 1 (SHADOW_MIDDLEWARE in Django's settings); "
        "the nearest is 1"
    ) == message.msg


def test_the_warning_names_what_stands_before_us() -> None:
    """A person can act on it."""
    with override_settings(MIDDLEWARE=[GZIP, OURS]):
        (message,) = check_installation()
    assert GZIP in message.msg


def test_installing_the_app_registers_the_checks() -> None:
    """`manage.py check` runs them."""
    with modify_settings(INSTALLED_APPS={"append": "shadow_middleware.django"}):
        registered: list[object] = list(registry.registry.get_checks())
    assert check_settings in registered
    assert check_installation in registered
    assert "shadow_middleware" == ShadowMiddlewareConfig.label
    assert RECORDING  # the project is configured by its import
