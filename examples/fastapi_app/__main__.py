"""Both sides, visitors and the report at once: `python -m examples.fastapi_app`."""

from __future__ import annotations

import sys
from functools import partial

from examples.fastapi_app.traffic import plan
from examples.stage.show import Example, Side, show, uvicorn

EXAMPLE = Example(
    live=Side(partial(uvicorn, "examples.fastapi_app.live:app")),
    shadow=Side(partial(uvicorn, "examples.fastapi_app.shadow:app")),
    plan=plan,
)

if __name__ == "__main__":
    show(EXAMPLE, sys.argv[1:])
