"""Which instruction a message means that names none: of what kernels check before they walk
(add_subprog_and_kfunc, check_subprogs, resolve_pseudo_ldimm64; kernel/bpf/verifier.c, Linux 6.1 to 7.3).

Nothing is said where more than one instruction could be meant.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ebpf.isa import opcodes as o
from ebpf.isa.insn import Insn

WIDE = o.LD | o.IMM | o.DW
CALL = o.JMP | o.CALL
U32 = 0xFFFF_FFFF


@dataclass(frozen=True, slots=True)
class FormMessage:
    """A message, and whether it can mean the instruction at a slot."""

    pattern: re.Pattern[str]
    means: Callable[[re.Match[str], tuple[Insn, ...], int], bool]


def _opcode(match: re.Match[str], code: tuple[Insn, ...], at: int) -> bool:
    return code[at].opcode == int(match[1], 16)


def _wide(match: re.Match[str], code: tuple[Insn, ...], at: int) -> bool:
    return code[at].opcode == WIDE


def _map(match: re.Match[str], code: tuple[Insn, ...], at: int) -> bool:
    return code[at].opcode == WIDE and code[at].src != 0


def _value(match: re.Match[str], code: tuple[Insn, ...], at: int) -> bool:
    direct = code[at].opcode == WIDE and code[at].src in (o.PSEUDO_MAP_VALUE, o.PSEUDO_MAP_IDX_VALUE)
    return direct and at + 1 < len(code) and code[at + 1].imm & U32 == int(match[1])


def _register(match: re.Match[str], code: tuple[Insn, ...], at: int) -> bool:
    return int(match[1]) in (code[at].dst, code[at].src)


def _of_class(match: re.Match[str], code: tuple[Insn, ...], at: int) -> bool:
    name, insn = match[1], code[at]
    return _FAMILIES[name](insn)


_FAMILIES: dict[str, Callable[[Insn], bool]] = {
    "CALL": lambda insn: insn.opcode == CALL,
    "EXIT": lambda insn: insn.opcode == o.JMP | o.EXIT,
    "LDX": lambda insn: insn.opcode & o.CLASS_MASK == o.LDX,
    "STX": lambda insn: insn.opcode & o.CLASS_MASK == o.STX,
    "ST": lambda insn: insn.opcode & o.CLASS_MASK == o.ST,
    "MOV": lambda insn: insn.opcode & o.CLASS_MASK in (o.ALU, o.ALU64) and insn.opcode & o.OP_MASK == o.MOV,
    "LD_IMM64": lambda insn: insn.opcode == WIDE,
}


def _call_out(match: re.Match[str], code: tuple[Insn, ...], at: int) -> bool:
    insn = code[at]
    return insn.opcode == CALL and insn.src == o.CALL_LOCAL and not 0 <= at + 1 + insn.imm < len(code)


def _last(match: re.Match[str], code: tuple[Insn, ...], at: int) -> bool:
    """Each function's last one is looked at: only where there is one function is it known which."""
    return at == len(code) - 1 and not any(map(_names_function, code))


def _names_function(insn: Insn) -> bool:
    return (insn.opcode, insn.src) in ((CALL, o.CALL_LOCAL), (WIDE, o.PSEUDO_FUNC))


MESSAGES = (
    FormMessage(re.compile(r"unknown opcode ([0-9a-f]{2})$"), _opcode),
    FormMessage(re.compile("(?:invalid|unrecognized) bpf_ld_imm64 insn"), _wide),
    FormMessage(re.compile(r"fd -?\d+ is not pointing to valid bpf_map"), _map),
    FormMessage(re.compile(r"direct value offset of (\d+) is not allowed"), _value),
    FormMessage(re.compile(r"invalid access to map value pointer, value_size=\d+ off=(\d+)"), _value),
    FormMessage(re.compile(r"R(\d+) is invalid$"), _register),
    FormMessage(re.compile(f"BPF_({'|'.join(_FAMILIES)}) uses reserved fields"), _of_class),
    FormMessage(re.compile("call to invalid destination"), _call_out),
    FormMessage(re.compile("last insn is not an exit or jmp"), _last),
)


def find_instruction(message: str, code: tuple[Insn, ...]) -> int | None:
    """The one slot that the message can mean; None where there is none, or more than one."""
    for row in MESSAGES:
        match = row.pattern.match(message)
        if match is not None:
            meant = [at for at in _slots(code) if row.means(match, code, at)]
            return meant[0] if len(meant) == 1 else None
    return None


def _slots(code: tuple[Insn, ...]) -> Iterator[int]:
    """All but the second slots of 64-bit immediates; the last one always."""
    second = False
    for at, insn in enumerate(code):
        if not second or at == len(code) - 1:
            yield at
        second = not second and insn.opcode == WIDE
