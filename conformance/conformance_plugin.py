"""bpf_conformance's programs, wrapped so that a kernel and the interpreter run them alike.

The protocol (bpf_conformance, libbpf_plugin): the program finds memory at R1 and its length in R2, and what counts is all of R0.  A
kernel returns 32 bits of it; so the program becomes a function that a main program calls, which stores R0 to a map.
"""

from __future__ import annotations

import re

from ebpf.errors import InputError
from ebpf.isa import opcodes as o
from ebpf.isa.insn import Insn, decode
from ebpf.maps import MapSpec, MapType
from ebpf.program import Case, Input, Program
from ebpf.program_types import ProgramType

RESULT = 1
"""Index of the map that holds R0 afterwards."""
PACKET = Input(packet=bytes(64))


def parse_hex(text: str, what: str) -> bytes:
    """Bytes from hex digits, with or without white space.  Raises :class:`InputError` naming ``what``."""
    digits = re.sub(r"\s+", "", text)
    try:
        return bytes.fromhex(digits)
    except ValueError:
        odd = "odd number of digits: truncated?" if len(digits) % 2 else f"{digits[:40]!r}"
        raise InputError(f"{what}: not hexadecimal: {odd}") from None


def wrap(program: bytes, memory: bytes) -> Case:
    """The case that runs ``program`` on ``memory``.  Raises :class:`InputError` when the program is empty or cut."""
    insns = decode(program)
    if not insns:
        raise InputError("program: empty")
    maps = (
        MapSpec(MapType.ARRAY, 4, max(1, len(memory)), 1, name="memory", contents=((bytes(4), memory or bytes(1)),)),
        MapSpec(MapType.ARRAY, 4, 8, 1, name="result"),
    )
    main = [
        *(_map_value(1, 0) if memory else (Insn(o.MOV | o.K | o.ALU64, 1),)),
        Insn(o.MOV | o.K | o.ALU64, 2, imm=len(memory)),
        Insn(o.CALL | o.JMP, src=o.CALL_LOCAL, imm=5),
        *_map_value(1, RESULT),
        Insn(o.STX | o.MEM | o.DW, 1, 0),
        Insn(o.MOV | o.K | o.ALU64, 0),
        Insn(o.EXIT | o.JMP),
    ]
    return Case(Program(ProgramType.SOCKET_FILTER, (*main, *insns), maps), (PACKET,), name="bpf_conformance")


def _map_value(register: int, index: int) -> tuple[Insn, Insn]:
    return Insn(o.LD_IMM64, register, o.PSEUDO_MAP_VALUE, imm=index), Insn(0)


def result(maps: tuple[tuple[tuple[bytes, bytes], ...] | None, ...]) -> int:
    """R0, from the maps after a run."""
    contents = maps[RESULT]
    assert contents is not None
    return int.from_bytes(contents[0][1], "little")
