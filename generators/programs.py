"""A whole program from a list of integers: prologue, one production per integer, epilogue.

:func:`build` is a pure function, so that Hypothesis can draw the integers, shrink them and replay them; everything it makes is
loadable by construction except what a near miss breaks on purpose and what a daring program changes at random.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum

from ebpf.isa import opcodes as o
from ebpf.isa.insn import Insn
from ebpf.maps import MapSpec, MapType
from ebpf.program import Case, LoadFlag, Program
from ebpf.program_types import ProgramType
from ebpf.rules import FALLS_OFF, Rule
from generators.builder import INPUT_BASE, Builder
from generators.dice import Dice
from generators.inputs import inputs_for, payload
from generators.mutations import mutate
from generators.near_misses import NEAR_MISSES, UNPRIVILEGED, NearMiss
from generators.productions import CHOICES, PRODUCTIONS
from generators.productions.calls import call_helper
from generators.profiles import Profile
from generators.state import ANY, Kind, Number, Pointer


class Purpose(Enum):
    """What a generated program is for."""

    VALID = "valid"
    NEAR_MISS = "near miss"
    DARING = "daring"


@dataclass(frozen=True, slots=True)
class Generated:
    """A case and what is known of it.  ``rule`` and ``at``: what a near miss breaks and where.  ``productions``: names, in order.

    ``output`` is the index of the map that the epilogue stores every scalar register to.
    """

    case: Case
    purpose: Purpose
    rule: Rule | None = None
    at: int = 0
    productions: tuple[str, ...] = ()
    output: int = 0


OUTPUT_WORDS = 12


def build(header: int, seeds: Sequence[int], profile: Profile) -> Generated:
    """The program that ``header`` and ``seeds`` (non-negative integers) stand for, made for ``profile``."""
    dice = Dice(header)
    purpose, privileged = _purpose(dice, profile)
    # Without privilege only socket filters load (kernel/bpf/syscall.c, bpf_prog_load; cgroup_skb needs a cgroup).
    kind = dice.of(profile.types) if privileged else ProgramType.SOCKET_FILTER
    b = Builder(kind, profile, privileged)
    input_seed = dice.pick(1 << 32)
    b.maps = [_map("m0", 64, 2, input_seed), _map("m1", 16, 4, input_seed + 1), _map("m2", 8 << dice.pick(4), 1, input_seed + 2)]
    misses = _choices(dice, privileged) if purpose is Purpose.NEAR_MISS else []
    miss_dice = Dice(dice.pick(1 << 48))
    falls_off = bool(misses) and dice.pick(30) == 29
    if falls_off:
        # The end of the program is broken only once nothing else is.
        misses = []
    license = "GPL"
    if misses and misses[0].first:
        license = _break(b, misses[:1], miss_dice)
    misses = [miss for miss in misses if not miss.first]
    _prologue(b, dice)
    names: list[str] = []
    where = len(seeds) // 2
    for number, seed in enumerate(seeds):
        if misses and b.intent_rule is None and number >= where and not b.open:
            license = _break(b, misses, miss_dice)
        names.append(_apply(b, Dice(seed)))
        b.after_production()
    while b.open:
        b.close(b.open.pop())
    if misses and b.intent_rule is None:
        license = _break(b, misses, miss_dice)
    _epilogue(b, falls_off)
    # More frequent states mean more pruning; a near miss may depend on it.
    often = dice.pick(4) >= (1 if purpose is Purpose.NEAR_MISS else 3)
    flags = LoadFlag.TEST_STATE_FREQ if often and profile.knows("5.3") and privileged else LoadFlag(0)
    case = Case(
        Program(kind, tuple(b.insns), tuple(b.maps), flags=flags, license=license),
        inputs_for(kind, b.insns, input_seed, profile.inputs),
        None if privileged else (),
    )
    if purpose is Purpose.DARING:
        case = replace(case, program=replace(case.program, instructions=mutate(case.program.instructions, dice)))
    elif b.intent_rule is None:
        purpose = Purpose.VALID
    return Generated(case, purpose, b.intent_rule, b.intent_at, tuple(names), len(b.maps) - 1)


def _purpose(dice: Dice, profile: Profile) -> tuple[Purpose, bool]:
    purpose = Purpose.VALID
    if profile.near_misses_in and dice.chance(profile.near_misses_in):
        purpose = Purpose.NEAR_MISS
    elif profile.daring_in and dice.chance(profile.daring_in):
        purpose = Purpose.DARING
    return purpose, not (profile.unprivileged_in and dice.chance(profile.unprivileged_in))


def _choices(dice: Dice, privileged: bool) -> list[NearMiss]:
    """All near misses, a random one first: the others are for where it does not fit.

    Every other unprivileged program gets one that only such programs can commit.
    """
    first = NEAR_MISSES if privileged or dice.pick(2) else UNPRIVILEGED
    start = dice.pick(len(first))
    return [*first[start:], *first[:start], *(NEAR_MISSES if first is UNPRIVILEGED else ())]


def _map(name: str, size: int, entries: int, seed: int) -> MapSpec:
    rng = random.Random(seed)
    contents = tuple((key.to_bytes(4, "little"), payload(rng, (), size // 8)) for key in range(entries))
    return MapSpec(MapType.ARRAY, 4, size, entries, name=name, contents=contents)


def _break(b: Builder, misses: Sequence[NearMiss], dice: Dice) -> str:
    """Break a rule with the first near miss that fits here, note it in the builder, and give the program's licence."""
    for miss in misses:
        length, exits, functions, state = len(b.insns), len(b.exits), len(b.functions), b.state.copy()
        at = miss.apply(b, dice)
        if at is not None:
            b.intent_rule, b.intent_at = miss.rule, at
            return miss.license or "GPL"
        del b.insns[length:], b.exits[exits:], b.functions[functions:]
        b.state = state
    return "GPL"


