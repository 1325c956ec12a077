"""Where things made once are kept."""

from __future__ import annotations

import os
from pathlib import Path


def cache_directory() -> Path:
    """``$XDG_CACHE_HOME/veridiff``, or ``~/.cache/veridiff``; made when missing."""
    base = os.environ.get("XDG_CACHE_HOME")
    path = (Path(base) if base else Path.home() / ".cache") / "veridiff"
    path.mkdir(parents=True, exist_ok=True)
    return path
