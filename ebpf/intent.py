"""What a near miss breaks on purpose."""

from __future__ import annotations

from dataclasses import dataclass

from ebpf.rules import Rule


@dataclass(frozen=True, slots=True)
class Intent:
    """What a near miss breaks on purpose, and the slot that breaks it."""

    rule: Rule
    at: int
