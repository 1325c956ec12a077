"""Programs that a verifier with a hole calls safe.

Each row is one way in which other verifiers have been unsound (most of them fixed in PREVAIL, some in Linux):
a value that the program computes, at which a verifier with the hole is wrong, becomes an index into eight
bytes.
"""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from conformance.observing.opinions import THOROUGH, opinion
from ebpf.assembly import parse
from ebpf.maps import MapSpec, MapType
from ebpf.program import Case, Program
from ebpf.program_types import ProgramType
from oracles.reference import ReferenceAnswer, ReferenceVerdict

VALUE = MapSpec(MapType.ARRAY, 4, 8, 1)
HASH = MapSpec(MapType.HASH, 4, 8, 4)


@dataclass(frozen=True, slots=True)
class Hole:
    """``body`` leaves an index in R1, R6 being an unknown 64-bit number; ``bound`` is the largest that is
    safe."""

    name: str
    body: str


HOLES = (
    Hole("a 32-bit comparison says nothing of the upper half", "r1 = r6; if w1 > 7 goto pc+99"),
    Hole("a signed 32-bit comparison says nothing of the upper half",
         "r1 = r6; w2 = w1; if w2 s< 0 goto pc+99; if w1 s> 7 goto pc+99"),
    Hole("a signed comparison leaves negative numbers", "r1 = r6; if r1 s> 7 goto pc+99"),
    Hole("w = imm is zero-extended, not sign-extended", "w1 = -1; r2 = r1; r2 >>= 32; r1 = 8; r1 -= r2"),
    Hole("r = imm is sign-extended", "r1 = -1; r1 >>= 60"),
    Hole("a stored immediate is sign-extended to eight bytes",
         "*(u64 *)(r10 -8) = -1; r1 = *(u64 *)(r10 -8); r1 >>= 60"),
    Hole("movsx of a byte with its top bit set", "r1 = r6; r1 &= 255; r1 = (s8)r1; if r1 s> 7 goto pc+99"),
    Hole("32-bit movsx is zero-extended", "w1 = w6; w1 = (s8)w1; r1 >>= 28"),
    Hole("ldsx of what was stored narrow", "*(u64 *)(r10 -8) = 255; r1 = *(s8 *)(r10 -8)"),
    Hole("division by a register whose low half is zero",
         "r2 = 0x100000000; r1 = 9; r3 = r1; w3 /= w2; r1 -= r3"),
    Hole("64-bit division by zero gives zero",
         "r1 = 8; r2 = r6; r2 &= 1; r3 = 8; r3 /= r2; r1 -= r3; if r2 == 1 goto pc+99"),
    Hole("modulo by zero keeps the dividend", "r1 = 9; r2 = r6; r2 &= 7; r1 %= r2"),
    Hole("signed division of the smallest number by -1",
         "r1 = 0x8000000000000000; r2 = -1; r1 s/= r2; r1 >>= 60"),
    Hole("signed modulo has the dividend's sign", "r1 = r6; r2 = 8; r1 s%= r2"),
    Hole("the shift amount is masked", "r1 = 9; r2 = 64; r1 >>= r2"),
    Hole("the 32-bit shift amount is masked to five bits", "w1 = 9; w2 = 32; w1 >>= w2"),
    Hole("32-bit arithmetic shift keeps the sign of 32 bits", "w1 = w6; w1 s>>= 31"),
    Hole("32-bit subtraction wraps below zero", "w1 = w6; w1 &= 1; w1 -= 1"),
    Hole("addition wraps", "r1 = r6; if r1 > 7 goto pc+99; r1 += -1"),
    Hole("multiplication wraps", "r2 = 0x100000000; r2 *= r2; r1 = 9; r1 += r2"),
    Hole("or of two bounded numbers exceeds both", "r1 = r6; r1 &= 5; r2 = r6; r2 >>= 8; r2 &= 10; r1 |= r2"),
    Hole("xor of two bounded numbers exceeds both",
         "r1 = r6; r1 &= 5; r2 = r6; r2 >>= 8; r2 &= 10; r1 ^= r2"),
    Hole("negation of a small number is large", "r1 = r6; r1 &= 1; r1 = -r1"),
    Hole("bswap moves the low byte up", "r1 = r6; r1 &= 7; r1 = bswap16 r1"),
    Hole("be16 drops the upper bits, but keeps the second byte", "r1 = r6; r1 = be16 r1"),
    Hole("one byte of a spilled number is overwritten",
         "*(u64 *)(r10 -8) = 0; *(u8 *)(r10 -8) = r6; r1 = *(u64 *)(r10 -8)"),
    Hole("eight bytes are filled where four were spilled",
         "*(u64 *)(r10 -8) = r6; w1 = 1; *(u32 *)(r10 -8) = r1; r1 = *(u64 *)(r10 -8)"),
    Hole("a copy made before the check is not checked", "r1 = r6; r2 = r1; r2 += 1; if r2 > 7 goto pc+99"),
    Hole("JSET false says nothing of other bits", "r1 = r6; if r1 & 8 goto pc+99; r1 &= 31"),
    Hole("the branch not taken of a disequality", "r1 = r6; r1 &= 15; if r1 != 9 goto pc+99"),
    Hole("an unsigned bound from a signed comparison",
         "r1 = r6; if r1 s< -5 goto pc+99; if r1 s> 5 goto pc+99"),
    Hole("the fetched value is the memory's",
         "r1 = 0; *(u64 *)(r10 -8) = r6; r1 = atomic64_fetch_add((u64 *)(r10 -8), r1)"),
    Hole("compare-and-exchange loads R0",
         "*(u64 *)(r10 -8) = r6; r0 = 0; r2 = 1; r0 = atomic64_cmpxchg((u64 *)(r10 -8), r0, r2); r1 = r0"),
    Hole("a 32-bit exchange is zero-extended, and any 32 bits", "r1 = 0; *(u64 *)(r10 -8) = r6; w1 = 3; "
         "r1 = atomic_xchg((u32 *)(r10 -8), r1)"),
)  # fmt: skip


