"""Programs that misbehave on their first input, by hand: kernels refuse each, so that an acceptance is a
lie."""

from __future__ import annotations

from ebpf import rules
from ebpf.assembly import parse
from ebpf.maps import MapSpec, MapType
from ebpf.program import Case, Input, Program
from ebpf.program_types import ProgramType
from ebpf.rules import Rule
from generators.programs import Generated, Purpose

MAP = MapSpec(MapType.ARRAY, 4, 64, 1, name="m0")
MARK = 8
"""Offset of ``mark`` in struct __sk_buff: a number that a test run chooses."""

_PROGRAMS: dict[str, tuple[Rule, ProgramType, bool, str]] = {
    "mask too wide": (rules.MAP_VALUE_BOUNDS, ProgramType.SOCKET_FILTER, True, """
        r2 = *(u32 *)(r1 +8)
        r2 &= 127
        r1 = map[0][0]+0
        r1 += r2
        r0 = *(u8 *)(r1 +0)
        exit"""),
    "unchecked lookup": (rules.NULL_DEREFERENCE, ProgramType.SOCKET_FILTER, True, """
        r2 = *(u32 *)(r1 +8)
        *(u32 *)(r10 -4) = r2
        r2 = r10
        r2 += -4
        r1 = map[0]
        call bpf_map_lookup_elem#1
        r0 = *(u8 *)(r0 +0)
        exit"""),
    "stack never written": (rules.UNINITIALISED_STACK, ProgramType.SOCKET_FILTER, False, """
        r0 = *(u64 *)(r10 -8)
        exit"""),
    "packet too short": (rules.PACKET_BOUNDS, ProgramType.XDP, True, """
        r2 = *(u32 *)(r1 +0)
        r3 = *(u32 *)(r1 +4)
        r4 = r2
        r4 += 14
        if r4 > r3 goto pc+2
        r0 = *(u8 *)(r2 +20)
        exit
        r0 = 0
        exit"""),
    "register never written": (rules.UNINITIALISED_REGISTER, ProgramType.SOCKET_FILTER, True, """
        r0 = r3
        exit"""),
    "above the stack": (rules.STACK_BOUNDS, ProgramType.SOCKET_FILTER, True, """
        *(u64 *)(r10 +8) = 1
        r0 = 0
        exit"""),
    "a number dereferenced": (rules.SCALAR_DEREFERENCE, ProgramType.SOCKET_FILTER, True, """
        r2 = 1
        r0 = *(u32 *)(r2 +0)
        exit"""),
    "no return value": (rules.NO_RETURN_VALUE, ProgramType.SOCKET_FILTER, True, """
        exit"""),
}  # fmt: skip

UNSAFE: dict[str, Rule] = {name: entry[0] for name, entry in _PROGRAMS.items()}
"""The rule that each breaks when run."""


def unsafe() -> list[Generated]:
    """All of them, each with an input that shows it."""
    made = []
    for name, (_, kind, privileged, source) in _PROGRAMS.items():
        insns = parse(source.splitlines())
        maps = (MAP,) if any(insn.opcode == 0x18 for insn in insns) else ()
        data = (
            Input(bytes(14))
            if kind is ProgramType.XDP
            else Input(bytes(64), bytes(MARK) + (100).to_bytes(4, "little"))
        )
        case = Case(Program(kind, insns, maps), (data,), None if privileged else (), name)
        made.append(Generated(case, Purpose.DARING))
    return made
