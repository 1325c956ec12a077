"""What a near miss breaks on purpose."""

from __future__ import annotations

from dataclasses import dataclass

from ebpf.rules import TOO_MANY_INSNS, Rule


@dataclass(frozen=True, slots=True)
class Intent:
    """What a near miss breaks on purpose, and the slot that breaks it."""

    rule: Rule
    at: int


def is_long(intent: Intent | None) -> bool:
    """Whether the walk of such a program takes a kernel longer to print than anybody waits."""
    return intent is not None and intent.rule is TOO_MANY_INSNS
