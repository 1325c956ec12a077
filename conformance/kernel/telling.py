"""Lines to the user about work that goes on behind a command."""

from __future__ import annotations

import sys


def tell(message: str) -> None:
    """Progress, on standard error: standard output belongs to the command."""
    print(f"veridiff: {message}", file=sys.stderr, flush=True)
