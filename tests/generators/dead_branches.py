"""Small programs that hold little but a dead branch."""

from __future__ import annotations

import random
from collections.abc import Iterator

from ebpf.isa import opcodes as o
from ebpf.isa.build import R0, R1, R5, leave, load, mov64
from ebpf.program import Case, Input, LoadFlag, Program
from ebpf.program_types import ProgramType
from generators.builder import Builder
from generators.dice import WIDTH, Dice
from generators.productions.dead_branches import PRODUCTIONS
from generators.profiles import Profile


def dead_branches(count: int, profile: Profile) -> Iterator[Case]:
    """``count`` programs: a number of which nothing is known, what is learned of it, and the branch."""
    rng = random.Random(1)
    while count:
        b = Builder(ProgramType.SYSCALL, profile, True)
        b.emit(load(o.DW, R5, R1, 0))
        if not PRODUCTIONS[0].apply(b, Dice(rng.getrandbits(WIDTH))):
            continue
        for jump in b.exits:
            b.land(jump)
        b.emit(mov64(R0, 0))
        b.emit(leave())
        inputs = tuple(Input(context=rng.choice((rng.randbytes(8), _edge(rng)))) for _ in range(20))
        yield Case(Program(b.type, tuple(b.insns), flags=LoadFlag.SLEEPABLE), inputs)
        count -= 1


def _edge(rng: random.Random) -> bytes:
    number = 1 << rng.randrange(64)
    return ((number + rng.randrange(-2, 3)) % (1 << 64)).to_bytes(8, "little")