def program(body: str) -> Case:
    """R6 = eight unknown bytes; the body; then the byte at index R1 of eight is loaded.  ``pc+99`` leads to
    the exit."""
    lines = [
        "r9 = map[0][0]+0",
        "r6 = *(u64 *)(r9 +0)",
        *body.split("; "),
        "r9 += r1",
        "r0 = *(u8 *)(r9 +0)",
        "r0 = 0",
        "exit",
    ]
    slots = [0]
    for line in lines:
        slots.append(slots[-1] + (2 if "map[" in line or ("= 0x" in line and "if" not in line) else 1))
    placed = [
        line.replace("pc+99", f"pc+{slots[len(lines) - 2] - slots[at] - 1}") for at, line in enumerate(lines)
    ]
    return Case(Program(ProgramType.SCHED_CLS, parse(placed), (VALUE,)))


@pytest.mark.parametrize("hole", HOLES, ids=lambda hole: hole.name)
def test_the_index_can_leave_the_value(hole: Hole) -> None:
    answer = opinion(program(hole.body), THOROUGH)
    assert answer.verdict is ReferenceVerdict.UNSAFE, answer
    assert answer.rule is not None
    assert answer.rule.name == "map-value-bounds"


@pytest.mark.parametrize("hole", HOLES, ids=lambda hole: hole.name)
def test_the_same_index_cut_to_three_bits_is_safe(hole: Hole) -> None:
    """So that it is the index, and nothing else, that made the program unsafe."""
    assert opinion(program(hole.body + "; r1 &= 7"), THOROUGH).verdict is ReferenceVerdict.SAFE


def _judge(
    text: str, *maps: MapSpec, type_: ProgramType = ProgramType.SCHED_CLS, privileged: bool = True
) -> ReferenceAnswer:
    return opinion(
        Case(Program(type_, parse(text.split("; ")), maps), capabilities=None if privileged else ()), THOROUGH
    )


