"""The machine: the trace it leaves, its limits, and what it says of outcomes no second run can be held to."""

from __future__ import annotations

import pytest

from ebpf.isa import Insn
from ebpf.maps import MapSpec, MapType
from ebpf.program import Case, Input, Program
from ebpf.program_types import ProgramType
from ebpf.rules import INFINITE_LOOP
from oracles.interpreter import Abstained, Returned, Trapped, run
from oracles.interpreter.environment import Addresses
from oracles.interpreter.memory import UNDEFINED, Pointer
from oracles.interpreter.runs import STEP_LIMIT
from tests.oracles.interpreter.machines import outcome, program, traced

ARRAY = MapSpec(MapType.ARRAY, 4, 8, 1)
STORE = "*(u32 *)(r10 -4) = 0; r2 = r10; r2 += -4; r1 = map[0]; call bpf_map_lookup_elem#1; if r0 == 0 goto pc+1; "


def test_a_step_shows_the_registers_after_it() -> None:
    steps = traced("r0 = 5; *(u16 *)(r10 -8) = 515; r0 += 1; exit")
    assert [(step.at, step.registers[0], step.frame, step.depth) for step in steps] == [
        (0, 5, 0, 0),
        (1, 5, 0, 0),
        (2, 6, 0, 0),
        (3, 6, 0, 0),
    ]
    assert steps[0].registers[2] is UNDEFINED
    assert isinstance(steps[0].registers[1], Pointer)
    assert any(steps[0].stack.written) is False
    assert steps[1].stack.data[504:506] == b"\3\2"
    assert [at for at, written in enumerate(steps[1].stack.written) if written] == [504, 505]
    assert steps[1].stack is steps[2].stack


def test_a_step_shows_spilled_pointers() -> None:
    steps = traced("*(u64 *)(r10 -8) = r10; *(u8 *)(r10 -1) = 0; r0 = 0; exit")
    assert set(steps[0].stack.pointers) == {504}
    assert steps[1].stack.pointers == {}


def test_frames_in_the_trace() -> None:
    steps = traced("*(u64 *)(r10 -8) = 1; call pc+1; exit; *(u64 *)(r10 -16) = 2; r0 = 0; exit")
    assert [(step.at, step.frame, step.depth) for step in steps] == [
        (0, 0, 0),
        (1, 0, 1),
        (3, 1, 1),
        (4, 1, 1),
        (5, 1, 0),
        (2, 0, 0),
    ]
    assert not any(steps[1].stack.written)
    assert steps[4].stack == steps[0].stack
    assert all(steps[4].registers[r] is UNDEFINED for r in range(1, 6))


def test_callbacks_in_the_trace() -> None:
    text = "r1 = 2; r2 = subprog[+5]; r3 = 0; r4 = 0; call bpf_loop#181; exit; r0 = 0; exit"
    assert [(step.at, step.frame, step.depth) for step in traced(text)] == [
        (0, 0, 0),
        (1, 0, 0),
        (3, 0, 0),
        (4, 0, 0),
        (7, 1, 1),
        (8, 1, 0),
        (7, 1, 1),
        (8, 1, 0),
        (5, 0, 0),
        (6, 0, 0),
    ]


def test_a_trap_leaves_no_step() -> None:
    assert [step.at for step in traced("r0 = 0; r0 = r5; exit")] == [0]


@pytest.mark.parametrize("limit", [1, 2, 50])
def test_the_step_limit(limit: int) -> None:
    assert outcome("r0 = 0; goto pc-1; exit", limit=limit) == Abstained(1, f"step limit of {limit}")


def test_exactly_as_many_steps_as_allowed() -> None:
    assert isinstance(outcome("r0 = 0; r0 = 1; exit", limit=3), Returned)
    assert isinstance(outcome("r0 = 0; r0 = 1; exit", limit=2), Abstained)


