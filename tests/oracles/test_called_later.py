"""Functions that timers and work queues call later: what they do wrong both oracles say."""

from __future__ import annotations

import pytest

from conformance.observing.opinions import THOROUGH, opinion
from ebpf import rules
from ebpf.btf.functions import function_starts
from ebpf.isa import opcodes as o
from ebpf.isa.build import (
    R0,
    R1,
    R2,
    R3,
    R6,
    R10,
    add64,
    call,
    call_kfunc,
    call_local,
    leave,
    load,
    load_function,
    load_map_value,
    mov64,
    store,
)  # fmt: skip
from ebpf.isa.insn import Insn
from ebpf.maps import MapField, MapFieldKind, MapSpec, MapType
from ebpf.program import Case, Input, Program
from ebpf.program_types import ProgramType
from ebpf.rules import Rule
from generators.function_types import function_types
from oracles.interpreter import Returned, Trapped, run
from oracles.reference import ReferenceVerdict

SET, FIRST = 5, 8
"""The slot of the call, and that at which the function begins."""
CALLS = {MapFieldKind.TIMER: call("timer_set_callback"), MapFieldKind.WORKQUEUE: call_kfunc(0)}


def case(kind: MapFieldKind, *body: Insn, end: tuple[Insn, ...] = ()) -> Case:
    """A program that gives a value's field a function, does what ``end`` does, and returns 3."""
    value = MapSpec(MapType.ARRAY, 4, 32, 1, fields=(MapField(8, kind),))
    code = (
        *load_map_value(R1, 0, 8), *load_function(R2, 5 + len(end)), mov64(R3, 0), CALLS[kind], *end, mov64(R0, 3),
        leave(), *body,
    )  # fmt: skip
    btf, info = function_types(function_starts(code), objects=False)
    kfuncs = ((5, "bpf_wq_set_callback"),) if kind is MapFieldKind.WORKQUEUE else ()
    program = Program(ProgramType.SCHED_CLS, code, (value,), btf=btf, func_info=info, kfuncs=kfuncs)
    return Case(program, (Input(bytes(64)),))


GOOD: dict[str, tuple[Insn, ...]] = {
    "nothing": (mov64(R0, 0), leave()),
    "a word changes": (load(o.DW, R1, R3, 24), add64(R1, 1), store(o.DW, R3, 24, R1), mov64(R0, 0), leave()),
    "the key is read": (load(o.W, R6, R2, 0), mov64(R0, 0), leave()),
}
BAD: dict[str, tuple[Rule, int, tuple[Insn, ...]]] = {
    "a result": (rules.RETURN_RANGE, SET, (mov64(R0, 1), leave())),
    "no result": (rules.UNINITIALISED_REGISTER, SET, (leave(),)),
    "beyond the value": (rules.MAP_VALUE_BOUNDS, FIRST, (load(o.DW, R0, R3, 32), mov64(R0, 0), leave())),
    "the field": (rules.SPECIAL_FIELD, FIRST, (store(o.DW, R3, 8, 0), mov64(R0, 0), leave())),
    "the caller's registers": (rules.UNINITIALISED_REGISTER, FIRST, (mov64(R1, R6), mov64(R0, 0), leave())),
}


@pytest.mark.parametrize("kind", CALLS)
@pytest.mark.parametrize("name", GOOD)
def test_what_is_right_is_safe(kind: MapFieldKind, name: str) -> None:
    made = case(kind, *GOOD[name])
    outcome = run(made, made.inputs[0], limit=1000)
    assert isinstance(outcome, Returned)
    assert outcome.r0 == 3
    assert not outcome.predictable
    assert opinion(made, THOROUGH).verdict is ReferenceVerdict.SAFE


@pytest.mark.parametrize("name", BAD)
@pytest.mark.parametrize("kind", CALLS)
def test_what_is_wrong_is_found_in_the_function(kind: MapFieldKind, name: str) -> None:
    rule, at, body = BAD[name]
    made = case(kind, *body)
    outcome = run(made, made.inputs[0], limit=1000)
    assert isinstance(outcome, Trapped)
    assert (outcome.rule, outcome.at) == (rule, at)
    answer = opinion(made, THOROUGH)
    assert (answer.verdict, answer.rule, answer.at) == (ReferenceVerdict.UNSAFE, rule, at)


def _deep(bytes_: int) -> tuple[Insn, ...]:
    return (store(o.DW, R10, -bytes_, 0),)


def test_its_stack_is_its_own() -> None:
    """As deep as a function may be, whoever sets it (check_max_stack_depth_subprog, is_async_cb)."""
    deep = case(MapFieldKind.TIMER, *_deep(512), mov64(R0, 0), leave(), end=_deep(512))
    assert opinion(deep, THOROUGH).policy == ()


def test_what_it_calls_counts_for_its_stack() -> None:
    calls = (*_deep(256), call_local(1), leave(), *_deep(264), mov64(R0, 0), leave())
    answer = opinion(case(MapFieldKind.TIMER, *calls), THOROUGH)
    assert [broken.rule for broken in answer.policy] == [rules.STACK_DEPTH]
