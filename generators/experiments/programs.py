"""A program of experiments from a list of integers, one per experiment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ebpf.isa import opcodes as o
from ebpf.maps import MapSpec, MapType
from ebpf.program import Case, Program
from ebpf.program_types import ProgramType
from generators.builder import Builder
from generators.dice import Dice
from generators.experiments.bench import OUTPUT, ExperimentBench
from generators.experiments.operations import OPERATIONS
from generators.inputs import inputs_for
from generators.profiles import Profile
from generators.programs import OUTPUT_WORDS, Generated, Purpose, copy_prologue

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
    copy_prologue(b)
    b.wide(OUTPUT, 0, o.PSEUDO_MAP_VALUE)
    names, taken = [], []
    for number, seed in enumerate(seeds[:MAX_EXPERIMENTS]):
        chosen = Dice(seed)
        d = 1 + chosen.pick(8)
        bench = ExperimentBench(b, chosen, number, d, 1 + (d + chosen.pick(7)) % 8)
        names.append(_NAMED + chosen.of(OPERATIONS)(bench))
        taken += [(bench, jump, shown) for jump, shown in bench.taken]
    _leave(b, 1)
    for bench, jump, shown in taken:
        _land(b, [jump])
        bench.store(shown)
        _leave(b, 2)
    _land(b, b.exits)
    _leave(b, 0)
    case = Case(
        Program(b.type, tuple(b.insns), tuple(b.maps)),
        inputs_for(b.type, b.insns, dice.pick(1 << 32), profile.inputs),
        None if privileged else (),
    )
    return Generated(case, Purpose.VALID, productions=tuple(names))


def is_experiment(generated: Generated) -> bool:
    """Whether it is a program of experiments."""
    return any(name.startswith(_NAMED) for name in generated.productions)


def _leave(b: Builder, code: int) -> None:
    b.emit(o.MOV | o.K | o.ALU64, imm=code)
    b.emit(o.EXIT | o.JMP)


def _land(b: Builder, jumps: Sequence[int]) -> None:
    """Let ``jumps`` lead to the next instruction."""
    for jump in jumps:
        b.insns[jump] = replace(b.insns[jump], off=len(b.insns) - jump - 1)
