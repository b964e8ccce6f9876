"""What commands write for other programs: to a file, which appears when it is whole."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

import typer

__all__ = ["whole_file"]


@contextmanager
def whole_file(output: Path | None) -> Iterator[BinaryIO]:
    """
    Yield where to write: a draft that is put in place at the end, or standard output.

    Raises:
        BadParameter: no file can be written there; what stood there before stays.
    """
    if output is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    if output.is_dir():
        raise _refused(f"{output} is a directory; name a file in it")
    draft = output.with_name(f".{output.name}.part")
    try:
        with draft.open("wb") as file:
            yield file
        draft.replace(output)
    except OSError as error:
        raise _refused(
            f"{output} cannot be written: {error.strerror or error}"
        ) from None
    finally:
        with suppress(OSError):
            draft.unlink()


def _refused(problem: str) -> typer.BadParameter:
    return typer.BadParameter(problem, param_hint="--output")
