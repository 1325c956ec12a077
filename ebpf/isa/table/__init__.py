"""Every instruction form Linux and RFC 9669 know, as one table.  ``form_of`` finds an instruction's row."""

from __future__ import annotations

from collections import defaultdict
from functools import lru_cache

from ebpf.errors import InputError
from ebpf.isa.forms import Form
from ebpf.isa.insn import Insn
from ebpf.isa.table import alu, atomic, jump, memory

FORMS: tuple[Form, ...] = (*alu.FORMS, *jump.FORMS, *memory.FORMS, *atomic.FORMS)

_by_opcode: dict[int, list[Form]] = defaultdict(list)
for _form in FORMS:
    _by_opcode[_form.opcode].append(_form)


class IllegalInsn(InputError):
    """An instruction that no form allows; ``field`` names the offending field (``opcode``, ``dst``, ``src``,
    ``off``, ``imm``)."""

    def __init__(self, insn: Insn, field: str, at: int | None = None) -> None:
        place = f"instruction {at}: " if at is not None else ""
        value = getattr(insn, field)
        shown = f"0x{value:02x}" if field == "opcode" else str(value)
        what = (
            "unknown opcode" if field == "opcode" else f"{field} not allowed with opcode 0x{insn.opcode:02x}:"
        )
        super().__init__(f"{place}{what} {shown}")
        self.field = field


@lru_cache(maxsize=1 << 15)
def _find(insn: Insn) -> Form | str:
    misfit = "opcode"
    furthest = -1
    for form in _by_opcode.get(insn.opcode, ()):
        field = form.misfit(insn)
        if field is None:
            return form
        depth = ("dst", "src", "off", "imm").index(field)
        if depth > furthest:
            misfit, furthest = field, depth
    return misfit


def form_of(insn: Insn, at: int | None = None) -> Form:
    """The row of ``insn``.  Raises :class:`IllegalInsn` (with ``at``, the instruction number, in its
    message)."""
    found = _find(insn)
    if isinstance(found, str):
        raise IllegalInsn(insn, found, at)
    return found
