"""What is still open in a program under construction: jumps to be patched, blocks, loops, functions to be
placed."""

from __future__ import annotations

from dataclasses import dataclass

from ebpf.isa.build import Register, call_local
from ebpf.isa.insn import Insn
from generators.state import GenerationState

_PLAIN_CALL = call_local()


@dataclass(frozen=True, slots=True)
class PendingJump:
    """A jump that leads to somewhere later, and what holds where it is taken."""

    jump: int
    state: GenerationState


@dataclass(slots=True)
class Block:
    """What a branch jumps over: ``left`` more productions belong to it."""

    branch: PendingJump
    left: int
    has_else: bool = False


@dataclass(slots=True)
class OpenLoop:
    """A counted loop: ``counter`` goes up to ``bound``."""

    start: int
    left: int
    counter: Register
    bound: int
    entry: GenerationState
    """What must hold again at its end."""


@dataclass(frozen=True, slots=True)
class StaticFunction:
    """A function of the program's own, and the call of it at slot ``at``."""

    body: tuple[Insn, ...]
    at: int = -1
    call: Insn = _PLAIN_CALL
