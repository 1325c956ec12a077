"""What intervals and known bits prove by themselves: an index that stays below eight, and the same one too
large by one."""

from __future__ import annotations

from dataclasses import replace

import pytest
import z3

from conformance.observing.opinions import THOROUGH, by_intervals
from ebpf.assembly import parse
from ebpf.maps import MapSpec, MapType
from ebpf.program import Case, Program
from ebpf.program_types import ProgramType
from oracles.reference import ReferenceVerdict
from oracles.terms.intervals import IntervalSolver, Ranges
from oracles.terms.ranges import Range
from oracles.terms.solver import Feasible

VALUE = MapSpec(MapType.ARRAY, 4, 8, 1)
PROVEN = (
    ("r6 &= {}", 7, 8), ("r6 >>= {}", 61, 60), ("if r6 > {} goto out", 7, 8), ("if r6 >= {} goto out", 8, 9),
    ("if r6 < {} goto pc+1; goto out", 8, 9), ("if r6 <= {} goto pc+1; goto out", 7, 8),
    ("if r6 != {} goto out", 7, 8),
    ("if r6 == {} goto pc+1; goto out", 7, 8),
    ("if r6 s< 0 goto out; if r6 s> {} goto out", 7, 8), ("if r6 s< 0 goto out; if r6 s>= {} goto out", 8, 9),
    ("if r6 s> {} goto out; if r6 s< 0 goto out", 7, 8),
    ("if r6 s>= 0 goto pc+1; goto out; if r6 s<= {} goto pc+1; goto out", 7, 8),
    ("if r6 s> -1 goto pc+1; goto out; if r6 s< {} goto pc+1; goto out", 8, 9),
    ("w6 = w6; if w6 > {} goto out", 7, 8), ("w6 = w6; if w6 >= {} goto out", 8, 9),
    ("w6 = w6; if w6 < {} goto pc+1; goto out", 8, 9),
    ("w6 = w6; if w6 s> {} goto out; if w6 s< 0 goto out", 7, 8),
    ("r6 &= 15; r6 -= {}; if r6 s< 0 goto out", 8, 7), ("r6 &= 3; r6 += {}", 4, 5),
    ("r6 &= 3; r6 <<= {}", 1, 2),
    ("r6 &= 1; r6 *= {}", 7, 8), ("r6 &= 3; r6 |= {}", 4, 8), ("r6 &= 3; r6 ^= {}", 4, 8),
    ("r6 &= 255; r6 >>= {}", 5, 4),
    ("w6 >>= {}", 29, 28), ("w6 &= {}", 7, 8), ("r6 &= 7; r6 = (s8)r6; r6 += {}", 0, 1),
    ("r6 &= 15; r6 = (s8)r6; r6 s>>= {}", 1, 0),
    ("r6 s>>= 63; r6 += {}; if r6 s< 0 goto out", 7, 8),
    ("*(u64 *)(r10 -8) = r6; r6 = *(u8 *)(r10 -8); r6 >>= {}", 5, 4),
    ("r7 = r6; r7 &= 7; r8 = {}; if r7 > r8 goto out; r6 = r7; r6 += 4", 3, 4),
    ("r8 = {}; if r8 < r6 goto out", 7, 8),
    ("r8 = {}; if r8 s>= r6 goto pc+1; goto out; if r6 s< 0 goto out", 7, 8), ("if r6 & -{} goto out", 8, 16),
    ("if r6 == 0 goto out; r6 -= 1; if r6 > {} goto out", 7, 8),
    ("r6 &= 0x0f; if r6 & 8 goto out; r6 += {}", 0, 1),
    ("if r6 > 8 goto out; if r6 == {} goto out", 8, 7),
    ("if r6 > 8 goto out; if r6 == 0 goto out; r6 -= {}", 1, 0),
    ("if r6 > {} goto out; if r6 < 9 goto pc+1; r6 = 7", 7, 8), ("r6 = {}; if r6 > 7 goto out; r6 = 7", 9, 9),
)  # fmt: skip
RELATIONS = (
    ("r6 & -8", "if r6 & -{} goto out"),
    ("a mask after a mask", "r6 &= 0x0f; if r6 & 8 goto out; r6 += {}"),
)
"""Conditions on bits, of which these intervals learn nothing."""


