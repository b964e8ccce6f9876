"""Isolation stands alone: nothing else has to be installed where a shadow runs."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent


def run_alone(code: str, tmp_path: Path, *libraries: str) -> None:
    """Run code where the standard library, this package and these libraries are all."""
    for name in ("shadow_middleware", *libraries):
        found = importlib.util.find_spec(name)
        assert found is not None
        place = found.origin
        assert place is not None
        source = Path(place)
        source = source.parent if source.name == "__init__.py" else source
        (tmp_path / source.name).symlink_to(source)
    whole = f"import sys; sys.path.append({str(tmp_path)!r})\n{textwrap.dedent(code)}"
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-W", "error", "-c", whole],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert 0 == done.returncode, done.stderr


def test_it_needs_the_standard_library_only(tmp_path: Path) -> None:
    """Doors, memories, stubs for what Python has: all of it works alone."""
    code = """
        import smtplib
        from shadow_middleware import isolation
        from shadow_middleware.isolation import asgi, context, door, wsgi
        from shadow_middleware.transform.marker import make

        for name in isolation.__all__:
            getattr(isolation, name)
        for missing in ("msgspec", "httpx", "sqlalchemy", "django"):
            try:
                __import__(missing)
            except ImportError:
                continue
            raise AssertionError(missing)
        isolation.install()
        ours = door.Door("secret", clock=lambda: 1000.0)
        copy = ours.admit([make("a", secret="secret", at=1000.0)])
        with context.entered(copy):
            assert isolation.is_shadow()
            smtplib.SMTP("nobody.invalid").sendmail("a@a", ["b@b"], "hello")
        assert isolation.counts() == {"mail": 1}, isolation.counts()
        isolation.uninstall()
    """

    run_alone(code, tmp_path)


def test_the_django_part_needs_django_only(tmp_path: Path) -> None:
    """A project that is a shadow installs nothing else."""
    code = """
        from django.conf import settings
        settings.configure(
            SHADOW_ISOLATION={"secret": "secret", "stubs": True},
            MIDDLEWARE=["shadow_middleware.isolation.django.IsolationMiddleware"],
            INSTALLED_APPS=["shadow_middleware.isolation.django"],
            DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3",
                                   "NAME": ":memory:"}},
            ROOT_URLCONF=__name__,
        )
        import django
        django.setup()
        from django.core.wsgi import get_wsgi_application
        urlpatterns = []
        get_wsgi_application()
        assert "msgspec" not in sys.modules
    """

    run_alone(code, tmp_path, "django", "asgiref", "sqlparse")


def test_the_sqlalchemy_part_needs_sqlalchemy_only(tmp_path: Path) -> None:
    """So does a FastAPI app."""
    code = """
        from sqlalchemy import create_engine
        from shadow_middleware.isolation.sqlalchemy import rollback
        rollback(create_engine("sqlite://"))
        assert "msgspec" not in sys.modules
    """

    run_alone(code, tmp_path, "sqlalchemy", "typing_extensions")


def test_without_django_it_says_what_to_install(tmp_path: Path) -> None:
    """The error holds the line to type."""
    code = """
        try:
            import shadow_middleware.isolation.django
        except Exception as error:
            assert "pip install 'shadow-middleware[django]'" in str(error), error
        else:
            raise AssertionError("nothing was raised")
    """

    run_alone(code, tmp_path)


@pytest.mark.parametrize("name", ["is_shadow", "current", "ShadowRequest"])
def test_the_first_names_load_nothing_more(name: str, tmp_path: Path) -> None:
    """Asking whether this is a copy costs an import of the context alone."""
    code = f"""
        from shadow_middleware.isolation import {name}
        ours = [x for x in sys.modules if x.startswith("shadow_middleware.isolation.")]
        assert ours == ["shadow_middleware.isolation.context"], ours
    """

    run_alone(code, tmp_path)