@pytest.mark.parametrize(
    ("text", "predictable"),
    [
        ("r0 = 1; exit", True),
        ("r0 = r10; exit", False),
        ("r0 = r10; r0 -= r10; exit", True),
        ("r0 = r10; r0 ^= r10; exit", True),
        ("r0 = r10; r0 &= 7; exit", True),
        ("r0 = r10; r0 *= 3; exit", False),
        ("r0 = r1; r0 -= r10; exit", False),
        ("r0 = 1; if r1 > r10 goto pc+1; r0 = 0; exit", False),
        ("r0 = 1; if r1 == r10 goto pc+1; r0 = 0; exit", True),
        ("r0 = 1; if r10 s> 5 goto pc+1; r0 = 0; exit", True),
        ("r1 = r10; r1 += -536870911; r0 = 1; if r1 < r10 goto pc+1; r0 = 0; exit", True),
        ("r1 = r10; r1 += -536870911; r0 = 1; if w1 < w10 goto pc+1; r0 = 0; exit", False),
        ("r0 = 1; if r10 == 0 goto pc+1; r0 = 2; exit", True),
        *(
            (f"r0 = 1; w2 = {limit}; if w2 {op} w1 goto pc+1; r0 = 2; exit", False)
            for limit in (0x1484849, 0x8000000, 0x20000000, 0x70000000, -0x1000000, -0x8000000, -0x20000000)
            for op in (">=", "<=", ">", "<")
        ),
        # A kernel's context was at 0x...b0, and a byte of that in a packet was held against 0.
        *(
            (f"r0 = {pointer}; r0 >>= {bit}; r0 &= {mask}; exit", False)
            for pointer in ("r1", "r10")
            for bit, mask in ((0, 0xFF), (0, 8), (4, 0xFF), (8, 0xF), (11, 1))
        ),
        ("r0 = r1; r0 -= r10; r0 &= 255; exit", False),
        ("call bpf_get_prandom_u32#7; exit", False),
        ("call bpf_get_prandom_u32#7; r0 = 1; exit", False),
        ("call bpf_ktime_get_ns#5; exit", False),
        ("r0 = *(u64 *)(r10 -8); exit", False),
        ("r0 = *(u32 *)(r1 +68); exit", False),
        ("*(u64 *)(r10 -8) = r10; *(u8 *)(r10 -8) = 0; r0 = *(u64 *)(r10 -8); exit", False),
        ("*(u64 *)(r10 -8) = r10; r0 = *(u32 *)(r10 -8); exit", False),
        ("*(u64 *)(r10 -8) = r10; *(u64 *)(r10 -8) = 4; r0 = *(u32 *)(r10 -8); exit", True),
        ("*(u64 *)(r10 -12) = r10; *(u64 *)(r10 -8) = 4; r0 = *(u64 *)(r10 -8); exit", True),
        ("*(u64 *)(r10 -16) = r10; *(u32 *)(r10 -8) = r10; r0 = *(u32 *)(r10 -8); exit", False),
    ],
)
def test_predictability(text: str, predictable: bool) -> None:
    assert outcome(text).predictable is predictable


def test_a_loop_is_seen_with_pointers_on_the_stack() -> None:
    result = outcome("*(u64 *)(r10 -8) = r10; *(u64 *)(r10 -16) = r1; r0 = 0; goto pc-1")
    assert isinstance(result, Trapped)
    assert result.rule is INFINITE_LOOP


COUNTING = (
    "*(u32 *)(r10 -4) = 0; r2 = r10; r2 += -4; r1 = map[0]; call bpf_map_lookup_elem#1; r6 = r0; r1 = r6; "
    "r2 = r10; r2 += -4; call bpf_map_lookup_elem#1; r1 = *(u64 *)(r0 +0); r1 += 1; *(u64 *)(r0 +0) = r1; "
    "r0 = 0; if r1 == {} goto pc+2; r1 = 0; goto pc-11; exit"
)
"""Goes round until the first value of an inner map is so large; nothing else of the state changes."""


@pytest.mark.parametrize("inner", [MapType.ARRAY, MapType.HASH], ids=lambda kind: kind.name)
def test_a_loop_that_an_inner_map_ends(inner: MapType) -> None:
    spec = MapSpec(inner, 4, 8, 1, contents=((bytes(4), bytes(8)),))
    outer = MapSpec(MapType.ARRAY_OF_MAPS, 4, 4, 1, inner=spec)
    result = outcome(COUNTING.format(300), outer, data=Input(bytes(64), helpers=(1,)), limit=10_000)
    assert isinstance(result, Returned)


