"""What is still open in a program under construction: jumps to be patched, blocks, loops, functions to be
placed."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from ebpf.helper_names import HELPER_NUMBERS
from ebpf.isa.build import Register, call_local
from ebpf.isa.insn import Insn
from ebpf.isa.opcodes import LD_IMM64
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
    far: bool = False
    """Whether what leads over the else is a jump of up to 2^31 slots."""


class LoopShape(Enum):
    """Where a loop counts, and what ends it."""

    AT_END = "counts up, and compares at its end"
    AT_TOP = "compares at its top, counts up, and jumps back"
    DOWN = "counts down to zero"
    MAY_GOTO = "as AT_END, and a may_goto at its top may end it earlier"


@dataclass(slots=True)
class OpenLoop:
    """A counted loop: ``counter`` goes from 0 to ``bound``, or back."""

    start: int
    left: int
    counter: Register
    bound: int
    entry: GenerationState
    """What must hold again at its end."""
    shape: LoopShape = LoopShape.AT_END
    leave: PendingJump | None = None
    """What leaves it at its top."""


@dataclass(frozen=True, slots=True)
class StaticFunction:
    """A function of the program's own, and the call of it at slot ``at``."""

    body: tuple[Insn, ...]
    at: int = -1
    call: Insn = _PLAIN_CALL
    inner: tuple[tuple[int, StaticFunction], ...] = ()
    """What its body calls, by the index of the call."""


def is_callback(function: StaticFunction) -> bool:
    """Whether a helper calls it, and not the program."""
    return function.call.opcode == LD_IMM64


def wants_types(function: StaticFunction) -> bool:
    """Whether kernels ask for its types: a helper calls it, or it, or what it calls, makes a tail call
    (kernel/bpf/verifier.c, check_btf_func, check_abnormal_return)."""
    return is_callback(function) or _makes_tail_call(function)


def _makes_tail_call(function: StaticFunction) -> bool:
    here = any(insn.calls_helper(HELPER_NUMBERS["tail_call"]) for insn in function.body)
    return here or any(_makes_tail_call(inner) for _, inner in function.inner)
