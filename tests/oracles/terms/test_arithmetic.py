"""The reference verifier's arithmetic against the interpreter's: two readings of RFC 9669 that share
nothing."""

from __future__ import annotations

import random

import pytest
import z3

from ebpf.byte_order import ByteOrder
from ebpf.isa import opcodes as o
from ebpf.isa.forms import Form, Free
from ebpf.isa.insn import Insn
from ebpf.isa.table import FORMS
from ebpf.program import Case, Program
from ebpf.program_types import ProgramType
from oracles.interpreter import Returned, run
from oracles.interpreter.runs import STEP_LIMIT
from oracles.terms.arithmetic import compare, compute
from oracles.terms.term import name_of

EDGES = (
    0, 1, 2, 7, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF, 1 << 32,
    (1 << 32) + 1,
    0xDEAD_BEEF_8000_0000, 0x7FFF_FFFF_FFFF_FFFF, 1 << 63, (1 << 64) - 1,
)  # fmt: skip
ROUNDS = 40
ALU = [
    form
    for form in FORMS
    if form.opcode & 7 in (o.ALU, o.ALU64) and not form.name.startswith("addr_space_cast")
]
JUMPS = [
    form
    for form in FORMS
    if form.opcode & 7 in (o.JMP, o.JMP32) and form.name[0] == "j" and form.name != "ja"
]


def _operands(form: Form) -> list[tuple[int, int, Insn]]:
    rng = random.Random(form.name)
    rows = []
    for n in range(ROUNDS):
        d, s = (rng.choice(EDGES) if n % 4 else rng.getrandbits(64) for _ in range(2))
        imm = rng.choice(EDGES) & 0xFFFF_FFFF
        imm = imm - (1 << 32) if imm >> 31 else imm
        if isinstance(form.imm, tuple):
            imm = form.imm[0]
        elif form.name.startswith(("lsh", "rsh", "arsh")):
            imm &= 63 if form.opcode & 7 == o.ALU64 else 31
        elif form.name.startswith(("div", "mod", "sdiv", "smod")):
            imm = imm or 1
        source = 2 if form.src is Free.REGISTER else 0
        rows.append(
            (
                d,
                s,
                Insn(
                    form.opcode,
                    1,
                    source,
                    form.off[0] if isinstance(form.off, tuple) else 1,
                    imm if form.imm else 0,
                ),
            )
        )
    return rows


def _load(register: int, value: int) -> tuple[Insn, Insn]:
    low, high = (half - (1 << 32) if half >> 31 else half for half in (value & 0xFFFF_FFFF, value >> 32))
    return Insn(o.LD_IMM64, register, imm=low), Insn(0, imm=high)


def _interpreted(d: int, s: int, *tail: Insn) -> int:
    insns = (*_load(1, d), *_load(2, s), *tail)
    case = Case(Program(ProgramType.SOCKET_FILTER, insns))
    outcome = run(case, case.inputs[0], limit=STEP_LIMIT)
    assert isinstance(outcome, Returned), outcome
    return outcome.r0


def _fixed(term: object, d: int, s: int) -> int | bool:
    """A symbolic result with the operands put in."""
    if isinstance(term, bool | int):
        return term
    x, y = z3.BitVecs("x y", 64)
    value = z3.simplify(z3.substitute(term, (x, z3.BitVecVal(d, 64)), (y, z3.BitVecVal(s, 64))))
    return bool(z3.is_true(value)) if z3.is_bool(value) else int(value.as_long())


@pytest.mark.parametrize("form", ALU, ids=lambda form: form.name)
def test_an_operation_on_numbers_and_on_symbols(form: Form) -> None:
    x, y = z3.BitVecs("x y", 64)
    for d, s, insn in _operands(form):
        expected = _interpreted(d, s, insn, Insn(o.MOV | o.X | o.ALU64, 0, 1), Insn(o.EXIT | o.JMP))
        assert compute(insn, d, s, ByteOrder.LITTLE) == expected, (hex(d), hex(s), insn)
        assert _fixed(compute(insn, x, y, ByteOrder.LITTLE), d, s) == expected, (hex(d), hex(s), insn)
        assert _fixed(compute(insn, x, s, ByteOrder.LITTLE), d, s) == expected
        assert _fixed(compute(insn, d, y, ByteOrder.LITTLE), d, s) == expected


@pytest.mark.parametrize("form", JUMPS, ids=lambda form: form.name)
def test_a_condition_on_numbers_and_on_symbols(form: Form) -> None:
    x, y = z3.BitVecs("x y", 64)
    one, exit_ = Insn(o.MOV | o.K | o.ALU64, 0, imm=1), Insn(o.EXIT | o.JMP)
    for d, s, insn in _operands(form):
        jump = Insn(insn.opcode, 1, insn.src, 1, insn.imm)
        taken = not _interpreted(d, s, Insn(o.MOV | o.K | o.ALU64, 0), jump, one, exit_)
        assert _fixed(compare(jump, d, s), d, s) is taken
        assert _fixed(compare(jump, x, y), d, s) is taken
        assert _fixed(compare(jump, x, s), d, s) is taken


def test_two_terms_that_differ_deep_down_have_two_names() -> None:
    # str() of a Z3 expression leaves out what lies deep: two keys of one map were taken for one.
    x = z3.BitVec("x", 64)
    one, other = x + 1, x + 2
    for _ in range(40):
        one, other = (one ^ x) * 3, (other ^ x) * 3
    assert str(one) == str(other)
    assert name_of(one) != name_of(other)
    assert (name_of(5), name_of(x)) == ("5", "x")
