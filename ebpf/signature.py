"""A signature: what makes two disagreements the same bug."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

from ebpf.helper_names import HELPER_NAMES
from ebpf.isa.insn import Insn
from ebpf.isa.table import IllegalInsn, form_of


class Sameness(Enum):
    """How much of two signatures must be equal for their disagreements to count as one bug."""

    WHOLE = "whole"
    ANY_CULPRIT = "any culprit"
    """The culprit is a guess that a smaller program may change."""
    ANY_PARTS = "any parts"
    """What was seen to be wrong is the solver's choice; the culprit is not."""


@dataclass(frozen=True, slots=True)
class Signature:
    """Printed as ``kind:part:…:culprit``.

    The path through the program is left out, and so are its register and slot numbers.
    """

    kind: str
    """The property that was violated."""
    parts: tuple[str, ...]
    """What is wrong: a rule, a bound, an engine."""
    culprit: str = ""
    """The form of the instruction to blame; empty where no single one is."""

    def __str__(self) -> str:
        return ":".join((self.kind, *self.parts, *([self.culprit] if self.culprit else [])))

    @property
    def family(self) -> str:
        """What signatures share that one bug can show as, at different instructions."""
        return ":".join((self.kind, *self.parts))

    def matches(self, other: Signature, sameness: Sameness) -> bool:
        """Whether both stand for one bug, as far as ``sameness`` asks."""
        match sameness:
            case Sameness.WHOLE:
                return self == other
            case Sameness.ANY_CULPRIT:
                return (self.kind, self.parts) == (other.kind, other.parts)
            case Sameness.ANY_PARTS:
                return (self.kind, self.culprit) == (other.kind, other.culprit)

    def with_culprit(self, culprit: str) -> Signature:
        """The same bug, once the instruction to blame is known."""
        return replace(self, culprit=culprit)


ILLEGAL = "illegal"


def form_name(insn: Insn) -> str:
    """How a culprit is named: by its instruction form and, where a helper is called, by the helper:
    ``call_helper(bpf_loop)``."""
    try:
        name = form_of(insn).name
    except IllegalInsn:
        return ILLEGAL
    helper = insn.imm if name == "call_helper" else 0
    return f"{name}(bpf_{HELPER_NAMES[helper]})" if 0 < helper < len(HELPER_NAMES) else name
