"""Both sides, visitors and the report at once: `python -m examples.django_app`."""

from __future__ import annotations

import sys

from examples.django_app.traffic import plan
from examples.stage.show import Example, Side, gunicorn, show

SEED = ("examples.django_app.manage", "seed")
WSGI = "examples.django_app.wsgi"

EXAMPLE = Example(
    live=Side(
        lambda port: gunicorn(WSGI, port, "--threads", "4"),
        {"DJANGO_SETTINGS_MODULE": "examples.django_app.settings"},
        prepare=SEED,
    ),
    shadow=Side(
        lambda port: gunicorn(WSGI, port, "--threads", "4"),
        {"DJANGO_SETTINGS_MODULE": "examples.django_app.settings_v2"},
        prepare=SEED,
    ),
    plan=plan,
)

if __name__ == "__main__":
    show(EXAMPLE, sys.argv[1:])
