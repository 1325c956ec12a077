"""Small cases the kernel tests share."""

from __future__ import annotations

from conformance.kernel.jobs import Attempt, Job
from ebpf.isa.insn import Insn
from ebpf.maps import MapSpec, MapType
from ebpf.program import Case, Input, Program
from ebpf.program_types import ProgramType

EXIT = Insn(0x95)
PACKET = bytes(range(64))


def mov(dst: int, imm: int) -> Insn:
    """dst = imm"""
    return Insn(0xB7, dst, imm=imm)


def returning(value: int) -> Case:
    """A socket filter that returns ``value``."""
    return Case(Program(ProgramType.SOCKET_FILTER, (mov(0, value), EXIT)), (Input(PACKET),))


def entries(count: int, base: int = 0x40) -> tuple[tuple[bytes, bytes], ...]:
    """Contents of an array of u64: ``base`` + index."""
    return tuple(
        [(index.to_bytes(4, "little"), (base + index).to_bytes(8, "little")) for index in range(count)]
    )


def counting(map_type: MapType = MapType.ARRAY, inputs: int = 2) -> Case:
    """Adds 5 to element 3 of a map and returns the sum, or 1 when there is no such element."""
    code = (
        Insn(0x62, 10, off=-4, imm=3),  # *(u32 *)(r10 - 4) = 3
        Insn(0xBF, 2, 10),
        Insn(0x07, 2, imm=-4),
        Insn(0x18, 1, 1),  # r1 = map 0
        Insn(0),
        Insn(0x85, imm=1),  # bpf_map_lookup_elem
        Insn(0x55, 0, off=2),  # if r0 != 0 goto +2
        mov(0, 1),
        EXIT,
        Insn(0x79, 6, 0),
        Insn(0x07, 6, imm=5),
        Insn(0x7B, 0, 6),
        Insn(0xBF, 0, 6),
        EXIT,
    )
    spec = MapSpec(map_type, 4, 8, 64, name="m0", contents=entries(64 if "ARRAY" in map_type.name else 8))
    return Case(Program(ProgramType.SOCKET_FILTER, code, (spec,)), (Input(PACKET),) * inputs)


def job(case: Case, *attempts: Attempt) -> Job:
    """With one plain attempt when none is given."""
    return Job(case, attempts or (Attempt(),))
