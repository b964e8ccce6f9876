"""The names that users type: each resolves, is listed, and is listed in order."""

from __future__ import annotations

import importlib
import pkgutil
import types

import pytest

import shadow_middleware

UNFINISHED_WITHOUT_AN_APP = (
    "shadow_middleware.store.migrations.",  # Alembic runs these, nobody imports them
    "shadow_middleware.cli.__main__",
    "shadow_middleware.__main__",
)


def module_names() -> list[str]:
    """Return every module of the package that can be imported by itself."""
    found = pkgutil.walk_packages(shadow_middleware.__path__, "shadow_middleware.")
    return [
        "shadow_middleware",
        *(m.name for m in found if not m.name.startswith(UNFINISHED_WITHOUT_AN_APP)),
    ]


@pytest.fixture(scope="module")
def modules() -> list[types.ModuleType]:
    """Give every module: five hundred, so a test looks at all of them at once."""
    return [importlib.import_module(name) for name in module_names()]


def test_every_listed_name_exists(modules: list[types.ModuleType]) -> None:
    """What `__all__` promises can be had, lazily resolved names included."""
    missing = [
        (module.__name__, name)
        for module in modules
        for name in getattr(module, "__all__", ())
        if not hasattr(module, name)
    ]

    assert [] == missing


def test_listed_names_are_unique(modules: list[types.ModuleType]) -> None:
    """A merge cannot list a name twice; the linter keeps `__all__` sorted."""
    listed = {one.__name__: list(getattr(one, "__all__", ())) for one in modules}
    twice = {
        name: names for name, names in listed.items() if len(set(names)) != len(names)
    }

    assert {} == twice


def test_every_module_says_what_it_is_for(modules: list[types.ModuleType]) -> None:
    """The docstring of a module gives its place in the flow."""
    assert [] == [it.__name__ for it in modules if not (it.__doc__ or "").strip()]


def test_the_package_offers_what_users_need_besides_the_middleware() -> None:
    """The few names at the top are a promise: taking one away breaks users."""
    expected = [
        "ConfigurationError",
        "MissingExtraError",
        "Rule",
        "Settings",
        "ShadowMiddlewareError",
        "Target",
        "__version__",
        "signals",
    ]

    assert expected == shadow_middleware.__all__
    assert set(expected) <= set(dir(shadow_middleware))


def test_a_misspelt_public_name_is_an_attribute_error() -> None:
    """Lazy resolving keeps the usual error for names that are not there."""
    with pytest.raises(AttributeError, match="no attribute 'Setings'"):
        shadow_middleware.Setings  # noqa: B018  # the access is the test
