"""What the state says of a program holds in every run of it; a few things that runs seldom show; attempts."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import product

import pytest

from ebpf.isa import opcodes as o
from ebpf.isa.build import (
    R0,
    R1,
    R2,
    R3,
    R6,
    R7,
    R8,
    R9,
    R10,
    add64,
    jump,
    jump32,
    leave,
    load,
    load_imm64,
    load_map,
    mov64,
    movsx,
    store,
)  # fmt: skip
from ebpf.isa.insn import Insn
from ebpf.maps import MapSpec, MapType
from ebpf.program import Case, Input, Program
from ebpf.program_types import ProgramType
from generators import programs
from generators.attempts import DoesNotFit
from generators.builder import Builder
from generators.dice import Dice
from generators.profiles import Profile
from generators.resources import Resource, ResourceKind
from generators.state import ANY, U64, GenerationState, KnownPointer, Number, PointerKind
from generators.steps import within_packet
from generators.transfer.jumps import outcomes
from oracles.interpreter import Returned, Step, run
from oracles.interpreter.runs import STEP_LIMIT
from tests.generators.drawing import draws, ran


@dataclass(slots=True)
class Recorder(Builder):
    """Remembers what it knew after each instruction; not of those that were undone."""

    known: dict[int, tuple[Insn, GenerationState]] = field(default_factory=dict)

    def emit(self, insn: Insn) -> int:
        at = Builder.emit(self, insn)
        if self.state.reachable:
            self.known[at] = insn, self.state.copy()
        return at

    def states(self) -> dict[int, GenerationState]:
        return {at: state for at, (insn, state) in self.known.items() if self.insns[at] is insn}


@pytest.mark.parametrize("linux", [(5, 10), (7, 3)])
def test_what_is_known_holds_in_every_run(linux: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    builders: list[Recorder] = []

    def recorder(*args: object, **named: object) -> Recorder:
        builders.append(Recorder(*args, **named))  # type: ignore[arg-type]
        return builders[-1]

    monkeypatch.setattr(programs, "Builder", recorder)
    checked = narrow = 0
    for made in draws(120, Profile(linux=linux, near_misses_in=0, daring_in=0, inputs=3), seed=4):
        known = builders[-1].states()
        for data in made.case.inputs:
            trace: list[Step] = []
            assert ran(run(made.case, data, trace=trace, limit=STEP_LIMIT))
            for step in trace:
                if step.frame != 0 or step.depth != 0 or step.at not in known:
                    continue
                for register, content in known[step.at].registers.items():
                    value = step.registers[register]
                    if isinstance(content, Number):
                        assert isinstance(value, int), (made.case, step.at, register)
                        assert content.low <= value <= content.high, (made.case, step.at, register)
                        narrow += content != ANY
                    else:
                        assert not isinstance(value, int) or content.nullable, (made.case, step.at, register)
                    checked += 1
    assert checked > 20_000
    assert narrow > 3_000


def builder(kind: ProgramType = ProgramType.SCHED_CLS) -> Builder:
    b = Builder(kind, Profile(linux=(7, 3)), True)
    b.maps = [MapSpec(MapType.ARRAY, 4, 24, 3), MapSpec(MapType.RINGBUF, 0, 0, 4096)]
    b.emit(mov64(R6, R1))
    return b


def test_a_reference_is_held_until_it_is_given_back_or_was_null() -> None:
    b = builder()
    b.emit_wide(load_map(R1, 1))
    b.emit(mov64(R2, 16))
    b.emit(mov64(R3, 0))
    b.call_helper("ringbuf_reserve")
    record = b.state.pointer(R0)
    assert (record.kind, record.size, record.nullable) == (PointerKind.MEMORY, 16, True)
    assert b.state.held == (Resource(ResourceKind.RECORD, record.reference),)
    b.emit(mov64(R7, R0))
    b.leave_to_exit(jump(o.JEQ, R0, 0))
    assert not b.exits[0].state.held
    assert b.exits[0].state.registers[R0] == b.exits[0].state.registers[R7] == Number(0, 0)
    assert not b.state.pointer(R7).nullable
    b.emit(mov64(R1, R7))
    b.call_helper("ringbuf_submit")
    assert not b.state.held
    assert R7 not in b.state.registers


def test_a_lookup_gives_the_maps_value_or_null() -> None:
    b = builder()
    b.emit_wide(load_map(R1, 0))
    b.call_helper("map_lookup_elem")
    found = b.state.pointer(R0)
    assert found == KnownPointer(PointerKind.MAP_VALUE, 24, nullable=True, id=found.id, map=0)
    b.emit(mov64(R8, R0))
    taken = b.branch(jump(o.JNE, R0, 0))
    assert b.state.registers[R8] == Number(0, 0)
    b.resume(taken)
    b.emit(add64(R8, 16))
    assert b.state.pointer(R8).size == 8


def test_packet_pointers_are_proven_together() -> None:
    b = builder()
    b.emit(load(o.W, R7, R6, 76))
    b.emit(load(o.W, R9, R6, 80))
    b.emit(mov64(R2, R7))
    b.emit(add64(R2, 14))
    b.leave_to_exit(jump(o.JGT, R2, R9))
    assert b.state.pointer(R7) == KnownPointer(PointerKind.PACKET, 14)
    assert b.state.pointer(R2).size == 0
    b.emit(mov64(R3, 5))
    b.emit(add64(R2, R3))
    assert b.state.pointer(R2).offset == 19
    b.emit(load(o.B, R3, R7, 0))
    b.emit(add64(R2, R3))
    assert b.state.pointer(R2).id != b.state.pointer(R7).id
    b.emit(mov64(R1, R6))
    b.emit(mov64(R2, 64))
    b.call_helper("skb_pull_data")
    assert b.state.pointers(PointerKind.PACKET) == b.state.pointers(PointerKind.PACKET_END) == []


@pytest.mark.parametrize("form", range(8))
def test_each_comparison_with_the_packet_s_end_proves_its_bytes(form: int) -> None:
    """Where the program goes on; and nothing is proven where it leaves."""
    b = builder()
    b.emit(load(o.W, R7, R6, 76))
    b.emit(load(o.W, R9, R6, 80))
    b.emit(mov64(R2, R7))
    b.emit(add64(R2, 14))
    within_packet(b, Dice(form), R2, R9)
    assert b.state.pointer(R7) == KnownPointer(PointerKind.PACKET, 14)
    (left,) = b.exits
    assert left.state.pointers(PointerKind.PACKET) == [] or left.state.pointer(R7).size == 0


def test_slots_keep_what_is_spilled_whole() -> None:
    b = builder()
    b.emit(mov64(R2, 7))
    b.emit(store(o.DW, R10, -8, R2))
    b.emit(store(o.DW, R10, -16, R6))
    assert b.state.slots == {-8: Number(7, 7), -16: KnownPointer(PointerKind.CONTEXT)}
    b.emit(store(o.W, R10, -12, 1))
    b.emit(store(o.B, R10, -3, 1))
    b.emit(store(o.W, R10, -24, 1))
    assert b.state.slots == {-8: ANY, -16: ANY}


@pytest.mark.parametrize(("width", "high", "kept"), [(8, 127, True), (8, 128, False), (32, 1 << 31, False)])
def test_sign_extension_changes_nothing_of_what_is_small(width: int, high: int, kept: bool) -> None:
    b = builder()
    b.emit(mov64(R2, high))
    b.emit(movsx(R3, R2, width))
    assert (b.state.registers[R3] == Number(high, high)) == kept


def _fail(b: Builder) -> None:
    with b.attempt() as attempt:
        attempt.keep()
        b.emit(mov64(R7, 1 // 0))


def test_an_attempt_leaves_no_trace_unless_it_is_kept() -> None:
    b = builder()
    before = (list(b.insns), b.state.copy(), list(b.maps), list(b.exits), list(b.open), list(b.functions))
    for fails in (True, False):
        with b.attempt():
            b.maps.append(b.maps[0])
            b.emit(mov64(R7, 1))
            b.leave_to_exit(jump(o.JEQ, R7, 0))
            if fails:
                raise DoesNotFit
        assert (b.insns, b.state, b.maps, b.exits, b.open, b.functions) == before
    with pytest.raises(ZeroDivisionError):
        _fail(b)
    assert (b.insns, b.state, b.maps, b.exits, b.open, b.functions) == before
    with b.attempt() as attempt:
        b.emit(mov64(R7, 1))
        attempt.keep()
    assert b.state.registers[R7] == Number(1, 1)


@pytest.mark.parametrize("wide", [True, False])
def test_a_comparison_of_constants_is_decided_as_a_run_decides_it(wide: bool) -> None:
    numbers = (0, 1, 7, -1, -8, 1 << 31, (1 << 31) - 1, 0xFFFF_FFFF, 1 << 63, (1 << 63) - 1)
    ops = (o.JEQ, o.JNE, o.JGT, o.JGE, o.JLT, o.JLE, o.JSGT, o.JSGE, o.JSLT, o.JSLE, o.JSET)
    for op, one, other in product(ops, numbers, numbers):
        insn = (jump if wide else jump32)(op, R1, R2, 1)
        program = (*load_imm64(R1, one), *load_imm64(R2, other), mov64(R0, 7), insn, mov64(R0, 0), leave())
        outcome = run(Case(Program(ProgramType.SOCKET_FILTER, program)), Input(), limit=10)
        assert isinstance(outcome, Returned)
        state = GenerationState({R1: exactly(one), R2: exactly(other)})
        taken, falls = outcomes(state, insn)
        assert (taken is not None, falls is not None) == (outcome.r0 == 7, outcome.r0 == 0)


def exactly(number: int) -> Number:
    return Number(number & U64, number & U64)
