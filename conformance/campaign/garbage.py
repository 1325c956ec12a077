"""When Python's collector looks for cycles of objects while programs are judged."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

GARBAGE = 50_000
"""Objects made before the collector looks for cycles: a program and its log are some thousands, all of which
go without it."""


@contextmanager
def seldom_collected() -> Iterator[None]:
    """Cycles are looked for seldom, and never among what was there before."""
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(GARBAGE, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
