"""What the tables of a corpus count."""

from __future__ import annotations

import pytest

from conformance.corpus.judging import CorpusSubject, answered, judge
from conformance.corpus.records import Measured
from conformance.corpus.table import tabulate
from ebpf.assembly.parser import assemble
from ebpf.program import Case, Input, Program
from ebpf.program_types import ProgramType


def subject(kind: ProgramType, text: str, *kernels: str, accepted: bool = True) -> CorpusSubject:
    case = Case(Program(kind, assemble(text.split("; ")).instructions), (Input(bytes(64)),))
    measured = tuple(Measured(kernel, True, accepted, 0, "", (0,), "", 2) for kernel in kernels)
    return CorpusSubject("one", "one", case, True, measured)


@pytest.mark.parametrize(
    ("kind", "text", "counts"),
    [
        (ProgramType.SOCKET_FILTER, "r0 = 0; exit", {"measured": 1, "right": 1}),
        (ProgramType.SOCKET_FILTER, "r0 = 5; exit", {"measured": 1, "right": 0}),
        (ProgramType.TRACING, "r0 = 5; exit", {"measured": 0, "right": 0}),
    ],
)
def test_a_test_run_of_what_is_attached_returns_nothing_of_it(
    kind: ProgramType, text: str, counts: dict[str, int]
) -> None:
    returns = tabulate([judge(subject(kind, text, "6.12"))])["privileged"]["returns"]
    assert {name: returns[name] for name in counts} == counts
    assert len(returns["wrong"]) == counts["measured"] - counts["right"]


@pytest.mark.parametrize(
    ("kernels", "expected"), [(("6.1",), True), (("6.12",), False), (("6.1", "6.12"), False), ((), False)]
)
def test_a_rule_answers_for_the_kernels_that_it_binds(kernels: tuple[str, ...], expected: bool) -> None:
    # may_goto came with 6.9; what a task holds is not modelled.
    text = "may_goto pc+0; call bpf_get_current_task_btf#158; r0 = *(u32 *)(r0 +0); r0 = 0; exit"
    judged = judge(subject(ProgramType.SOCKET_FILTER, text, *kernels, accepted=False))
    assert answered(judged) is expected