def _case(body: str) -> Case:
    """R6 holds eight unknown bytes, then what the body makes of them; ``out`` is the exit."""
    lines = [
        "r9 = map[0][0]+0",
        "r6 = *(u64 *)(r9 +0)",
        *body.split("; "),
        "r9 += r6",
        "r0 = *(u8 *)(r9 +0)",
        "r0 = 0",
        "exit",
    ]
    slots = [0]
    for line in lines:
        slots.append(slots[-1] + (2 if "map[" in line else 1))
    placed = [
        line.replace("out", f"pc+{slots[len(lines) - 2] - slots[at] - 1}") for at, line in enumerate(lines)
    ]
    return Case(Program(ProgramType.SCHED_CLS, parse(placed), (VALUE,)))


@pytest.mark.parametrize(("body", "fits", "exceeds"), PROVEN, ids=[row[0] for row in PROVEN])
def test_what_is_proven_and_what_is_not(body: str, fits: int, exceeds: int) -> None:
    learns = body not in dict(RELATIONS).values()
    assert (by_intervals(_case(body.format(fits)), THOROUGH).verdict is ReferenceVerdict.SAFE) is learns
    if exceeds != fits:
        assert by_intervals(_case(body.format(exceeds)), THOROUGH).verdict is ReferenceVerdict.UNKNOWN


X, Y = z3.BitVec("x", 8), z3.BitVec("y", 8)


def _bounds(r: Range) -> tuple[int, int, int, int]:
    return r.low, r.high, r.least, r.most


@pytest.mark.parametrize(
    ("conditions", "bounds"),
    [
        ([z3.ULT(X, 9)], (0, 8, 0, 8)),
        ([z3.ULE(X, 9)], (0, 9, 0, 9)),
        ([z3.UGT(X, 9)], (10, 255, -128, 127)),
        ([z3.UGE(X, 9)], (9, 255, -128, 127)),
        ([X < 9], (0, 255, -128, 8)),
        ([X <= 9], (0, 255, -128, 9)),
        ([X > 9], (10, 127, 10, 127)),
        ([X >= 9], (9, 127, 9, 127)),
        ([z3.Not(X < 9)], (9, 127, 9, 127)),
        ([z3.Not(z3.ULE(X, 9))], (10, 255, -128, 127)),
        ([z3.Not(z3.UGT(X, 9))], (0, 9, 0, 9)),
        ([X == 9], (9, 9, 9, 9)),
        ([z3.ULT(X, 9), X != 0], (1, 8, 1, 8)),
        ([z3.ULT(X, 9), X != 8], (0, 7, 0, 7)),
        ([z3.ULT(X, 9), z3.Not(X == 8)], (0, 7, 0, 7)),
        ([z3.ULT(X, 9), X != 3], (0, 8, 0, 8)),
        ([z3.And(z3.ULT(X, 9), z3.UGT(X, 2))], (3, 8, 3, 8)),
        ([z3.Not(z3.Or(z3.UGE(X, 9), z3.ULE(X, 2)))], (3, 8, 3, 8)),
        ([z3.Or(z3.UGE(X, 9), z3.ULE(X, 2))], (0, 255, -128, 127)),
        ([z3.ULT(Y, 9), z3.ULT(X, Y)], (0, 7, 0, 7)),
        ([z3.UGT(Y, 200), z3.UGT(X, Y)], (202, 255, -54, -1)),
        ([z3.ULT(Y, 9), X == Y], (0, 8, 0, 8)),
        ([z3.ULT(Y, 9), Y == X], (0, 8, 0, 8)),
        ([Y < 5, X < Y], (0, 255, -128, 3)),
        ([Y > 5, X > Y], (7, 127, 7, 127)),
        ([z3.ULT(z3.ZeroExt(8, X), 9)], (0, 8, 0, 8)),
        ([z3.ULT(X, 16), z3.ULT(z3.Extract(3, 0, X), 9)], (0, 8, 0, 8)),
        ([z3.ULT(z3.Extract(3, 0, X), 9)], (0, 255, -128, 127)),
    ],
)
def test_what_a_condition_says_of_a_value(
    conditions: list[z3.BoolRef], bounds: tuple[int, int, int, int]
) -> None:
    known = Ranges(conditions)
    assert not known.impossible
    assert _bounds(known.of(X)) == bounds


