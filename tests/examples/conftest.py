"""The databases of the Django shop: made once, by the command that its README names."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from examples.django_app.__main__ import EXAMPLE
from examples.stage.servers import ROOT, free_port
from examples.stage.show import staged
from tests.shared import made_once


@pytest.fixture(scope="session")
def _seeded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    def make(folder: Path) -> None:
        for side in (EXAMPLE.live, EXAMPLE.shadow):
            subprocess.run(
                [sys.executable, "-m", *side.prepare],
                cwd=ROOT,
                env={**os.environ, **staged(folder, free_port()), **side.environment},
                check=True,
            )

    return made_once(tmp_path_factory, "shop", make)


@pytest.fixture
def seeded(_seeded: Path, tmp_path: Path) -> Path:
    """Give a folder of its own with the database of each version of the shop."""
    return Path(shutil.copytree(_seeded, tmp_path, dirs_exist_ok=True))
