"""A form: one row of the instruction table, that is one opcode with what its other fields may hold and how it
is written."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from ebpf.isa.insn import Insn
from ebpf.isa.opcodes import REGISTERS


class Group(Enum):
    """Conformance groups of RFC 9669 section 2.4, and KERNEL for what Linux has beyond the RFC."""

    BASE32 = "base32"
    BASE64 = "base64"
    DIVMUL32 = "divmul32"
    DIVMUL64 = "divmul64"
    ATOMIC32 = "atomic32"
    ATOMIC64 = "atomic64"
    PACKET = "packet"
    KERNEL = "kernel"


class Free(Enum):
    """A field that may hold anything, and what it then means."""

    REGISTER = "register"
    OFFSET = "byte offset"
    JUMP = "jump distance in slots"
    VALUE = "number"
    HEX = "number, written in hexadecimal"


Field = Free | tuple[int, ...]
"""Free, or the few values allowed; ``ZERO`` for a reserved field."""

ZERO: tuple[int, ...] = (0,)


@dataclass(frozen=True, slots=True)
class Form:
    """A row.

    ``kernel`` and ``llvm`` are templates of the two text dialects, in which {dst} {src} {off} {imm} stand for
    fields, {off} with its sign.  That R10 is never written is the verifier's rule, not the form's.  ``cpu``
    is the first LLVM -mcpu version that emits it (0: none does), ``since`` the first Linux that knows it.
    """

    name: str
    opcode: int
    group: Group
    kernel: str
    llvm: str
    dst: Field = ZERO
    src: Field = ZERO
    off: Field = ZERO
    imm: Field = ZERO
    cpu: int = 1
    since: str = "3.18"
    slots: int = 1
    aliases: tuple[str, ...] = field(default=())

    def misfit(self, insn: Insn) -> str | None:
        """The name of the first field of ``insn`` that this form does not allow, or None when it fits."""
        for name in ("dst", "src", "off", "imm"):
            allowed: Field = getattr(self, name)
            value: int = getattr(insn, name)
            if isinstance(allowed, tuple):
                if value not in allowed:
                    return name
            elif allowed is Free.REGISTER and value >= REGISTERS:
                return name
        return None

    def reserved(self) -> tuple[str, ...]:
        """Names of the fields that must be zero."""
        return tuple(name for name in ("dst", "src", "off", "imm") if getattr(self, name) == ZERO)