@pytest.mark.parametrize(
    ("term", "bounds"),
    [
        (X + 3, (3, 12, 3, 12)),
        (X - 3, (0, 255, -3, 6)),
        (X * 3, (0, 27, 0, 27)),
        (X & 3, (0, 3, 0, 3)),
        (X | 16, (16, 31, 16, 31)),
        (X ^ 16, (16, 31, 16, 31)),
        (X << 2, (0, 36, 0, 36)),
        (z3.LShR(X, 2), (0, 2, 0, 2)),
        (X >> 2, (0, 2, 0, 2)),
        (-X, (0, 255, -9, 0)),
        (z3.UDiv(X, z3.BitVecVal(2, 8)), (0, 4, 0, 4)),
        (z3.URem(X, z3.BitVecVal(4, 8)), (0, 3, 0, 3)),
        (z3.URem(X, z3.BitVecVal(40, 8)), (0, 9, 0, 9)),
        (z3.UDiv(z3.BitVecVal(100, 8), X + 1), (10, 100, 10, 100)),
        (z3.UDiv(X, Y), (0, 255, -128, 127)),
        (X << Y, (0, 255, -128, 127)),
        (z3.If(z3.ULT(X, 20), X, Y), (0, 9, 0, 9)),
        (z3.If(z3.UGT(X, 20), Y, X), (0, 9, 0, 9)),
        (z3.If(Y == 0, X, z3.BitVecVal(12, 8)), (0, 12, 0, 12)),
        (X + X + X, (0, 27, 0, 27)),
        (z3.Concat(z3.BitVecVal(0, 4), z3.Extract(3, 0, X)), (0, 9, 0, 9)),
        (z3.SignExt(4, z3.Extract(3, 0, X)), (0, 255, -8, 7)),
        (z3.BitVecVal(200, 8), (200, 200, -56, -56)),
    ],
)
def test_what_a_term_of_a_known_value_can_be(term: z3.BitVecRef, bounds: tuple[int, int, int, int]) -> None:
    assert _bounds(Ranges([z3.ULE(X, 9)]).of(term)) == bounds


@pytest.mark.parametrize(
    ("condition", "decided"),
    [
        (z3.ULE(X, 9), True),
        (z3.ULT(X, 9), None),
        (z3.ULT(X, 10), True),
        (z3.UGT(X, 9), False),
        (z3.UGE(X, 9), None),
        (X < 10, True),
        (X < 0, False),
        (X <= 0, None),
        (X >= 0, True),
        (X > 9, False),
        (X == 10, False),
        (X == 9, None),
        (X != 10, True),
        (X != 9, None),
        (z3.And(X < 10, Y == 1), None),
        (z3.And(X < 0, Y == 1), False),
        (z3.And(X < 10, X < 11), True),
        (z3.Or(X < 10, Y == 1), True),
        (z3.Or(X < 0, Y == 1), None),
        (z3.Or(X < 0, X > 20), False),
        (z3.Not(X < 10), False),
        (z3.Not(X < 9), None),
        (z3.BoolVal(True), True),
        (z3.BoolVal(False), False),
        (z3.Bool("p"), None),
        (z3.BitVecVal(3, 8) == 3, True),
    ],
)
def test_what_is_decided(condition: z3.BoolRef, decided: bool | None) -> None:
    assert Ranges([z3.ULE(X, 9)]).decide(condition) is decided


def test_contradictions_are_impossible() -> None:
    for conditions in ([z3.ULT(X, 3), z3.UGT(X, 3)], [X == 3, X == 4], [X == 3, X != 3], [z3.ULT(X, 0)]):
        assert Ranges(conditions).impossible
        assert IntervalSolver().ask(conditions) == (Feasible.NO, None)
    assert not Ranges([z3.ULT(X, 3), X != 1]).impossible
    assert IntervalSolver().ask([X == 3])[0] is Feasible.YES


def test_what_two_unknowns_cannot_both_be() -> None:
    for conditions in (
        [z3.ULT(X, 3), z3.UGT(Y, 5), X == Y],
        [z3.ULT(X, 3), z3.UGT(Y, 5), z3.UGT(X, Y)],
        [X < -3, Y > 5, X > Y],
    ):
        assert IntervalSolver().ask(conditions) == (Feasible.NO, None)
        assert IntervalSolver().ask(conditions[:2])[0] is Feasible.YES


