"""The programs that a point gives: one that must be refused, and one that shows what its registers held."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from conformance.observing.observation import Observation
from conformance.properties.embedding.points import Point, points
from conformance.properties.way import ILLEGAL
from ebpf.editing import guard
from ebpf.isa import opcodes as o
from ebpf.isa.insn import Insn
from ebpf.maps import MapType
from ebpf.program import Case
from ebpf.return_ranges import return_range

WORD = (1 << 32) - 1
MAX_SCALARS = 9


@dataclass(frozen=True, slots=True)
class Embedding:
    """Both programs of a point."""

    point: Point
    illegal: Case
    """Refused by a kernel that thinks the point possible."""
    probe: Case
    """Stores what the registers hold there to the last map, and ends."""
    probed: tuple[tuple[int, int], ...]
    """(offset in that map's value, number expected there)."""


def embeddings(observation: Observation) -> tuple[Embedding, ...]:
    """The points of a run with their programs, in its order; none where the program cannot be changed so."""
    program = observation.case.program
    if not observation.accepted or program.func_info is not None or program.kfuncs:
        return ()  # the places that these name would have to move too
    maps = program.maps
    if not maps or maps[-1].type is not MapType.ARRAY or maps[-1].max_entries != 1 or maps[-1].flags:
        return ()
    made = (_embedding(observation, point) for point in points(observation))
    return tuple(each for each in made if each is not None)


def _embedding(observation: Observation, point: Point) -> Embedding | None:
    case = observation.case
    scalars = point.scalars[:MAX_SCALARS]
    held = {register for register, _ in scalars}
    free = next((register for register in range(10) if register not in held), None)
    if free is None:
        free, scalars = scalars[-1][0], scalars[:-1]
    size = case.program.maps[-1].value_size
    probed = tuple((8 * n, value) for n, (_, value) in enumerate(scalars) if 8 * n + 8 <= size)
    if not probed:
        return None
    illegal = (*_unless_equal(scalars), ILLEGAL)
    allowed = return_range(case.program.type, case.program.attach_type, observation.release)
    result = allowed[0] if allowed else 0
    probe = (
        Insn(o.LD_IMM64, free, o.PSEUDO_MAP_VALUE, imm=len(case.program.maps) - 1),
        Insn(0),
        *(Insn(o.STX | o.MEM | o.DW, free, scalars[offset // 8][0], offset) for offset, _ in probed),
        Insn(o.MOV | o.K | o.ALU64, 0, imm=result),
        # Never taken; without it what follows would be unreachable, for which kernels refuse a program.
        Insn(o.JNE | o.K | o.JMP, 0, off=1, imm=result),
        Insn(o.EXIT | o.JMP),
    )
    alone = replace(case, inputs=(case.inputs[point.input],))
    return Embedding(point, _with(alone, point.at, illegal), _with(alone, point.at, probe), probed)


def _with(case: Case, at: int, new: tuple[Insn, ...]) -> Case:
    insns = guard(case.program.instructions, at, new)
    return replace(case, program=replace(case.program, instructions=insns))


def _unless_equal(scalars: tuple[tuple[int, int], ...]) -> Iterator[Insn]:
    """Comparisons that jump behind what follows them by one where a register holds another number: of all 64
    bits where an immediate can say them, else of the low 32."""
    for n, (register, value) in enumerate(scalars):
        off = len(scalars) - n
        low = value & WORD
        signed = low - (1 << 32) if low >> 31 else low
        wide = signed % (1 << 64) == value
        yield Insn(o.JNE | o.K | (o.JMP if wide else o.JMP32), register, off=off, imm=signed)
