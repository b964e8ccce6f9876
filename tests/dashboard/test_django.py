"""The view: who may look, where others are sent, and what signs tokens."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.http import HttpResponse
from django.test import RequestFactory, override_settings

from shadow_middleware.dashboard.django import dashboard
from tests.django import project

assert project.urlpatterns  # a view is asked within a project


class Somebody:
    """A user as Django has it."""

    pk = 7
    is_active = True
    is_authenticated = True
    is_staff = False


def _ask(path: str, user: object = None, **given: Any) -> HttpResponse:
    """Return what the view answers within a project that has no admin."""
    ((pattern, *_), _, _) = dashboard(**given)
    request = RequestFactory().get(f"/shadow/{path}")
    if user is not None:
        request.user = user  # type: ignore[assignment]
    answer = pattern.callback(request, path=request.path.removeprefix("/shadow/"))
    assert isinstance(answer, HttpResponse)
    return answer


def _csrf(store_url: str, who: str) -> str:
    answer = _ask("rules", allow=lambda _: who, store_url=store_url)
    (found,) = re.findall(r'name="csrf-token" content="(\w+)"', answer.content.decode())
    return str(found)


def test_tokens_are_signed_with_the_projects_own_key(tea: str) -> None:
    """So that each process of the project knows the tokens that another one gave."""
    first = _csrf(tea, "ada")

    assert first == _csrf(tea, "ada")
    assert first != _csrf(tea, "eve")
    with override_settings(SECRET_KEY="another"):
        assert first != _csrf(tea, "ada")


def test_staff_may_look_if_they_are_active(tea: str) -> None:
    """As in the admin."""
    staff, former = Somebody(), Somebody()
    staff.is_staff = former.is_staff = True
    former.is_active = False

    assert 200 == _ask("groups", staff, store_url=tea).status_code
    with pytest.raises(PermissionDenied):
        _ask("groups", former, store_url=tea)


@pytest.mark.parametrize("login", ["/enter", "/enter?by=mail"])
def test_without_an_admin_people_sign_in_at_login_url(login: str, tea: str) -> None:
    """And come back to what they wanted, its query as well."""
    with override_settings(LOGIN_URL=login):
        answer = _ask("groups?state=all", allow=lambda _: False, store_url=tea)

    end = "next=/shadow/groups%3Fstate%3Dall"
    assert (302, f"{login}{'&' if '?' in login else '?'}{end}") == (
        answer.status_code,
        answer["Location"],
    )


def test_a_project_that_knows_no_users_says_what_is_missing(tea: str) -> None:
    """Not by a door that is shut for ever, nor by one that is open."""
    with pytest.raises(ImproperlyConfigured, match="AuthenticationMiddleware"):
        _ask("groups", store_url=tea)


def test_settings_are_those_of_the_project(tea: str) -> None:
    """What is given to the view goes before them."""
    away = {"store_url": "sqlite:////nowhere/x.db"}
    with override_settings(SHADOW_MIDDLEWARE=away):
        plain = _ask("groups", allow=lambda _: True)
        given = _ask("groups", allow=lambda _: True, store_url=tea)

    assert (503, 200) == (plain.status_code, given.status_code)
