"""A clock on the wall that jumps: for processes with this folder on their path."""

from __future__ import annotations

import os
import time

if "DRILL_LEDGER" in os.environ and "DRILL_CLOCK" in os.environ:
    import mmap

    with open(os.environ["DRILL_LEDGER"], "rb") as _file:
        _head = mmap.mmap(_file.fileno(), 4096, access=mmap.ACCESS_READ)
    _offset = memoryview(_head).cast("d")
    _time, _time_ns = time.time, time.time_ns
    time.time = lambda: _time() + _offset[10]
    time.time_ns = lambda: _time_ns() + int(_offset[10] * 1e9)
