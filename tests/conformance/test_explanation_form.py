"""What kernels check before they walk names no instruction: the one that can be meant is found."""

from __future__ import annotations

import pytest

from conformance.checking.explanation.form import find_instruction
from ebpf.assembly import parse
from ebpf.isa.insn import Insn

LEAVE = (Insn(0xB7), Insn(0x95))
WIDE, VALUE = Insn(0x18, 1, 1), Insn(0x18, 1, 2)


@pytest.mark.parametrize(
    ("message", "code", "at"),
    [
        ("unknown opcode ff", (Insn(0xB7), Insn(0xFF), Insn(0x95)), 1),
        ("unknown opcode ff", (Insn(0xFF), Insn(0xFF), Insn(0x95)), None),
        ("unknown opcode 00", (VALUE, Insn(0), Insn(0), Insn(0x95)), 2),
        ("unrecognized bpf_ld_imm64 insn", (WIDE, Insn(0, imm=47), *LEAVE), 0),
        ("invalid bpf_ld_imm64 insn", (*LEAVE, WIDE), 2),
        ("fd 7 is not pointing to valid bpf_map", (Insn(0x18, 2), Insn(0), WIDE, Insn(0), *LEAVE), 2),
        ("fd 7 is not pointing to valid bpf_map", (WIDE, Insn(0), WIDE, Insn(0), *LEAVE), None),
        ("direct value offset of 4294967295 is not allowed", (VALUE, Insn(0, imm=-1), *LEAVE), 0),
        (
            "invalid access to map value pointer, value_size=48 off=49",
            (VALUE, Insn(0, imm=48), VALUE, Insn(0, imm=49), *LEAVE),
            2,
        ),
        ("R12 is invalid", (Insn(0xB7), Insn(0x71, 0, 12), Insn(0x95)), 1),
        ("BPF_CALL uses reserved fields", (Insn(0x85, off=1), Insn(0x95)), 0),
        ("BPF_LDX uses reserved fields", (Insn(0x71, 0, 1), Insn(0x01), Insn(0x95)), None),
        ("invalid kernel function call not eliminated in verifier pass", (Insn(0x85, 0, 2), *LEAVE), None),
        ("call to invalid destination", (Insn(0x85, 0, 1, imm=1), *LEAVE, Insn(0x85, 0, 1, imm=-9)), 3),
        ("last insn is not an exit or jmp", tuple(parse(["r0 = 0", "exit", "r0 = 1"])), 2),
        ("last insn is not an exit or jmp", (Insn(0x85, 0, 1, imm=1), Insn(0x95), Insn(0xB7)), None),
        ("combined stack size of 2 calls is 608. Too large", LEAVE, None),
    ],
)
def test_the_one_that_can_be_meant(message: str, code: tuple[Insn, ...], at: int | None) -> None:
    assert find_instruction(message, code) == at
