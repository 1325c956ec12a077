"""A whole program from a list of integers: prologue, one production per integer, epilogue.

:func:`build` is a pure function, so that Hypothesis can draw the integers, shrink them and replay them;
everything it makes is loadable by construction except what a near miss breaks on purpose and what a daring
program changes at random.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum
from itertools import chain

from ebpf.byte_order import ByteOrder
from ebpf.intent import Intent, is_long
from ebpf.maps import MapSpec, MapType
from ebpf.program import Case, LoadFlag, Program
from ebpf.return_ranges import return_range
from ebpf.rules import FALLS_OFF, RETURN_RANGE, UNTYPED_FUNCTION, Rule
from generators.builder import Builder
from generators.choices import AIMED_CHOICES, CHOICES, PRODUCTIONS
from generators.dice import Dice
from generators.epilogue import epilogue
from generators.function_types import function_types
from generators.inputs import WordSource, inputs_for
from generators.maps import takes
from generators.mutations import mutate
from generators.near_misses import NEAR_MISSES, POINTERS, UNPRIVILEGED
from generators.near_misses.table import NearMiss
from generators.nesting import close, count_production
from generators.profiles import Profile
from generators.prologues import prologue
from generators.scopes import is_callback, wants_types
from generators.weakening import weaken

MUTATED_IN = 4
"""One daring program in so many has a field changed at random; the others are weakened."""
GOALS_IN = 3
"""One program in so many reaches goals: of the others, runs can be compared."""


class Purpose(Enum):
    """What a generated program is for."""

    VALID = "valid"
    NEAR_MISS = "near miss"
    DARING = "daring"


@dataclass(frozen=True, slots=True)
class Generated:
    """A case and what is known of it."""

    case: Case
    purpose: Purpose
    intent: Intent | None = None
    """What a near miss breaks, and where."""
    productions: tuple[str, ...] = ()
    """Their names, in order."""
    output: int = 0
    """The index of the map that the epilogue stores every scalar register to."""

    @property
    def rule(self) -> Rule | None:
        """The rule that a near miss breaks."""
        return self.intent.rule if self.intent is not None else None

    @property
    def at(self) -> int:
        """The slot that breaks it; 0 where nothing is broken."""
        return self.intent.at if self.intent is not None else 0


def build(header: int, seeds: Sequence[int], profile: Profile) -> Generated:
    """The program that ``header`` and ``seeds`` (non-negative integers) stand for, made for ``profile``."""
    dice = Dice(header)
    purpose, privileged = _purpose(dice, profile)
    # A rule is kept or broken by types that seldom run as well as by others.
    seldom = purpose is Purpose.NEAR_MISS and dice.pick(2) == 1
    aims = bool(profile.aims_in and purpose is not Purpose.NEAR_MISS and privileged) and dice.chance(
        profile.aims_in
    )
    setting = dice.of(profile.kinds(privileged) if seldom or aims else profile.choices(privileged))
    b = Builder(setting.type, profile, privileged, dice.of(setting.attached), setting.attach_to, aims=aims)
    b.sleepable = LoadFlag.SLEEPABLE in setting.flags
    input_seed = dice.pick(1 << 32)
    order = profile.byte_order
    b.maps = [
        _map("m0", 64, 2, input_seed, order),
        _map("m1", 16, 4, input_seed + 1, order),
        _map("m2", 8 << dice.pick(4), 1, input_seed + 2, order),
    ]
    if dice.pick(3) == 2:
        b.maps.append(_map("h0", 16, 4, input_seed + 3, order, MapType.HASH))
        if takes(b, _QUEUE):
            b.maps.append(_QUEUE)
    b.helpers = dice.chance(setting.helpers_in)
    b.goals = privileged and (dice.chance(GOALS_IN) or aims)
    b.gpl = purpose is not Purpose.NEAR_MISS  # one of them takes the licence away
    misses = _choices(dice, privileged, seldom) if purpose is Purpose.NEAR_MISS else []
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
        if misses and b.intent is None and number >= where and not b.open:
            license = _break(b, misses, miss_dice)
        names.append(_apply(b, Dice(seed)))
        count_production(b)
    while b.open:
        close(b)
    if misses and b.intent is None:
        license = _break(b, misses, miss_dice)
    epilogue(b, dice, last)
    # More frequent states mean more pruning; a near miss may depend on it.
    often = dice.pick(4) >= (1 if purpose is Purpose.NEAR_MISS else 3)
    often = often and privileged and not is_long(b.intent) and profile.knows("5.3")
    flags = LoadFlag.TEST_STATE_FREQ if often else LoadFlag(0)
    program = Program(
        b.type,
        tuple(b.insns),
        tuple(b.maps),
        b.attach_type,
        setting.attach_to,
        flags=flags | setting.flags | profile.machine.flags(privileged),
        license=license,
        byte_order=order,
    )
    program = replace(_typed(b, program), kfuncs=tuple(b.kfuncs))
    inputs = inputs_for(b.type, b.insns, input_seed, profile.inputs, order)
    case = Case(program, inputs, None if privileged else ())
    if purpose is Purpose.DARING:
        if dice.pick(MUTATED_IN):
            states = privileged and profile.knows("5.3")
            changed = weaken(program, dice, states=states)
        else:
            changed = replace(program, instructions=mutate(program.instructions, dice))
        case = replace(case, program=changed)
    elif b.intent is None:
        purpose = Purpose.VALID
    return Generated(case, purpose, b.intent, tuple(names), len(b.maps) - 1)


def _typed(b: Builder, program: Program) -> Program:
    """The program with types, where kernels ask for them; a near miss that lacks them leaves them out where
    it may, and else breaks nothing."""
    of_callbacks = any(is_callback(function) for function in b.functions)
    if b.intent is not None and b.intent.rule == UNTYPED_FUNCTION:
        if not b.makes_objects and not of_callbacks:
            return program
        b.intent = None
    if b.makes_objects or any(wants_types(function) for function in b.functions):
        btf, func_info = function_types(b.starts, objects=b.makes_objects)
        program = replace(program, btf=btf, func_info=func_info)
    return program


_QUEUE = MapSpec(MapType.QUEUE, 0, 16, 4, name="q0")


def _purpose(dice: Dice, profile: Profile) -> tuple[Purpose, bool]:
    purpose = Purpose.VALID
    if profile.near_misses_in and dice.chance(profile.near_misses_in):
        purpose = Purpose.NEAR_MISS
    elif profile.daring_in and dice.chance(profile.daring_in):
        purpose = Purpose.DARING
    return purpose, not (profile.unprivileged_in and dice.chance(profile.unprivileged_in))


def _choices(dice: Dice, privileged: bool, seldom: bool) -> list[NearMiss]:
    """All near misses, a random one first: the others are for where it does not fit.

    Every other unprivileged program gets one that only such programs can commit, every other one of a seldom
    type one about what its context holds.
    """
    first = NEAR_MISSES if privileged or dice.pick(2) else UNPRIVILEGED
    if seldom and dice.pick(2):
        first = POINTERS
    start = dice.pick(len(first))
    return [*first[start:], *first[:start], *(() if first is NEAR_MISSES else NEAR_MISSES)]


def _last_miss(b: Builder, dice: Dice) -> Rule | None:
    """A rule for the end of the program to break, now and then."""
    if dice.pick(30) == 29:
        return FALLS_OFF
    ranged = return_range(b.type, b.attach_type, b.profile.release) is not None
    return RETURN_RANGE if ranged and dice.pick(6) == 5 else None


def _map(
    name: str, size: int, entries: int, seed: int, order: ByteOrder, kind: MapType = MapType.ARRAY
) -> MapSpec:
    source = WordSource(random.Random(seed), (), order)
    contents = tuple((order.bytes(key, 4), source.payload(size // 8)) for key in range(entries))
    return MapSpec(kind, 4, size, entries, name=name, contents=contents)


def _break(b: Builder, misses: Sequence[NearMiss], dice: Dice) -> str:
    """Break a rule with the first near miss that fits here, note it in the builder, and give the program's
    licence."""
    for miss in misses:
        with b.attempt() as attempt:
            at = miss.apply(b, dice)
            if at is not None:
                attempt.keep()
                b.intent = Intent(miss.rule, at)
                return miss.license or "GPL"
    return "GPL"


def _apply(b: Builder, dice: Dice) -> str:
    """The production the die chooses, or else another it chooses, or else the first in the table that
    fits."""
    choices = AIMED_CHOICES if b.aims else CHOICES
    chosen = dice.of(choices), dice.of(choices), dice.of(choices)
    for production in chain(chosen, PRODUCTIONS):
        if production.missing(b) is None and production.apply(b, dice):
            return production.name
    return "none"
