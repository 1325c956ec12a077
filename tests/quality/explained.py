"""Mutants that no test can or should kill, each with its reason."""

from __future__ import annotations

R, I = "oracles/reference/", "oracles/interpreter/"  # noqa: E741 - as short as the table wants them
EXPLAINED: dict[tuple[str, str, str], str] = {}
"""By file, source line (stripped) and mutation."""