LOOKUP = "*(u32 *)(r10 -4) = 0; r2 = r10; r2 += -4; r1 = map[0]; call bpf_map_lookup_elem#1; "
UNSAFE = {
    "a value may be missing": (LOOKUP + "r0 = *(u8 *)(r0 +0); exit", (HASH,), "null-dereference"),
    "the check is on another lookup": (
        LOOKUP + "r7 = r0; " + LOOKUP.replace("= 0;", "= 1;",
                                              1) + "if r0 == 0 goto pc+1; r0 = *(u8 *)(r7 +0); r0 = 0; exit",
        (HASH,), "null-dereference"),
    "the check is on the wrong branch": (
        LOOKUP + "if r0 != 0 goto pc+1; r0 = *(u8 *)(r0 +0); r0 = 0; exit", (HASH,), "null-dereference"),
    "the last byte of an access": (LOOKUP + "if r0 == 0 goto pc+1; r0 = *(u32 *)(r0 +5); exit", (HASH,),
                                   "map-value-bounds"),
    "a packet that is one byte short": (
        "r2 = *(u32 *)(r1 +76); r3 = *(u32 *)(r1 +80); r4 = r2; r4 += 7; if r4 > r3 goto pc+1; r0 = *(u64 "
        "*)(r2 +0); r0 = 0; exit",
        (), "packet-bounds"),
    "a packet checked the wrong way round": (
        "r2 = *(u32 *)(r1 +76); r3 = *(u32 *)(r1 +80); r4 = r2; r4 += 8; if r4 <= r3 goto pc+1; r0 = *(u8 "
        "*)(r2 +7); r0 = 0; exit",
        (), "packet-bounds"),
    "a register of the caller's after a call": ("call pc+2; r0 = r1; exit; r1 = 5; r0 = 0; exit", (),
                                                "uninitialised-register"),
    "a callee's register is not the caller's": ("r6 = 1; call pc+1; exit; r0 = r6; exit", (),
                                                "uninitialised-register"),
    "below the stack": ("r1 = 1; *(u8 *)(r10 -513) = r1; r0 = 0; exit", (), "stack-bounds"),
    "above the stack": ("r0 = *(u8 *)(r10 +0); exit", (), "stack-bounds"),
    "a helper's memory ends outside": (
        "r6 = r1; r2 = 0; r3 = r10; r3 += -8; r4 = 9; call bpf_skb_load_bytes#26; r0 = 0; exit", (),
        "stack-bounds"),
}  # fmt: skip
SAFE = {
    "a value that is checked": (LOOKUP + "if r0 == 0 goto pc+1; r0 = *(u64 *)(r0 +0); exit", (HASH,)),
    "a copy is checked with it": (LOOKUP + "r7 = r0; if r0 == 0 goto pc+1; r0 = *(u64 *)(r7 +0); exit",
                                  (HASH,)),
    "a packet that is long enough": (
        "r2 = *(u32 *)(r1 +76); r3 = *(u32 *)(r1 +80); r4 = r2; r4 += 8; if r4 > r3 goto pc+1; r0 = *(u64 "
        "*)(r2 +0); r0 = 0; exit",
        ()),
    "a bounded loop": ("r0 = 0; r0 += 1; if r0 < 100 goto pc-2; exit", ()),
}  # fmt: skip


@pytest.mark.parametrize("name", UNSAFE)
def test_unsafe(name: str) -> None:
    text, maps, rule = UNSAFE[name]
    answer = _judge(text, *maps)
    assert (answer.verdict, answer.rule and answer.rule.name) == (ReferenceVerdict.UNSAFE, rule), answer


@pytest.mark.parametrize("name", SAFE)
def test_safe(name: str) -> None:
    text, maps = SAFE[name]
    answer = _judge(text, *maps)
    assert answer.verdict is ReferenceVerdict.SAFE, answer


def test_bytes_never_written_are_no_ones_business_without_privilege() -> None:
    text = "r0 = *(u64 *)(r10 -8); r0 = 0; exit"
    socket_filter = ProgramType.SOCKET_FILTER
    assert _judge(text, type_=socket_filter).verdict is ReferenceVerdict.SAFE
    answer = _judge(text, type_=socket_filter, privileged=False)
    assert (answer.verdict, answer.rule and answer.rule.name) == (
        ReferenceVerdict.UNSAFE,
        "uninitialised-stack",
    )


ROUND = "r0 = 0; r6 = 0; may_goto pc+2; r6 += 1; goto pc-3; "
READ = "r1 = r10; r1 += -8; r6 &= {}; *(u64 *)(r10 -8) = 0; r1 += r6; r0 = *(u8 *)(r1 +0); r0 = 0; exit"


def test_a_loop_of_unknown_length_is_walked_for_every_length() -> None:
    assert _judge(ROUND + READ.format(7)).verdict is ReferenceVerdict.SAFE
    assert _judge(ROUND + READ.format(15)).verdict is not ReferenceVerdict.SAFE
    pointer = (
        "r0 = 0; r1 = r10; r1 += -8; *(u64 *)(r10 -8) = 0; may_goto pc+3; r0 += 1; r1 += -8; goto pc-4; "
    )
    assert _judge(pointer + "r0 = *(u8 *)(r1 +0); r0 = 0; exit").verdict is not ReferenceVerdict.SAFE
    spilled = "r0 = 0; *(u64 *)(r10 -8) = 0; may_goto pc+4; r6 = *(u64 *)(r10 -8); r6 += 1; *(u64 *)(r10 -8) = r6; goto pc-5; "
    body = "r6 = *(u64 *)(r10 -8); r9 = map[0][0]+0; {}r9 += r6; r0 = *(u8 *)(r9 +0); r0 = 0; exit"
    assert _judge(spilled + body.format("r6 &= 7; "), VALUE).verdict is ReferenceVerdict.SAFE
    assert _judge(spilled + body.format(""), VALUE).verdict is not ReferenceVerdict.SAFE
