"""A whole program from a list of integers: prologue, one production per integer, epilogue.

:func:`build` is a pure function, so that Hypothesis can draw the integers, shrink them and replay them;
everything it makes is loadable by construction except what a near miss breaks on purpose and what a daring
program changes at random.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import Enum

from ebpf.contexts import CONTEXTS, ContextFieldKind
from ebpf.isa import opcodes as o
from ebpf.isa.insn import Insn
from ebpf.maps import MapSpec, MapType
from ebpf.program import Case, LoadFlag, Program
from ebpf.program_rules import map_refusal
from ebpf.return_ranges import return_range
from ebpf.rules import FALLS_OFF, RETURN_RANGE, Rule
from generators.builder import INPUT_BASE, KEY_SLOT, Builder
from generators.dice import Dice
from generators.inputs import inputs_for, payload
from generators.mutations import mutate
from generators.near_misses import NEAR_MISSES, UNPRIVILEGED, NearMiss
from generators.productions import CHOICES, PRODUCTIONS
from generators.productions.calls import call_helper, map_and_key, to_stack
from generators.profiles import Profile
from generators.settings import PacketEntry
from generators.state import ANY, KnownPointer, Number, PointerKind


class Purpose(Enum):
    """What a generated program is for."""

    VALID = "valid"
    NEAR_MISS = "near miss"
    DARING = "daring"


@dataclass(frozen=True, slots=True)
class Generated:
    """A case and what is known of it.  ``rule`` and ``at``: what a near miss breaks and where.
    ``productions``: names, in order.

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
    setting = dice.of(profile.choices(privileged))
    b = Builder(setting.type, profile, privileged, dice.of(setting.attached))
    input_seed = dice.pick(1 << 32)
    b.maps = [
        _map("m0", 64, 2, input_seed),
        _map("m1", 16, 4, input_seed + 1),
        _map("m2", 8 << dice.pick(4), 1, input_seed + 2),
    ]
    if dice.pick(3) == 2:
        b.maps.append(_map("h0", 16, 4, input_seed + 3, MapType.HASH))
        queue = MapSpec(MapType.QUEUE, 0, 16, 4, name="q0")
        if map_refusal(Program(b.type, (), flags=setting.flags), queue, profile.release) is None:
            b.maps.append(queue)
    b.helpers = dice.chance(setting.helpers_in)
    b.gpl = purpose is not Purpose.NEAR_MISS  # one of them takes the licence away
    misses = _choices(dice, privileged) if purpose is Purpose.NEAR_MISS else []
    miss_dice = Dice(dice.pick(1 << 48))
    last = _last_miss(b, dice) if misses else None
    if last is not None:
        # The end of the program is broken only once nothing else is.
        misses = []
    license = "GPL"
    if misses and misses[0].first:
        license = _break(b, misses[:1], miss_dice)
    misses = [miss for miss in misses if not miss.first]
    prologue(b, dice, dice.of(setting.entries))
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
    epilogue(b, dice, last)
    # More frequent states mean more pruning; a near miss may depend on it.
    often = dice.pick(4) >= (1 if purpose is Purpose.NEAR_MISS else 3)
    flags = LoadFlag.TEST_STATE_FREQ if often and profile.knows("5.3") and privileged else LoadFlag(0)
    case = Case(
        Program(
            b.type, tuple(b.insns), tuple(b.maps), b.attach_type, flags=flags | setting.flags, license=license
        ),
        inputs_for(b.type, b.insns, input_seed, profile.inputs),
        None if privileged else (),
    )
    if purpose is Purpose.DARING:
        case = replace(
            case, program=replace(case.program, instructions=mutate(case.program.instructions, dice))
        )
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


def _last_miss(b: Builder, dice: Dice) -> Rule | None:
    """A rule for the end of the program to break, now and then."""
    if dice.pick(30) == 29:
        return FALLS_OFF
    ranged = return_range(b.type, b.attach_type, b.profile.release) is not None
    return RETURN_RANGE if ranged and dice.pick(6) == 5 else None


