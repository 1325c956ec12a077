"""A probe per instruction: the smallest program that holds it, and the refusals that say whether the kernel
knows it."""

from __future__ import annotations

import re

from conformance.kernel.features.answers import is_probed
from ebpf.isa import opcodes as o
from ebpf.isa.forms import Form, Free
from ebpf.isa.insn import Insn
from ebpf.isa.table import FORMS
from ebpf.maps import MapSpec, MapType
from ebpf.program import Program
from ebpf.program_types import ProgramType

UNKNOWN_TO_KERNEL = re.compile(
    r"unknown opcode|.*uses reserved fields|.*uses invalid (?:atomic )?opcode|(?:unrecognized|invalid) "
    r"bpf_ld_imm64 insn"
    r"|BPF_\w+ uses unsupported|.*instruction is not supported"
)
"""What the verifier says of an instruction it does not have (kernel/bpf/verifier.c, 5.10 to 7.3)."""

KNOWN_BUT = {
    "addr_space_cast_0_1": r"addr_space_cast insn can only be used in a program that has an associated arena",
    "addr_space_cast_1_0": r"addr_space_cast insn can only be used in a program that has an associated arena",
    "gotox": r"R\d+ has type .*expected PTR_TO_INSN|.*jump tables? ",
    "call_kfunc": r"kernel btf_id|calling kernel function|kernel function|.*BTF",
    "ld_btf_id": r"ldimm64 insn specifies|pseudo btf_id|.*BTF",
    "ld_func": r"missing btf func_info|.*callback|.*func_info",
}
"""Refusals of a lone instruction that only a kernel which has it gives."""

_EXIT = (Insn(o.ALU64 | o.MOV), Insn(o.JMP | o.EXIT))
_SETUP = (
    Insn(o.ALU64 | o.MOV, 0, imm=1),
    Insn(o.ALU64 | o.MOV, 1, imm=1),
    Insn(o.ST | o.MEM | o.DW, 10, off=-8),
)


def probed_forms() -> tuple[Form, ...]:
    """The instructions some kernel we meet may lack."""
    return tuple([form for form in FORMS if is_probed(form)])


def program_with(form: Form) -> Program:
    """The instruction between a setup that gives it defined operands and an exit: r0 = r1 = 1, eight bytes of
    stack are 0."""
    memory = form.opcode & o.CLASS_MASK in (o.LDX, o.STX)
    dst = 0 if form.dst is Free.REGISTER else _value(form.dst)
    src = 1 if form.src is Free.REGISTER else _value(form.src)
    if form.opcode & o.CLASS_MASK == o.STX:
        dst = 10
        if form.name.startswith("load_acquire"):
            dst, src = 0, 10
    elif form.opcode & o.CLASS_MASK == o.LDX:
        src = 10
    off = -8 if memory and form.off is Free.OFFSET else _value(form.off)
    imm = _value(form.imm)
    insn = Insn(form.opcode, dst, src, off, imm)
    body: tuple[Insn, ...] = (insn, Insn(0)) if form.slots == 2 else (insn,)
    if form.name == "call_local":
        return Program(
            ProgramType.SOCKET_FILTER, (Insn(o.JMP | o.CALL, 0, 1, 0, 1), Insn(o.JMP | o.EXIT), *_EXIT)
        )
    if form.name == "ld_func":
        return Program(
            ProgramType.SOCKET_FILTER, (Insn(insn.opcode, 1, o.PSEUDO_FUNC, 0, 3), Insn(0), *_EXIT, *_EXIT)
        )
    if form.name in ("ld_map_idx", "ld_map_idx_value"):
        body = (Insn(insn.opcode, src=insn.src), Insn(0))  # of the only map
    if form.name == "may_goto":
        body = (Insn(insn.opcode, off=1),)  # of 0 is refused by those that have it
    if form.name == "call_kfunc":
        body = (Insn(insn.opcode, 0, o.CALL_KFUNC, 0, 1),)
    maps = (MapSpec(MapType.ARRAY, 4, 8, 1),)
    return Program(ProgramType.SOCKET_FILTER, (*_SETUP, *body, *_EXIT), maps)


def _value(field: Free | tuple[int, ...]) -> int:
    """The one value allowed; for a free field a harmless one: 1 to compute with, 0 to jump."""
    if isinstance(field, tuple):
        return field[0]
    return 1 if field in (Free.VALUE, Free.HEX) else 0
