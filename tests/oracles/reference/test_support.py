"""The support matrix: what it says is so, and what the documents show is what it says."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance.observing.opinions import THOROUGH
from ebpf.isa import opcodes as o
from ebpf.isa.forms import Form, Free
from ebpf.isa.insn import Insn
from ebpf.isa.table import FORMS
from ebpf.maps import MapSpec, MapType
from ebpf.program import Case, Program
from ebpf.program_types import ProgramType
from oracles.reference import explore
from oracles.reference.support import UNMODELLED_FORMS, matrix

PAGE = Path(__file__).parents[3] / "docs" / "reference-verifier.md"
FEATURES = (
    "arenas", "indirect jumps", "kernel functions", "64-bit immediates of kind", "the program's form",
    "a direct value",
)  # fmt: skip


def _program(form: Form) -> Case:
    """The form, with registers that suit it, and an exit."""

    def field(name: str, usual: int) -> int:
        allowed = getattr(form, name)
        return allowed[0] if isinstance(allowed, tuple) else usual if isinstance(allowed, Free) else 0

    memory = form.opcode & 7 in (o.LDX, o.ST, o.STX)
    insn = Insn(
        form.opcode,
        field("dst", 10 if form.opcode & 7 in (o.ST, o.STX) else 2),
        field("src", 10 if memory else 3),
        field("off", -8 if memory else 0),
        field("imm", 1 if form.opcode & 7 in (o.ALU, o.ALU64) else 0),
    )
    if form.name.startswith(("stx", "atomic", "store_release")):
        insn = Insn(insn.opcode, 10, 3, insn.off, insn.imm)
    if form.name in ("call_local", "ld_func"):
        insn = Insn(insn.opcode, insn.dst, insn.src, 0, 1 + form.slots)  # the second of the two ends
    setup = [Insn(o.MOV | o.K | o.ALU64, register, imm=register) for register in (0, 2, 3)]
    setup += [Insn(o.ST | o.MEM | o.DW, 10, 0, -8, 1), Insn(o.MOV | o.X | o.ALU64, 6, 1)]
    tail = [Insn(0)] if form.slots == 2 else []
    end = [Insn(o.MOV | o.K | o.ALU64, 0), Insn(o.EXIT | o.JMP)] * 2
    return Case(
        Program(ProgramType.SCHED_CLS, (*setup, insn, *tail, *end), (MapSpec(MapType.ARRAY, 4, 8, 1),))
    )


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.name)
def test_forms(form: Form) -> None:
    answer = explore(_program(form), lambda case, rule, at: False, THOROUGH).answer
    unmodelled = any(feature in answer.reason for feature in FEATURES)
    assert unmodelled is (form.name in UNMODELLED_FORMS), answer


def test_the_page_shows_the_matrix() -> None:
    assert "\n".join(matrix()) in PAGE.read_text(), "python -m oracles.reference.support prints it anew"