def test_a_loop_that_leaves_an_inner_map_as_it_was() -> None:
    outer = MapSpec(MapType.ARRAY_OF_MAPS, 4, 4, 1, inner=ARRAY)
    text = COUNTING.replace("r1 += 1", "r1 += 0").format(300)
    result = outcome(text, outer, data=Input(bytes(64), helpers=(1,)), limit=10_000)
    assert isinstance(result, Trapped)
    assert result.rule is INFINITE_LOOP


@pytest.mark.parametrize(
    ("text", "detail"),
    [
        ("*(u64 *)(r10 -520) = 0; r0 = 0; exit", "fp-520: below the 512 bytes of stack"),
        ("*(u64 *)(r10 -516) = 0; r0 = 0; exit", "fp-516: below the 512 bytes of stack"),
        ("*(u64 *)(r10 -4) = 0; r0 = 0; exit", "fp-4: 8 bytes, beyond the end of the stack"),
        ("*(u8 *)(r10 +0) = 0; r0 = 0; exit", "fp+0: 1 byte, beyond the end of the stack"),
        ("r2 = map[0][0]+0; *(u64 *)(r2 +4) = 0; r0 = 0; exit", "8 bytes at map[0]+4, which has 8 bytes"),
    ],
    ids=lambda text: text,
)
def test_an_access_outside_says_where(text: str, detail: str) -> None:
    result = outcome(text, ARRAY)
    assert isinstance(result, Trapped)
    assert result.detail == detail


def test_the_packet_is_unknown_after_a_helper_that_changes_it() -> None:
    text = (
        "r6 = r1; r2 = 0; r3 = 1; call bpf_skb_vlan_push#18; r0 = *(u32 *)(r6 +76); r0 = *(u8 *)(r0 +0); exit"
    )
    result = outcome(text, type=ProgramType.SCHED_CLS)
    assert isinstance(result, Abstained)
    assert result.reason == "the packet after bpf_skb_vlan_push"


def test_a_packet_may_begin_anywhere() -> None:
    low_bits = outcome("r0 = *(u32 *)(r1 +0); r0 &= 3; exit", type=ProgramType.XDP)
    assert isinstance(low_bits, Returned)
    assert not low_bits.predictable


def test_an_address_in_a_map_is_unpredictable() -> None:
    leaking = outcome(STORE + "*(u64 *)(r0 +0) = r10; r0 = 0; exit", ARRAY)
    assert isinstance(leaking, Returned)
    assert leaking.predictable is False
    byte = outcome(STORE + "*(u8 *)(r0 +0) = r10; r0 = 0; exit", ARRAY)
    assert byte.predictable is False
    mended = outcome(STORE + "*(u64 *)(r0 +0) = r10; *(u64 *)(r0 +0) = 3; r0 = 0; exit", ARRAY)
    assert mended == Returned(0, (((bytes(4), (3).to_bytes(8, "little")),),), bytes(64))


def test_a_trap_with_an_address_in_its_words_is_predictable() -> None:
    trapped = outcome("r1 = r10; r1 *= 1; r0 = *(u8 *)(r1 +0); exit")
    assert isinstance(trapped, Trapped)
    assert trapped.predictable


def test_seeds_change_what_is_unpredictable_and_nothing_else() -> None:
    case = program("call bpf_get_prandom_u32#7; exit")
    results = {run(case, Input(), seed=seed, limit=STEP_LIMIT) for seed in range(5)}
    assert len(results) == 5
    assert run(case, Input(), seed=3, limit=STEP_LIMIT) == run(case, Input(), seed=3, limit=STEP_LIMIT)


def test_adversarial_addresses_have_no_low_half() -> None:
    steps_of = [
        run(program("r0 = r10; w0 = w0; exit"), Input(), addresses=addresses, limit=STEP_LIMIT)
        for addresses in Addresses
    ]
    assert [outcome.r0 % 512 if isinstance(outcome, Returned) else None for outcome in steps_of] == [0, 0]
    adversarial = run(
        program("r0 = r10; r0 -= 512; w0 = w0; exit"),
        Input(),
        addresses=Addresses.ADVERSARIAL,
        limit=STEP_LIMIT,
    )
    assert isinstance(adversarial, Returned)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("call kfunc#5+0", "kernel function calls"),
        ("r1 = btf_id[5]+0; exit", "64-bit immediate of kind 3"),
        ("r1 = map[4]; exit", "64-bit immediate of kind 1"),
    ],
)
def test_abstentions_are_named(text: str, reason: str) -> None:
    result = outcome(text, type=ProgramType.SCHED_CLS)
    assert isinstance(result, Abstained)
    assert result.reason == reason


