"""The side of a dead branch that does harm is never reached."""

from __future__ import annotations

from collections import Counter

from conformance.observing.opinions import THOROUGH, opinion
from ebpf.isa import opcodes as o
from generators.profiles import Profile
from oracles.interpreter import Returned, run
from oracles.interpreter.runs import STEP_LIMIT
from oracles.reference import ReferenceVerdict
from tests.generators.dead_branches import dead_branches

CASES = tuple(dead_branches(150, Profile(linux=(7, 3))))


def test_every_input_returns_and_every_program_is_safe() -> None:
    for case in CASES:
        for data in case.inputs:
            assert isinstance(run(case, data, limit=STEP_LIMIT), Returned), case.program
        assert opinion(case, THOROUGH).verdict is ReferenceVerdict.SAFE, case.program


def test_the_harm_is_there() -> None:
    """A number is used as an address: whoever walks there refuses the program."""
    for case in CASES:
        (harm,) = [i for i in case.program.instructions if i.opcode == o.LDX | o.MEM | o.B]
        assert harm.dst == harm.src != 1


def test_branches_are_of_many_kinds() -> None:
    """All comparisons, in both widths, on a number that was tested and masked."""
    used = Counter(insn.opcode for case in CASES for insn in case.program.instructions)
    comparisons = (
        o.JEQ, o.JNE, o.JGT, o.JGE, o.JLT, o.JLE, o.JSGT, o.JSGE, o.JSLT, o.JSLE, o.JSET,
    )  # fmt: skip
    assert sum(used[op | o.K | o.JMP] > 0 for op in comparisons) >= 10, used
    assert sum(used[op | o.K | o.JMP32] > 0 for op in comparisons) >= 8, used
    assert used[o.OR | o.K | o.ALU64] > 30 < used[o.AND | o.K | o.ALU64]
