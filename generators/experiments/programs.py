"""A program of experiments from a list of integers, one per experiment."""

from __future__ import annotations

from collections.abc import Sequence

from ebpf.isa.build import R0, REGISTERS, leave, load_map_value, mov64
from ebpf.maps import MapSpec, MapType
from ebpf.program import Case, Program
from ebpf.program_types import ProgramType
from generators.builder import Builder
from generators.dice import Dice
from generators.epilogue import OUTPUT_WORDS
from generators.experiments.bench import OUTPUT, ExperimentBench
from generators.experiments.operations import OPERATIONS
from generators.inputs import inputs_for
from generators.profiles import Profile
from generators.programs import Generated, Purpose
from generators.prologues import copy_packet
from generators.scopes import PendingJump

MAX_EXPERIMENTS = 4
"""Each takes two of the eight words of input."""
_NAMED = "experiment-"
WIDTH = 320
"""Bits of an integer that decides an experiment."""


def build(header: int, seeds: Sequence[int], profile: Profile) -> Generated:
    """The program that ``header`` and ``seeds`` (non-negative integers, at most MAX_EXPERIMENTS) stand
    for."""
    dice = Dice(header)
    privileged = not (profile.unprivileged_in and dice.chance(profile.unprivileged_in))
    b = Builder(ProgramType.SOCKET_FILTER, profile, privileged)
    b.maps = [MapSpec(MapType.ARRAY, 4, 8 * OUTPUT_WORDS, 1, name="out")]
    copy_packet(b)
    b.emit_wide(load_map_value(OUTPUT, 0))
    names, taken = [], []
    for number, seed in enumerate(seeds[:MAX_EXPERIMENTS]):
        chosen = Dice(seed)
        d = 1 + chosen.pick(8)
        bench = ExperimentBench(b, chosen, number, REGISTERS[d], REGISTERS[1 + (d + chosen.pick(7)) % 8])
        names.append(_NAMED + chosen.of(OPERATIONS)(bench))
        taken += [(bench, jump, shown) for jump, shown in bench.taken]
    _leave(b, 1)
    for bench, jump, shown in taken:
        _land(b, [jump])
        bench.show(shown)
        _leave(b, 2)
    _land(b, b.exits)
    _leave(b, 0)
    case = Case(
        Program(
            b.type,
            tuple(b.insns),
            tuple(b.maps),
            flags=profile.machine.flags(privileged),
            byte_order=profile.byte_order,
        ),
        inputs_for(b.type, b.insns, dice.pick(1 << 32), profile.inputs, profile.byte_order),
        None if privileged else (),
    )
    return Generated(case, Purpose.VALID, productions=tuple(names))


def is_experiment(generated: Generated) -> bool:
    """Whether it is a program of experiments."""
    return any(name.startswith(_NAMED) for name in generated.productions)


def _leave(b: Builder, code: int) -> None:
    b.emit(mov64(R0, code))
    b.emit(leave())


def _land(b: Builder, jumps: Sequence[PendingJump]) -> None:
    """Let ``jumps`` lead to the next instruction."""
    for jump in jumps:
        b.land(jump)
