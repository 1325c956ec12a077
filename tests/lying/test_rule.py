"""A rule that executions keep or break is broken only where a run breaks it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from conformance.kernel.jobs import KernelAnswer, Loaded
from conformance.properties.judgement import Abstention, Disagreement
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


@pytest.mark.parametrize(("release", "accused"), [("6.6.99", True), ("6.7.0", False), ("7.3.4", False)])
def test_without_mitigations_the_stack_may_be_read_anywhere(release: str, accused: bool) -> None:
    source = (
        "r2 = *(u32 *)(r1 +8)\nr2 &= 7\nr3 = r10\nr3 += r2\n*(u64 *)(r10 -8) = 0\nr0 = *(u8 *)(r3 -8)\nexit"
    )
    made = small.program(source, 3)
    made = replace(
        made,
        case=replace(made.case, capabilities=()),
        purpose=Purpose.NEAR_MISS,
        intent=Intent(rules.VARIABLE_STACK, 5),
    )
    seen = observe(made, KernelAnswer((Loaded(0, PROCESSED),)), release)
    (judgement,) = judged(seen, "rule")
    assert isinstance(judgement, Disagreement if accused else Abstention)
