"""The way of a run as a program of its own: straight, up to a place, with what is held there stored to a map.

Every jump of the way becomes one that goes on where the run went, and ends the program where it did not.  So
the kernel explores one path, with nothing to prune, and what it claims there is about the very value stored.
Where it ends, all registers are free.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from conformance.observing.observation import Observation
from conformance.properties.claims import Holding
from ebpf import casefile
from ebpf.domains.limits import signed32, signed64
from ebpf.isa import opcodes as o
from ebpf.isa.insn import Insn
from ebpf.maps import MapSpec, MapType
from ebpf.return_ranges import return_range
from ebpf.verifier_log.effects import is_conditional, is_indirect, is_may_goto
from oracles.interpreter import Step
from reports.records import Holds, Refuses, Right, StoredRegister, Untellable

MAX_SLOTS = 4096
"""BPF_MAXINSNS (include/uapi/linux/bpf_common.h): of a program without privilege."""


class _NoWayError(Exception):
    """The way cannot be made straight; the text says why."""


class _Way:
    """The program in the making."""

    def __init__(self, observation: Observation) -> None:
        self.case = observation.case
        program = self.case.program
        allowed = return_range(program.type, program.attach_type, observation.release)
        self.end = (Insn(o.MOV | o.K | o.ALU64, 0, imm=allowed[0] if allowed else 0), Insn(o.EXIT | o.JMP))
        self.insns: list[Insn] = []
        self.kfuncs: list[tuple[int, str]] = []

    def go(self, trace: Sequence[Step], steps: int) -> None:
        """The first ``steps`` steps of a run."""
        program, names = self.case.program, dict(self.case.program.kfuncs)
        for n, step in enumerate(trace[:steps]):
            insn = program.instructions[step.at]
            if step.frame or step.depth or insn.names_subprogram:
                raise _NoWayError("the way leads through a subprogram")
            if is_conditional(insn):
                self.jump(insn, trace[n : n + 2])
            elif is_indirect(insn):
                raise _NoWayError("the way leads through a computed jump")
            elif insn.opcode not in (o.JA | o.JMP, o.JA | o.JMP32):
                if step.at in names:
                    self.kfuncs.append((len(self.insns), names[step.at]))
                self.insns.append(insn)
                if insn.opcode == o.LD_IMM64:
                    self.insns.append(program.instructions[step.at + 1])
        if len(self.insns) > MAX_SLOTS:
            raise _NoWayError("the way is too long")

    def jump(self, insn: Insn, way: Sequence[Step]) -> None:
        """A conditional jump; ``way`` are its step and the next."""
        if is_may_goto(insn) or len(way) < 2:
            raise _NoWayError("where the way goes is not the program's choice")
        if way[1].at == way[0].at + 1:
            self.insns += [replace(insn, off=1), Insn(o.JA | o.JMP, off=len(self.end)), *self.end]
        else:
            self.insns += [replace(insn, off=len(self.end)), *self.end]

    def address(self, register: int) -> None:
        """Of the map that is stored to."""
        index = len(self.case.program.maps)
        self.insns += [Insn(o.LD_IMM64, register, o.PSEUDO_MAP_VALUE, imm=index), Insn(0)]

    def store(self, address: int, registers: Iterable[int]) -> None:
        """Each to its place."""
        self.insns += [
            Insn(o.STX | o.MEM | o.DW, address, register, 8 * n) for n, register in enumerate(registers)
        ]

    def arrive(self, address: int, stored: int) -> None:
        """The mark behind so many registers, and the end."""
        self.insns += [Insn(o.ST | o.MEM | o.DW, address, 0, 8 * stored, 1), *self.end]

    def made(self, number: int, *maps: MapSpec) -> dict[str, Any]:
        """The case, with one input and more maps."""
        program = replace(
            self.case.program,
            instructions=tuple(self.insns),
            maps=(*self.case.program.maps, *maps),
            func_info=None,
            kfuncs=tuple(self.kfuncs),
        )
        return casefile.to_plain(replace(self.case, program=program, inputs=(self.case.inputs[number],)))


def to_claim(
    observation: Observation, number: int, trace: Sequence[Step], last: int, holding: Holding | None
) -> Right:
    """What holds a kernel to its claim about a number after step ``last`` of the run on an input."""
    if holding is None:
        return Untellable("the claim is not about a number")
    way, other = _Way(observation), _Way(observation)
    register = 2 if holding.register is None else holding.register
    free = 1 if register != 1 else 2
    try:
        for each in (way, other):
            each.go(trace, last + 1)
            if holding.register is None:
                each.insns.append(Insn(o.LDX | o.MEM | _SIZES[holding.width], register, 10, holding.slot))
    except _NoWayError as reason:
        return Untellable(str(reason))
    way.address(free)
    claimed = len(way.insns)
    way.store(free, [register])
    way.arrive(free, 1)
    case = way.made(number, _held(1))
    if holding.number is None:
        return Refuses(case)
    other.insns += [*_unless(register, holding.number, free), ILLEGAL, *other.end]
    return Holds(
        case, (StoredRegister(register, holding.number),), claimed, Refuses(other.made(number), ABOVE_STACK)
    )


def to_branch(observation: Observation, number: int, trace: Sequence[Step], last: int) -> Right:
    """The same where the kernel never goes where the jump of step ``last`` leads."""
    jump = observation.case.program.instructions[trace[last].at]
    registers = [jump.dst, jump.src] if jump.opcode & o.SOURCE_MASK == o.X else [jump.dst]
    values = [trace[last - 1].registers[register] if last else None for register in registers]
    stored = tuple(
        StoredRegister(register, value)
        for register, value in zip(registers, values, strict=True)
        if isinstance(value, int)
    )
    if len(stored) != len(registers):
        return Untellable("the jump compares pointers")
    free = next(register for register in range(3) if register not in registers)
    way, other = _Way(observation), _Way(observation)
    try:
        way.go(trace, last)
        way.address(free)
        way.store(free, registers)
        way.jump(jump, trace[last : last + 2])
        other.go(trace, last + 1)
    except _NoWayError as reason:
        return Untellable(str(reason))
    way.arrive(free, len(stored))
    other.insns += [ILLEGAL, *other.end]
    return Holds(
        way.made(number, _held(len(stored))), stored, refused=Refuses(other.made(number), ABOVE_STACK)
    )


_SIZES = {1: o.B, 2: o.H, 4: o.W, 8: o.DW}
ILLEGAL = Insn(o.LDX | o.MEM | o.DW, 0, 10, 8)
ABOVE_STACK = "invalid read from stack R10 off=8 size=8"
"""A read above the stack, and what kernels say of it (check_stack_access_within_bounds,
kernel/bpf/verifier.c, 6.1 to 7.3)."""


def _held(stored: int) -> MapSpec:
    return MapSpec(MapType.ARRAY, 4, 8 * (stored + 1), 1, name="held")


def _unless(register: int, value: int, free: int) -> list[Insn]:
    """Jumps over the next instruction where a register holds another value.

    All of it is compared first: where a comparison of the low half alone leaves the kernel's wrong bounds
    contradicting one another, it gives them up (reg_bounds_sanity_check, kernel/bpf/verifier.c, 6.8 on).
    """
    low, high = signed32(value), signed32(value >> 32)
    half = Insn(o.JNE | o.K | o.JMP32, register, off=1, imm=low)
    if signed64(value) == low:
        return [Insn(o.JNE | o.K | o.JMP, register, off=2, imm=low), half]
    load = [Insn(o.LD_IMM64, free, imm=low), Insn(0, imm=high)]
    return [*load, Insn(o.JNE | o.X | o.JMP, register, free, 2), half]