def _map(name: str, size: int, entries: int, seed: int, kind: MapType = MapType.ARRAY) -> MapSpec:
    rng = random.Random(seed)
    contents = tuple((key.to_bytes(4, "little"), payload(rng, (), size // 8)) for key in range(entries))
    return MapSpec(kind, 4, size, entries, name=name, contents=contents)


def _break(b: Builder, misses: Sequence[NearMiss], dice: Dice) -> str:
    """Break a rule with the first near miss that fits here, note it in the builder, and give the program's
    licence."""
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
    """The production the die chooses, or else another it chooses, or else the first in the table that
    fits."""
    for production in (dice.of(CHOICES), dice.of(CHOICES), dice.of(CHOICES), *PRODUCTIONS):
        if production.apply(b, dice):
            return production.name
    return "none"


def prologue(b: Builder, dice: Dice, entry: PacketEntry) -> None:
    """R6 = the context, 64 bytes of input where ``entry`` puts them, and two words of it in R0 and R8."""
    b.emit(o.MOV | o.X | o.ALU64, 6, 1)
    b.state.registers[6] = KnownPointer(PointerKind.CONTEXT)
    PROLOGUES[entry](b, dice)
    source, base = (7, 0) if entry is PacketEntry.DIRECT else (10, INPUT_BASE)
    for number, register in enumerate((0, 8)):
        b.emit(o.LDX | o.MEM | o.DW, register, source, base + 8 * number)
        b.state.registers[register] = ANY


def _lookup_prologue(b: Builder, dice: Dice) -> None:
    """R7 = the value of map 0, 64 bytes, all of it copied to the stack."""
    b.emit(o.ST | o.MEM | o.W, 10, 0, KEY_SLOT)
    map_and_key(b, 0)
    call_helper(b, "map_lookup_elem")
    b.leave_to_exit(o.JEQ | o.K | o.JMP, 0)
    b.emit(o.MOV | o.X | o.ALU64, 7, 0)
    b.state.registers[7] = KnownPointer(PointerKind.MAP_VALUE, b.maps[0].value_size)
    _copy_to_stack(b)


def _copy_to_stack(b: Builder) -> None:
    """64 bytes from R7 on."""
    for offset in range(0, 64, 8):
        b.emit(o.LDX | o.MEM | o.DW, 3, 7, offset)
        b.emit(o.STX | o.MEM | o.DW, 10, 3, INPUT_BASE + offset)
        b.state.slots[INPUT_BASE + offset] = ANY
    b.state.registers[3] = ANY


def copy_prologue(b: Builder) -> None:
    """64 bytes of packet to the stack: bpf_skb_load_bytes works for every socket buffer program, privileged
    or not."""
    b.emit(o.MOV | o.K | o.ALU64, 2)
    to_stack(b, 3, INPUT_BASE)
    b.emit(o.MOV | o.K | o.ALU64, 4, imm=64)
    call_helper(b, "skb_load_bytes")
    b.leave_to_exit(o.JNE | o.K | o.JMP, 0)
    b.set_number(0, 0, 0)
    for slot in range(INPUT_BASE, 0, 8):
        b.state.slots[slot] = ANY


def _packet_prologue(b: Builder, dice: Dice) -> None:
    """R7 = data, R9 = data_end, 72 bytes proven; then some words copied to the stack."""
    data, data_end = (
        next(field.offset for field in CONTEXTS[b.type].fields if field.kind is kind)
        for kind in (ContextFieldKind.PACKET, ContextFieldKind.PACKET_END)
    )
    b.emit(o.LDX | o.MEM | o.W, 7, 6, data)
    b.emit(o.LDX | o.MEM | o.W, 9, 6, data_end)
    b.emit(o.MOV | o.X | o.ALU64, 2, 7)
    b.emit(o.ADD | o.K | o.ALU64, 2, imm=72)
    forms = ((o.JGT, 2, 9), (o.JLT, 9, 2), (o.JGE, 2, 9), (o.JLE, 9, 2))
    op, dst, src = dice.of(forms)
    b.leave_to_exit(op | o.X | o.JMP, dst, src)
    b.state.registers[7] = KnownPointer(PointerKind.PACKET, 72)
    b.state.registers[9] = KnownPointer(PointerKind.PACKET_END)
    if dice.pick(2):
        _copy_to_stack(b)


PROLOGUES: dict[PacketEntry, Callable[[Builder, Dice], None]] = {
    PacketEntry.COPIED: lambda b, dice: copy_prologue(b), PacketEntry.DIRECT: _packet_prologue,
    PacketEntry.LOOKED_UP: _lookup_prologue,
}  # fmt: skip


def epilogue(b: Builder, dice: Dice, last: Rule | None = None) -> None:
    """Every scalar register goes to the output map, so that a run shows all 64 bits of each; then the common
    exit.

    ``last`` is the rule to break here, where nothing else was broken.
    """
    b.maps.append(MapSpec(MapType.ARRAY, 4, 8 * OUTPUT_WORDS, 1, name="out"))
    numbers = b.state.numbers()
    spare = [r for r in range(9, -1, -1) if r not in numbers]
    pointer = spare[0] if spare else 5
    b.wide(pointer, len(b.maps) - 1, o.PSEUDO_MAP_VALUE)
    for register in numbers:
        if register != pointer:
            b.emit(o.STX | o.MEM | o.DW, pointer, register, 8 * register)
    for place, slot in enumerate(
        sorted(s for s, c in b.state.slots.items() if s < INPUT_BASE and isinstance(c, Number))[:2]
    ):
        spill = next((r for r in range(6) if r not in (0, pointer)), 1)
        b.emit(o.LDX | o.MEM | o.DW, spill, 10, slot)
        b.emit(o.STX | o.MEM | o.DW, pointer, spill, 8 * (10 + place))
    if 0 not in numbers or pointer == 0:
        b.emit(o.MOV | o.K | o.ALU64, 0, imm=1)
    allowed = return_range(b.type, b.attach_type, b.profile.release)
    if last is RETURN_RANGE and allowed is not None and b.intent_rule is None:
        # A number too large, or one of which nothing is known but what a run shows.
        b.emit(
            (o.MOV if dice.pick(2) else o.OR) | o.K | o.ALU64,
            0,
            imm=allowed[1] + dice.of((1, 2, 1 << 20)) * 4,
        )
        b.intent_rule, b.intent_at = RETURN_RANGE, len(b.insns)
    elif allowed is not None:
        if allowed[0] == 0 and dice.pick(2):
            b.emit(o.AND | o.K | o.ALU64, 0, imm=allowed[1])
        else:
            b.emit(o.MOV | o.K | o.ALU64, 0, imm=allowed[0])
    b.emit(o.EXIT | o.JMP)
    if b.exits:
        for jump in b.exits:
            old = b.insns[jump]
            b.insns[jump] = Insn(old.opcode, old.dst, old.src, len(b.insns) - jump - 1, old.imm)
        b.emit(o.MOV | o.K | o.ALU64, 0, imm=allowed[0] if allowed else 0)
        b.emit(o.EXIT | o.JMP)
    for call, body in b.functions:
        old = b.insns[call]
        b.insns[call] = Insn(old.opcode, old.dst, old.src, old.off, len(b.insns) - call - 1)
        b.insns.extend(body)
    if last is FALLS_OFF and b.intent_rule is None and b.insns[-1].opcode == o.EXIT | o.JMP:
        b.insns[-1] = Insn(o.MOV | o.K | o.ALU64, 0)
        b.intent_rule, b.intent_at = FALLS_OFF, len(b.insns) - 1