ARENA = MapSpec(MapType.ARENA, 0, 0, 4)
CAST = "r1 = 64; r2 = addr_space_cast(r1, 0, 1); "


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (CAST + "*(u32 *)(r2 +4) = 1; r0 = *(u64 *)(r2 +0); exit", "arena bytes written before"),
        (CAST + "*(u8 *)(r2 +7) = 1; r0 = *(u64 *)(r2 +0); exit", "arena bytes written before"),
        (CAST + "r3 = 1; lock *(u64 *)(r2 +0) += r3; exit", "an atomic operation on arena memory"),
        ("r1 = map[0]; r0 = *(u64 *)(r1 +0); exit", "the fields of struct bpf_map"),
        ("r0 = 0; r0 += 1; may_goto pc+1; goto pc-3; exit", "step limit of 1000"),
    ],
)
def test_abstentions_with_a_map(text: str, reason: str) -> None:
    result = outcome(text, ARENA)
    assert isinstance(result, Abstained)
    assert result.reason.startswith(reason)


@pytest.mark.parametrize("offset", [8, -4])
def test_other_arena_bytes_are_still_zero(offset: int) -> None:
    result = outcome(
        CAST + f"*(u32 *)(r2 +{offset}) = 1; r0 = *(u64 *)(r2 +0); exit".replace("+-", "-"), ARENA
    )
    assert isinstance(result, Returned)
    assert result.r0 == 0


def test_the_users_address_of_an_arena_is_unpredictable() -> None:
    result = outcome("r0 = map[0][0]+8; exit", ARENA)
    assert isinstance(result, Returned)
    assert not result.predictable
    assert result.r0 % 4096 == 8
    again = outcome("r1 = 64; r0 = addr_space_cast(r1, 1, 0); exit", ARENA)
    assert isinstance(again, Returned)
    assert not again.predictable
    assert again.r0 & 0xFFFF_FFFF == 64
    assert again.r0 >> 32 != 0


def test_a_map_descriptor_has_no_upper_half() -> None:
    slots = (Insn(0x18, 0, 1), Insn(0, imm=1), Insn(0x95))
    result = run(Case(Program(ProgramType.XDP, slots, (ARRAY,))), Input(), limit=STEP_LIMIT)
    assert isinstance(result, Trapped)
    assert (result.rule.name, result.at) == ("immediate-halves", 0)


def test_a_byte_never_written_is_read_the_same_twice() -> None:
    result = outcome("r0 = *(u64 *)(r10 -8); r1 = *(u32 *)(r10 -8); w2 = w0; r0 = r1; r0 -= r2; exit")
    assert isinstance(result, Returned)
    assert result.r0 == 0


def test_contexts_that_are_not_modelled() -> None:
    result = outcome("r0 = *(u64 *)(r1 +0); exit", type=ProgramType.TRACING)
    assert result == Abstained(0, "the context of tracing")


def test_an_empty_program_traps() -> None:
    result = run(Case(Program(ProgramType.XDP, ())), Input(), limit=STEP_LIMIT)
    assert isinstance(result, Trapped)
    assert (result.rule.name, result.at) == ("jump-out-of-range", 0)


def test_inputs_are_left_alone() -> None:
    data = Input(bytearray(b"abcdefghijklmnop"))  # type: ignore[arg-type]
    case = Case(
        Program(ProgramType.XDP, (Insn(0x61, 2, 1), Insn(0x72, 2, 0, 0, 1), Insn(0xB7, 0), Insn(0x95)))
    )
    result = run(case, data, limit=STEP_LIMIT)
    assert isinstance(result, Returned)
    assert result.packet == b"\1bcdefghijklmnop"
    assert data.packet == b"abcdefghijklmnop"
