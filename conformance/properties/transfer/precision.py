"""How far a claim that holds is from the tightest one, for the operation that an experiment is about."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from math import log2

from conformance.observing.observation import Observation
from conformance.properties.transfer.points import Claimed
from ebpf.domains import ScalarRange
from ebpf.isa import opcodes as o
from ebpf.isa.insn import Insn, encode
from oracles.paths.tightest import tightest
from oracles.terms.atomics import result_register

_VIEWS = (
    ("u64", "umin", "umax"),
    ("s64", "smin", "smax"),
    ("u32", "umin32", "umax32"),
    ("s32", "smin32", "smax32"),
)
MEASURED_IN = 8
"""One program in so many is measured: that takes as long as judging ten."""


def is_measured(observation: Observation) -> bool:
    """Whether this program is one of those; always the same answer for a program."""
    return zlib.crc32(encode(observation.case.program.instructions)) % MEASURED_IN == 0


def excess(observation: Observation, point: Claimed) -> tuple[tuple[str, float], ...] | None:
    """Per view, the bits by which the claim is wider than the tightest; empty when not decided, None when not
    looked at."""
    insns = observation.case.program.instructions
    if point.otherwise is not None or not 0 <= point.at < len(insns) or not _is_about(insns, point):
        return None
    tight = tightest(point.conditions, point.term, point.range)
    return () if tight is None else tuple(_difference(point.range, tight))


def _is_about(insns: tuple[Insn, ...], point: Claimed) -> bool:
    """An experiment shows the result of its operation at once: the next instruction stores it to the map."""
    insn = insns[point.at]
    cls = insn.opcode & o.CLASS_MASK
    atomic = cls == o.STX and insn.opcode & o.MODE_MASK == o.ATOMIC
    register = result_register(insn) if atomic else insn.dst
    if (
        register is None
        or point.place != f"R{register}"
        or not (atomic or cls in (o.ALU, o.ALU64, o.JMP, o.JMP32, o.LDX))
    ):
        return False
    after = (point.at + 1, point.at + 1 + insn.off) if cls in (o.JMP, o.JMP32) else (point.at + 1,)
    return any(_shows(insns[at], register) for at in after if 0 <= at < len(insns))


def _shows(insn: Insn, register: int) -> bool:
    return insn.opcode == o.STX | o.MEM | o.DW and insn.src == register and insn.dst != 10


def _difference(claimed: ScalarRange, tight: ScalarRange) -> Iterator[tuple[str, float]]:
    for view, low, high in _VIEWS:
        width, least = (getattr(each, high) - getattr(each, low) + 1 for each in (claimed, tight))
        yield view, max(0.0, log2(width / least))
    yield "tnum", float((claimed.tnum.mask & ~tight.tnum.mask).bit_count())
