"""A rule that executions keep or break is broken only where a run breaks it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from conformance.kernel.jobs import KernelAnswer, Loaded
from conformance.observing.observation import Observation
from conformance.properties import rule
from conformance.properties.judgement import Abstention, Disagreement
from conformance.properties.rule import SPECULATED
from ebpf import rules
from ebpf.intent import Intent
from generators.programs import Generated, Purpose
from tests.lying import small
from tests.lying.asking import observe
from tests.lying.lies import PROCESSED
from tests.lying.test_honest import judged

BY_PATH = """
    {input}
    r7 = map[0][0]+0
    r8 = 96
    if r1 s> 160 goto pc+1
    r8 = 0
    r7 += r8
    r0 = *(u8 *)(r7 +0)
    r0 = 0
    exit
"""
"""Out of the map's value where R1 is large: a near miss of that shape, with a byte of the stack that the
kernel knew, accused stock 6.12."""
KNOWN = "*(u64 *)(r10 -8) = 47\nr1 = *(u8 *)(r10 -8)"
UNKNOWN = "r1 = *(u32 *)(r1 +8)"


def near_miss(source: str, *marks: int) -> Generated:
    made = small.program(source, *marks, maps=(small.OUT,))
    at = len(made.case.program.instructions) - 3
    return replace(made, purpose=Purpose.NEAR_MISS, intent=Intent(rules.MAP_VALUE_BOUNDS, at))


@pytest.mark.parametrize(
    ("source", "marks", "accused"),
    [(KNOWN, (0, 200), False), (UNKNOWN, (0, 160), False), (UNKNOWN, (0, 161), True)],
)
def test_a_run_on_the_harmless_path_breaks_nothing(
    source: str, marks: tuple[int, ...], accused: bool
) -> None:
    seen = observe(near_miss(BY_PATH.format(input=source), *marks), KernelAnswer((Loaded(0, PROCESSED),)))
    (judgement,) = judged(seen, "rule")
    if accused:
        assert isinstance(judgement, Disagreement)
        assert (judgement.input, str(judgement.signature)) == (1, "rule:map-value-bounds:ldx8")
    else:
        assert judgement == Abstention("no run breaks the rule")


DEEP = """
    {input}
    *(u64 *)(r10 -72) = 0
    if r1 > 0x3c goto pc+1
    call pc+2
    r0 = 0
    exit
    *(u64 *)(r10 -512) = 0
    r0 = 0
    exit
"""
"""Of 7.3 the depth of a frame that the walk never enters was asked: a branch that the kernel rightly decides
leads around the call."""


@pytest.mark.parametrize(("source", "accused"), [("r1 = 61", False), (UNKNOWN, True)])
def test_a_frame_that_nothing_enters_is_not_too_deep(source: str, accused: bool) -> None:
    made = small.program(DEEP.format(input=source), 60)
    made = replace(made, purpose=Purpose.NEAR_MISS, intent=Intent(rules.STACK_DEPTH, 3))
    (judgement,) = judged(observe(made, KernelAnswer((Loaded(0, PROCESSED),))), "rule")
    assert (
        isinstance(judgement, Disagreement) if accused else judgement == Abstention("no run breaks the rule")
    )


VARIABLE_STACK = """
    *(u64 *)(r10 -8) = 0
    r0 = *(u32 *)(r1 +8)
    r0 &= 7
    r2 = r10
    r2 += -8
    r2 += r0
    r0 = *(u8 *)(r2 +0)
    r0 = 0
    exit
"""


@pytest.mark.parametrize(
    ("log", "accused"),
    [(f"from 2 to 4 {SPECULATED}: R0=scalar()\n{PROCESSED}", True), (PROCESSED, False), ("", False)],
)
def test_a_rule_against_speculation_binds_only_kernels_that_fear_it(log: str, accused: bool) -> None:
    """A kernel built without CPU mitigations rightly accepts a variable stack offset without privilege."""
    made = small.program(VARIABLE_STACK, 0, 3)
    made = replace(
        made,
        purpose=Purpose.NEAR_MISS,
        intent=Intent(rules.VARIABLE_STACK, 6),
        case=replace(made.case, capabilities=()),
    )
    seen = observe(made, KernelAnswer((Loaded(0, PROCESSED),)))
    (question,) = rule.variants(seen)
    assert question.case.capabilities == ()
    assert question.case.program.instructions == rule.DECIDED
    answered = Observation(question, KernelAnswer((Loaded(0, log),)), seen.release)
    seen = seen.with_variants(rule.KIND, (answered,))
    assert rule.variants(seen) == []
    (judgement,) = rule.judge(seen)
    if accused:
        assert isinstance(judgement, Disagreement)
        assert str(judgement.signature) == "rule:variable-stack:ldx8"
    else:
        assert judgement == Abstention(rule.NO_MEASURES)


TOO_DEEP = """
    r0 = *(u32 *)(r1 +8)
    if r0 != 7 goto pc+2
    *(u64 *)(r10 -512) = r0
    call pc+1
    exit
    *(u64 *)(r10 -512) = 7
    r0 = 0
    exit
"""


@pytest.mark.parametrize(("mark", "accused"), [(0, False), (7, True)])
def test_stack_that_no_walk_comes_by_is_not_counted(mark: int, accused: bool) -> None:
    """In dead code, such a near miss accused 7.3."""
    made = small.program(TOO_DEEP, mark)
    made = replace(made, purpose=Purpose.NEAR_MISS, intent=Intent(rules.STACK_DEPTH, 3))
    (judgement,) = judged(observe(made, KernelAnswer((Loaded(0, PROCESSED),))), "rule")
    assert isinstance(judgement, Disagreement if accused else Abstention)


MIXED = """
    r2 = r1
    {input}
    if r0 > 0x40 goto pc+2
    r2 = r10
    r2 += -100
    r0 = *(u32 *)(r2 +8)
    r0 = 0
    exit
"""


@pytest.mark.parametrize(("source", "accused"), [("r0 = 99", False), ("r0 = *(u32 *)(r1 +8)", True)])
def test_memory_is_mixed_where_runs_come_by_two_ways(source: str, accused: bool) -> None:
    """A branch that 6.12 rightly decides left one kind of memory, and was accused."""
    made = small.program(MIXED.format(input=source), 0, 99)
    made = replace(made, purpose=Purpose.NEAR_MISS, intent=Intent(rules.MIXED_POINTERS, 5))
    (judgement,) = judged(observe(made, KernelAnswer((Loaded(0, PROCESSED),))), "rule")
    assert isinstance(judgement, Disagreement if accused else Abstention)
