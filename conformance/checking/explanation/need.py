"""A kind of refusal: what a kernel's message says is needed, and of which register."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from conformance.checking.explanation.refused import OperandRole, Refused

Sentence = Callable[[Refused, re.Match[str]], str]
Finder = Callable[[Refused], int | None]
"""What finds the register that a message does not name."""


@dataclass(frozen=True, slots=True)
class RefusalKind:
    """A kind of refusal.  Which register it is about: the pattern's group ``reg``, or the helper's argument
    in its group ``arg`` (from 0), or else that which the instruction has in ``role``, or which that finds."""

    pattern: re.Pattern[str]
    text: str | Sentence
    """What is needed: a text with the pattern's groups in it, or what makes one."""
    role: OperandRole | Finder | None = None

    def sentence(self, refused: Refused, match: re.Match[str]) -> str:
        """What is needed here; empty where that cannot be told."""
        if not isinstance(self.text, str):
            return self.text(refused, match)
        return self.text.format(**{name: value or "" for name, value in match.groupdict().items()})

    def register(self, refused: Refused, match: re.Match[str]) -> int | None:
        """The register that the refusal is about; None for none, or none that exists."""
        groups = match.groupdict()
        if groups.get("reg") is not None:
            number = int(groups["reg"])
        elif groups.get("arg") is not None:
            number = int(groups["arg"]) + 1
        else:
            return refused.register(self.role) if isinstance(self.role, OperandRole) else self._found(refused)
        return number if number <= 10 else None

    def _found(self, refused: Refused) -> int | None:
        return None if self.role is None or isinstance(self.role, OperandRole) else self.role(refused)


def need(pattern: str, text: str | Sentence, role: OperandRole | Finder | None = None) -> RefusalKind:
    """A row of a table."""
    return RefusalKind(re.compile(pattern), text, role)
