"""The table an oracle of runs is held to: small programs with what they must do.

Any oracle that judges a run can be measured against it: an interpreter gives the outcome, a verifier says
``safe`` where a row returns and names rule and instruction where it traps.  Nothing here is computed by an
oracle: arithmetic by ``ctypes``, the rest written out.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from ebpf.assembly.parser import assemble
from ebpf.btf.functions import function_starts
from ebpf.maps import MapField, MapFieldKind, MapSpec, MapType
from ebpf.program import Case, Input, Program
from ebpf.program_types import AttachType, ProgramType
from ebpf.rules import Rule
from generators.function_types import function_types

PACKET = bytes(14) + bytes(range(0x80, 0xC0))
"""What every row runs on: an Ethernet header of zeros, then 80, 81, 82, ..."""


@dataclass(frozen=True, slots=True)
class Returns:
    """The program exits with R0."""

    r0: int


@dataclass(frozen=True, slots=True)
class Traps:
    """The instruction in slot ``at`` breaks ``rule``."""

    rule: Rule
    at: int


@dataclass(frozen=True, slots=True)
class Row:
    """``text`` is assembly in the kernel's dialect, instructions separated by ``; ``.  ``privileged`` is how
    the program is loaded; ``helpers`` scripts what helpers give (:mod:`ebpf.helpers.script`)."""

    name: str
    text: str
    expected: Returns | Traps
    maps: tuple[MapSpec, ...] = ()
    type: ProgramType = ProgramType.SOCKET_FILTER
    privileged: bool = True
    packet: bytes = PACKET
    context: bytes = b""
    helpers: tuple[int, ...] = ()
    attach: AttachType | None = None
    objects: bool = False
    """Whether its BTF has the structs of :mod:`generators.local_types`."""

    def case(self) -> Case:
        """The program on its one input."""
        code = assemble(self.text.split("; "))
        program = Program(self.type, code.instructions, self.maps, self.attach, kfuncs=code.kfuncs)
        if self.objects:
            btf, func_info = function_types(function_starts(code.instructions), objects=True)
            program = replace(program, btf=btf, func_info=func_info)
        return Case(
            program,
            (Input(self.packet, self.context, self.helpers),),
            None if self.privileged else (),
            self.name,
        )


ARRAY = MapSpec(MapType.ARRAY, 4, 16, 2, contents=((bytes(4), bytes(range(1, 17))),))
HASH = MapSpec(MapType.HASH, 4, 8, 1, contents=((bytes(4), bytes([7] * 8)),))
CONSTANT = MapSpec(MapType.ARRAY, 4, 8, 1, flags=1 << 7, contents=((bytes(4), bytes([9] * 8)),))
SINK = MapSpec(MapType.ARRAY, 4, 8, 1, flags=1 << 8)
ARENA = MapSpec(MapType.ARENA, 0, 0, 16)
PROGRAMS = MapSpec(MapType.PROG_ARRAY, 4, 4, 4)
WORDS = MapSpec(MapType.ARRAY, 4, 8, 2)
LOCKED = MapSpec(MapType.ARRAY, 4, 16, 1, fields=(MapField(4, MapFieldKind.SPIN_LOCK),))
RECORDS = MapSpec(MapType.RINGBUF, 0, 0, 4096)
QUEUE = MapSpec(MapType.QUEUE, 0, 8, 2)
STACK = MapSpec(MapType.STACK, 0, 8, 2)
NESTED = MapSpec(MapType.ARRAY_OF_MAPS, 4, 4, 1, inner=MapSpec(MapType.ARRAY, 4, 4, 1))
SOCKETS = MapSpec(MapType.SOCKMAP, 4, 4, 1)
STRING = MapSpec(MapType.ARRAY, 4, 8, 1, flags=1 << 7, contents=((bytes(4), b"abc\0defg"),))
"""Read-only for programs: what a constant string may be in."""
