"""The small parts: terms folded and symbolic alike, spans of kernels, budgets, the stack's bytes, the state's
copies."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from dataclasses import replace

import pytest
import z3

from conformance.observing.opinions import THOROUGH, linux, opinion, replays
from ebpf.assembly import parse
from ebpf.byte_order import ByteOrder
from ebpf.maps import MapSpec, MapType
from ebpf.program import Case, Program
from ebpf.program_types import ProgramType
from ebpf.rules import NULL_CHECK
from oracles.reference import Broken, Budget, ReferenceAnswer, ReferenceVerdict, explore
from oracles.reference.answer import Cost, spans
from oracles.reference.events import Chance
from oracles.reference.explorer import Explorer
from oracles.reference.facts import facts_of
from oracles.reference.ledger import Ledger
from oracles.reference.state import Loop, SymbolicFrame, SymbolicState
from oracles.reference.values import UNDEFINED, FrameStack, Null, RegionKind, SymbolicPointer, SymbolicRegion
from oracles.reference.verify import final_states, start
from oracles.terms import term as terms
from oracles.terms.assumptions import Assumed
from oracles.terms.solver import EFFORT, Feasible, Solver
from oracles.terms.term import Condition, Term

Function = Callable[..., Term]
MAP = MapSpec(MapType.ARRAY, 4, 8, 1)
NUMBERS = (0, 1, 2, 7, 8, 0x7F, 0x80, 0xFE, 0xFF)
BINARY: dict[str, Function] = {"add": terms.add, "subtract": terms.subtract}
PARTS: dict[str, Function] = {
    "extract low": lambda a: terms.extract(a, 3, 0), "extract high": lambda a: terms.extract(a, 7, 1),
    "extract middle": lambda a: terms.extract(a, 5, 2),
    "extract all": lambda a: terms.extract(a, 7, 0), "zero_extend": lambda a: terms.zero_extend(a, 8, 16),
    "sign_extend": lambda a: terms.sign_extend(a, 8, 16), "negate": lambda a: terms.negate(a, 8),
    "extract of an extension": lambda a: terms.extract(terms.zero_extend(a, 8, 16), 6, 1),
    "extract one bit across": lambda a: terms.extract(terms.concat([0x12, a, 0x34]), 16, 9),
    "extract across an extension": lambda a: terms.extract(terms.zero_extend(a, 8, 16), 8, 1),
    "extract of an extract": lambda a: terms.extract(terms.extract(a, 6, 1), 3, 2),
    "extract of a concatenation": lambda a: terms.extract(terms.concat([0x12, a, 0x34]), 13, 9),
    "extract of its constant": lambda a: terms.extract(terms.concat([0x12, a, 0x34]), 21, 17),
    "extract across": lambda a: terms.extract(terms.concat([0x12, a, 0x34]), 17, 4),
    "add twice": lambda a: terms.add(terms.add(a, 3, 8), 250, 8),
    "add and back": lambda a: terms.add(terms.add(a, 3, 8), 253, 8),
}  # fmt: skip


def value(term: Term, **known: int) -> int:
    """The number that a term stands for."""
    if isinstance(term, int):
        return term
    substitutes = [(z3.BitVec(name, 8), z3.BitVecVal(number, 8)) for name, number in known.items()]
    return int(z3.simplify(z3.substitute(term, *substitutes)).as_long())


def holds(condition: Condition, **known: int) -> bool:
    return bool(value(terms.choose(condition, 1, 0, 8), **known))


@pytest.mark.parametrize("name", BINARY)
def test_numbers_and_terms_agree(name: str) -> None:
    a, b = z3.BitVec("a", 8), z3.BitVec("b", 8)
    for x, y in itertools.product(NUMBERS, NUMBERS):
        expected = (x + y if name == "add" else x - y) & 0xFF
        for left, right in ((x, y), (a, y), (x, b), (a, b)):
            assert value(BINARY[name](left, right, 8), a=x, b=y) == expected


@pytest.mark.parametrize("name", PARTS)
def test_parts_of_numbers_and_terms_agree(name: str) -> None:
    for x in NUMBERS:
        assert value(PARTS[name](z3.BitVec("a", 8)), a=x) == PARTS[name](x)
    assert terms.sign_extend(0x80, 8, 16) == 0xFF80
    assert terms.to_signed(0x80, 8) == -128
    assert terms.to_signed(0x7F, 8) == 127
    assert terms.concat([0x12, 0x34]) == 0x1234
    assert terms.mask(5) == 31


def test_constants_that_are_added_one_after_the_other_are_one() -> None:
    a = z3.BitVec("a", 8)
    back, on = terms.add(terms.add(a, 3, 8), 253, 8), terms.add(terms.add(a, 3, 8), 4, 8)
    assert isinstance(back, z3.BitVecRef)
    assert back.eq(a)
    assert isinstance(on, z3.BitVecRef)
    assert [child.num_args() for child in on.children()] == [0, 0]


def test_no_two_regions_are_taken_for_one() -> None:
    """However many maps there are: what a path makes later gets higher numbers."""
    case = Case(Program(ProgramType.XDP, parse(["exit"]), (MAP,) * 60))
    x = Explorer(facts_of(case), Ledger(), Solver(EFFORT), replays)
    state = start(x)
    pointers = [each for each in state.registers if isinstance(each, SymbolicPointer)]
    regions = [*(pointer.region for pointer in pointers), state.packet, *x.facts.handles, *x.facts.direct]
    numbers = [region.id for region in regions if region is not None]
    assert len(set(numbers)) == len(numbers) == 123
    assert state.number() > max(numbers)


def test_conditions() -> None:
    p, q = z3.Bool("p"), z3.Bool("q")
    assert terms.conjunction() is terms.conjunction(True, True) is True
    assert terms.conjunction(True, False, p) is False
    assert terms.conjunction(True, p) is p
    assert terms.disjunction(False, True, p) is True
    assert terms.disjunction(False, False) is False
    twice = terms.negation(terms.negation(p))
    assert not isinstance(twice, bool)
    assert twice.eq(p)
    solver = z3.Solver()
    solver.add(z3.Or(terms.disjunction(p, q) != z3.Or(p, q), terms.conjunction(p, q) != z3.And(p, q)))
    assert solver.check() == z3.unsat
    a = z3.BitVec("a", 8)
    assert terms.equal(3, 3, 8) is True
    assert terms.equal(3, 4, 8) is False
    assert terms.equal(a, a, 8) is True
    assert holds(terms.equal(a, 3, 8), a=3)
    assert not holds(terms.equal(a, 3, 8), a=4)
    assert terms.choose(True, 1, 2) == 1
    assert terms.choose(False, 1, 2) == 2
    assert z3.is_true(terms.b(True))


def test_spans_are_the_stretches_of_kernels_that_differ() -> None:
    assert list(spans(lambda release: True)) == [((0, 0), None)]
    assert list(spans(lambda release: False)) == []
    assert list(spans(lambda release: release in ("6.1", "6.6"))) == [((0, 0), (6, 12))]
    assert list(spans(lambda release: release == "6.12")) == [((6, 12), (6, 16))]
    assert list(spans(lambda release: release in ("6.6", "7.2", "7.3"))) == [
        ((6, 6), (6, 12)),
        ((7, 2), None),
    ]
    releases: list[str] = []
    list(spans(lambda release: releases.append(release) is not None))  # type: ignore[func-returns-value]
    assert releases == ["6.1", "6.6", "6.12", "6.16", "6.17", "6.18", "6.19", "7.0", "7.1", "7.2", "7.3"]


def test_a_rule_binds_the_kernels_that_have_it() -> None:
    broken = Broken(NULL_CHECK, 3, since=(6, 6), before=(6, 12))
    assert [broken.binds(kernel) for kernel in ((6, 5), (6, 6), (6, 11), (6, 12))] == [
        False,
        True,
        True,
        False,
    ]
    assert Broken(NULL_CHECK, 3).binds((0, 0))
    answer = ReferenceAnswer(ReferenceVerdict.SAFE, policy=(broken, Broken(NULL_CHECK, 4)))
    assert [each.at for each in answer.refused_by((6, 1))] == [4]
    assert [each.at for each in answer.refused_by((6, 6))] == [3, 4]
    assert [linux(release) for release in ("6.12.117+deb13", "7.3.4-1", "what")] == [(6, 12), (7, 3), (0, 0)]


FORKS = "r6 = *(u32 *)(r1 +8); if r6 & 1 goto pc+0; if r6 & 2 goto pc+0; if r6 & 4 goto pc+0; r0 = 0; exit"


@pytest.mark.parametrize(
    ("budget", "reason"),
    [
        (THOROUGH, ""),
        (replace(THOROUGH, paths=8), ""),
        (replace(THOROUGH, paths=7), "budget: more paths or steps than are followed"),
        (replace(THOROUGH, steps=10), "budget: more paths or steps than are followed"),
        (replace(THOROUGH, queries=1), "budget: more queries than are asked"),
        (replace(THOROUGH, effort=1), "budget: more of the solver's steps than are given"),
        (replace(THOROUGH, seconds=-1), "wall"),
    ],
)
def test_budgets_end_in_unknown(budget: Budget, reason: str) -> None:
    answer = explore(Case(Program(ProgramType.SCHED_CLS, parse(FORKS.split("; ")))), replays, budget).answer
    assert answer.reason == reason
    assert answer.verdict is (ReferenceVerdict.UNKNOWN if reason else ReferenceVerdict.SAFE)
    assert answer.cost.steps <= budget.steps + 1


def test_a_witness_is_not_believed_without_a_replay() -> None:
    case = Case(Program(ProgramType.SCHED_CLS, parse(["r1 = 0", "r0 = *(u8 *)(r1 +0)", "exit"])))
    assert explore(case, lambda *_: False, THOROUGH).answer.verdict is ReferenceVerdict.UNKNOWN
    assert opinion(case, THOROUGH).verdict is ReferenceVerdict.UNSAFE
    witness = opinion(case, THOROUGH).witness
    assert witness is not None
    assert not replays(witness, NULL_CHECK, 1)


@pytest.mark.parametrize(("text", "told"), [("w0 = w10; exit", True), ("r0 = 0; exit", False)])
def test_a_path_that_looks_at_an_address_says_so(text: str, told: bool) -> None:
    _, states = final_states(Case(Program(ProgramType.XDP, parse(text.split("; ")))), THOROUGH)
    assert [state.unpredictable for state in states] == [told]


def test_no_instructions_are_no_program() -> None:
    answer = opinion(Case(Program(ProgramType.XDP, ())), THOROUGH)
    assert answer.verdict is ReferenceVerdict.UNKNOWN
    assert [(broken.rule.name, broken.at) for broken in answer.policy] == [("falls-off", 0)]


def test_the_solver_tries_what_it_has_first() -> None:
    solver = Solver(EFFORT)
    a = z3.BitVec("a", 8)
    assert solver.feasible(None, None, False) == (Feasible.NO, None)
    answer, model = solver.feasible(None, None, True)
    assert answer is Feasible.YES
    assert solver.feasible(None, model, a == 0)[0] is Feasible.YES
    assert (solver.counted.queries, solver.counted.cheap) == (0, 2)
    assumed = Assumed(z3.UGT(a, 4), None)
    answer, model = solver.feasible(assumed, None, z3.ULT(a, 6))
    assert answer is Feasible.YES
    assert solver.feasible(assumed, model, a == 5)[0] is Feasible.YES
    assert solver.feasible(assumed, model, a == 3) == (Feasible.NO, None)
    assert (solver.counted.queries, solver.counted.cheap, solver.counted.open) == (2, 3, 0)
    x, y = z3.BitVecs("x y", 64)
    hard = Solver(10)
    assert hard.ask([x * y * x == 0x123456789ABCDEF1, z3.URem(x, y) == 77])[0] is Feasible.UNKNOWN
    assert (hard.counted.queries, hard.counted.open) == (1, 1)


def test_the_stack_keeps_values_whole_and_in_parts() -> None:
    stack, pointer = FrameStack(ByteOrder.LITTLE), SymbolicPointer(SymbolicRegion(RegionKind.CONTEXT, 1), 0)
    stack.store(8, 8, 0x1122334455667788)
    stack.store(16, 8, pointer)
    assert stack.number(8, 8) == 0x1122334455667788
    assert stack.number(10, 2) == 0x5566
    assert stack.number(8, 4) == 0x55667788
    assert stack.whole(16, 8) is pointer
    assert stack.whole(8, 4) is stack.whole(12, 8) is stack.whole(17, 4) is None
    assert [stack.missing(at, 4) for at in (4, 5, 8, 20, 21)] == [True, True, False, False, True]
    assert [stack.pointer_parts(at, 4) for at in (8, 12, 13, 20, 23, 24)] == [
        False,
        False,
        True,
        True,
        True,
        False,
    ]
    copy = stack.copy()
    stack.store(9, 1, 0xFF)
    assert stack.number(8, 8) == 0x112233445566FF88
    assert stack.whole(8, 8) is None
    assert copy.number(8, 8) == 0x1122334455667788
    copy.touch(3)
    copy.touch(5)
    assert (copy.lowest, stack.lowest) == (3, 512)


def test_a_fork_shares_nothing_that_changes() -> None:
    region = SymbolicRegion(RegionKind.STACK, 0, 512)
    state = SymbolicState(
        0,
        [UNDEFINED] * 11,
        [SymbolicFrame(region, FrameStack(ByteOrder.LITTLE), 0, None, (1, 2), Loop(1, 2, 3, 4))],
    )
    other = state.fork()
    other.registers[0] = 1
    other.frames[0].stack.store(0, 1, 1)
    other.frames.append(other.frames[0])
    other.context[0, 4] = 5
    other.packet_bytes[0] = 1
    other.references[1] = (region, 1)
    loop = other.frames[0].loop
    assert loop is not None
    loop.iteration = 9
    other.assume(z3.BoolVal(True))
    event, later = Chance("an address"), Chance("another")
    other.note(event)
    kept = state.frames[0].loop
    assert kept is not None
    assert (
        state.registers[0],
        state.frames[0].stack.bytes,
        len(state.frames),
        state.context,
        state.packet_bytes,
        state.references,
        kept.iteration,
        state.assumptions(),
        state.events(),
    ) == (UNDEFINED, {}, 1, {}, {}, {}, 3, [], [])
    assert other.events() == [event]
    other.note(later)
    assert other.events() == [event, later]


def test_a_null_check_reaches_every_copy() -> None:
    value_region = SymbolicRegion(RegionKind.MAP_VALUE, 5, 8)
    maybe, other, null = (
        SymbolicPointer(value_region, 0, 7),
        SymbolicPointer(value_region, 4, 8),
        Null(7, RegionKind.MAP_VALUE),
    )
    stack = FrameStack(ByteOrder.LITTLE)
    stack.store(0, 8, maybe)
    stack.store(8, 8, other)
    caller = SymbolicFrame(SymbolicRegion(RegionKind.STACK, 0, 512), stack, 0, None, (maybe, 3))
    callee = SymbolicFrame(SymbolicRegion(RegionKind.STACK, 9, 512), FrameStack(ByteOrder.LITTLE), 4)
    state = SymbolicState(0, [maybe, other, null, *[UNDEFINED] * 8], [caller, callee])
    state.resolve({7: None})
    assert state.registers[0] == SymbolicPointer(value_region, 0)
    assert state.registers[1] is other
    assert state.frames[0].saved == (SymbolicPointer(value_region, 0), 3)
    assert stack.whole(0, 8) == SymbolicPointer(value_region, 0)
    assert stack.whole(8, 8) is other
    state.resolve({8: 0})
    assert stack.number(8, 8) == 0


def test_policy_is_told_in_order_with_an_input_that_leads_there() -> None:
    text = "r6 = *(u32 *)(r1 +8); r2 = r10; r2 &= -8; if r6 != 77 goto pc+1; r3 = r10; w3 += 1; r0 = 0; exit"
    answer = opinion(
        Case(Program(ProgramType.SCHED_CLS, parse(text.replace("w3 += 1", "r3 *= 2").split("; ")), (MAP,))),
        THOROUGH,
    )
    assert [broken.at for broken in answer.policy] == [2, 5]
    witness = answer.policy[1].witness
    assert witness is not None
    assert not replays(witness, NULL_CHECK, 5)


def test_a_null_is_called_one() -> None:
    text = "*(u32 *)(r10 -4) = 9; r2 = r10; r2 += -4; r1 = map[0]; call bpf_map_lookup_elem#1; r0 = *(u8 *)(r0 +0); exit"
    answer = opinion(Case(Program(ProgramType.SOCKET_FILTER, parse(text.split("; ")), (MAP,))), THOROUGH)
    assert answer.detail == "the pointer may be null"
    assert 0 <= answer.cost.seconds <= time.process_time()


def test_a_cost_is_nothing_until_something_was_spent() -> None:
    assert Cost() == Cost(paths=0, steps=0, queries=0, seconds=0.0)


@pytest.mark.parametrize(
    ("text", "detail"),
    [
        ("*(u64 *)(r10 -520) = 0; r0 = 0; exit", "8 bytes at fp-520"),
        ("*(u8 *)(r10 +3) = 0; exit", "1 byte at fp+3"),
    ],
)
def test_a_place_on_the_stack_is_named_by_r10(text: str, detail: str) -> None:
    answer = opinion(Case(Program(ProgramType.SOCKET_FILTER, parse(text.split("; ")))), THOROUGH)
    assert answer.detail == detail