def _apply(b: Builder, dice: Dice) -> str:
    """The production the die chooses, or else another it chooses, or else the first in the table that fits."""
    for production in (dice.of(CHOICES), dice.of(CHOICES), dice.of(CHOICES), *PRODUCTIONS):
        if production.apply(b, dice):
            return production.name
    return "none"


def _prologue(b: Builder, dice: Dice) -> None:
    b.emit(o.MOV | o.X | o.ALU64, 6, 1)
    b.state.registers[6] = Pointer(Kind.CONTEXT)
    if b.type is ProgramType.XDP:
        _packet_prologue(b, dice)
    else:
        copy_prologue(b)
    source, base = (7, 0) if b.type is ProgramType.XDP else (10, INPUT_BASE)
    for number, register in enumerate((0, 8)):
        b.emit(o.LDX | o.MEM | o.DW, register, source, base + 8 * number)
        b.state.registers[register] = ANY


def copy_prologue(b: Builder) -> None:
    """64 bytes of packet to the stack: bpf_skb_load_bytes works for every socket buffer program, privileged or not."""
    b.emit(o.MOV | o.K | o.ALU64, 2)
    b.emit(o.MOV | o.X | o.ALU64, 3, 10)
    b.emit(o.ADD | o.K | o.ALU64, 3, imm=INPUT_BASE)
    b.emit(o.MOV | o.K | o.ALU64, 4, imm=64)
    call_helper(b, "skb_load_bytes")
    b.leave_to_exit(o.JNE | o.K | o.JMP, 0)
    b.set_number(0, 0, 0)
    for slot in range(INPUT_BASE, 0, 8):
        b.state.slots[slot] = ANY


def _packet_prologue(b: Builder, dice: Dice) -> None:
    """R7 = data, R9 = data_end, 72 bytes proven; then some words copied to the stack."""
    b.emit(o.LDX | o.MEM | o.W, 7, 6, 0)
    b.emit(o.LDX | o.MEM | o.W, 9, 6, 4)
    b.emit(o.MOV | o.X | o.ALU64, 2, 7)
    b.emit(o.ADD | o.K | o.ALU64, 2, imm=72)
    forms = ((o.JGT, 2, 9), (o.JLT, 9, 2), (o.JGE, 2, 9), (o.JLE, 9, 2))
    op, dst, src = dice.of(forms)
    b.leave_to_exit(op | o.X | o.JMP, dst, src)
    b.state.registers[7] = Pointer(Kind.PACKET, 72)
    b.state.registers[9] = Pointer(Kind.PACKET_END)
    if dice.pick(2):
        for offset in range(0, 64, 8):
            b.emit(o.LDX | o.MEM | o.DW, 3, 7, offset)
            b.emit(o.STX | o.MEM | o.DW, 10, 3, INPUT_BASE + offset)
            b.state.slots[INPUT_BASE + offset] = ANY
        b.state.registers[3] = ANY


def _epilogue(b: Builder, falls_off: bool) -> None:
    """Every scalar register goes to the output map, so that a run shows all 64 bits of each; then the common exit."""
    b.maps.append(MapSpec(MapType.ARRAY, 4, 8 * OUTPUT_WORDS, 1, name="out"))
    numbers = b.state.numbers()
    spare = [r for r in range(9, -1, -1) if r not in numbers]
    pointer = spare[0] if spare else 5
    b.wide(pointer, len(b.maps) - 1, o.PSEUDO_MAP_VALUE)
    for register in numbers:
        if register != pointer:
            b.emit(o.STX | o.MEM | o.DW, pointer, register, 8 * register)
    for place, slot in enumerate(sorted(s for s, c in b.state.slots.items() if s < INPUT_BASE and isinstance(c, Number))[:2]):
        spill = next((r for r in range(6) if r not in (0, pointer)), 1)
        b.emit(o.LDX | o.MEM | o.DW, spill, 10, slot)
        b.emit(o.STX | o.MEM | o.DW, pointer, spill, 8 * (10 + place))
    if 0 not in numbers or pointer == 0:
        b.emit(o.MOV | o.K | o.ALU64, 0, imm=1)
    b.emit(o.EXIT | o.JMP)
    if b.exits:
        for jump in b.exits:
            old = b.insns[jump]
            b.insns[jump] = Insn(old.opcode, old.dst, old.src, len(b.insns) - jump - 1, old.imm)
        b.emit(o.MOV | o.K | o.ALU64, 0)
        b.emit(o.EXIT | o.JMP)
    for call, body in b.functions:
        old = b.insns[call]
        b.insns[call] = Insn(old.opcode, old.dst, old.src, old.off, len(b.insns) - call - 1)
        b.insns.extend(body)
    if falls_off and b.intent_rule is None and b.insns[-1].opcode == o.EXIT | o.JMP:
        b.insns[-1] = Insn(o.MOV | o.K | o.ALU64, 0)
        b.intent_rule, b.intent_at = FALLS_OFF, len(b.insns) - 1