@pytest.mark.parametrize("amount", [63, 64, 65])
def test_a_shift_by_all_bits_or_more_says_nothing(amount: int) -> None:
    """Z3 gives zeros, and programs shift modulo 64: whoever made such a term, nothing is claimed of it."""
    shifted = Ranges([]).of(z3.BitVec("x", 64) << amount)
    assert (shifted.low, shifted.high) == (0, 1 << 63 if amount == 63 else (1 << 64) - 1)


@pytest.mark.parametrize(
    ("operation", "proven"), [("w6 *= 7", False), ("w6 /= 3; r6 >>= 29", True), ("w6 s/= 3; r6 >>= 29", True)]
)
def test_untracked_results_keep_their_width(operation: str, proven: bool) -> None:
    """Of a signed division kernels know no more than that a 32-bit one leaves no upper half."""
    assert (by_intervals(_case(operation), THOROUGH).verdict is ReferenceVerdict.SAFE) is proven


@pytest.mark.parametrize(("far", "known"), [(65535, True), (65536, False)])
def test_kernels_know_no_packet_byte_beyond_65535(far: int, known: bool) -> None:
    ends = "r2 = *(u32 *)(r1 +76); r3 = *(u32 *)(r1 +80); r4 = r2"
    text = f"{ends}; r4 += {far}; if r4 > r3 goto pc+1; r0 = *(u8 *)(r2 +1); r0 = 0; exit"
    case = Case(Program(ProgramType.SCHED_CLS, parse(text.split("; "))))
    assert (by_intervals(case, THOROUGH).verdict is ReferenceVerdict.SAFE) is known


@pytest.mark.parametrize("condition", ["r3 > 7", "r3 < 8"])
def test_without_privilege_no_branch_is_decided(condition: str) -> None:
    """Whichever way it goes: processors may take the other."""
    text = f"r3 = *(u32 *)(r1 +8); r3 &= 7; r0 = 0; if {condition} goto pc+1; r0 = 1; exit"
    case = Case(Program(ProgramType.SOCKET_FILTER, parse(text.split("; "))), capabilities=())
    answer = by_intervals(case, THOROUGH)
    assert (answer.verdict, answer.reason) == (
        ReferenceVerdict.UNKNOWN,
        "a branch that is followed both ways without privilege",
    )
    assert by_intervals(replace(case, capabilities=None), THOROUGH).verdict is ReferenceVerdict.SAFE


@pytest.mark.parametrize(("key", "before"), [(3, (6, 15)), (4, None)])
def test_a_constant_key_in_range_is_what_spares_a_null_check(
    key: int, before: tuple[int, int] | None
) -> None:
    """Out of range there is nothing to find, and kernels want the check as before."""
    text = f"*(u32 *)(r10 -4) = {key}; r2 = r10; r2 += -4; r1 = map[0]; call bpf_map_lookup_elem#1; r0 += 1; r0 = 0; exit"
    answer = by_intervals(
        Case(Program(ProgramType.SCHED_CLS, parse(text.split("; ")), (MapSpec(MapType.ARRAY, 4, 8, 4),))),
        THOROUGH,
    )
    assert [(broken.at, broken.before) for broken in answer.policy] == [(6, before)]


def test_two_loads_of_a_part_of_a_slot_are_two_numbers() -> None:
    """As kernels see it; two of the whole slot are one."""
    text = (
        "r0 = *(u64 *)(r1 +48); *(u64 *)(r10 -8) = r0; r3 = *({0} *)(r10 -8); r4 = *({0} *)(r10 -8); if r3 "
        "> 7 goto pc+3; "
        "r5 = map[0][0]+0; r5 += r4; r0 = *(u8 *)(r5 +0); r0 = 0; exit"
    )
    answers = []
    for size in ("u64", "u8"):
        code = parse(text.format(size).replace("pc+3", "pc+4").split("; "))
        answers.append(
            by_intervals(
                Case(Program(ProgramType.SCHED_CLS, code, (MapSpec(MapType.ARRAY, 4, 8, 1),))), THOROUGH
            ).verdict
        )
    assert answers[0] is ReferenceVerdict.SAFE
    assert answers[1] is not ReferenceVerdict.SAFE
