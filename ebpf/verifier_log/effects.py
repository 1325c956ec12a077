"""What an instruction may overwrite: which older claims end with it (RFC 9669; kernel/bpf/verifier.c,
do_check)."""

from __future__ import annotations

from dataclasses import dataclass

from ebpf.isa import opcodes as o
from ebpf.isa.insn import Insn

_CALLER_SAVED = (0, 1, 2, 3, 4, 5)
_UNCONDITIONAL = (o.JA, o.CALL, o.EXIT)
_SPLITTING = (o.OR, o.AND, o.ARSH)
SYNCHRONOUS_CALLBACKS = frozenset({164, 180, 181, 209})
"""Helpers that call back before they return: for_each_map_elem, find_vma, loop, user_ringbuf_drain."""


@dataclass(frozen=True, slots=True)
class Effect:
    """``registers`` written in the current frame.  ``stack``: (offset, bytes) written below the current
    frame's R10.

    ``any_stack``: any slot of any frame may have been written.
    """

    registers: tuple[int, ...] = ()
    stack: tuple[int, int] | None = None
    any_stack: bool = False


def effect(insn: Insn) -> Effect:
    """What ``insn`` may overwrite, rather too much than too little."""
    kind = insn.opcode & o.CLASS_MASK
    if kind in (o.ALU, o.ALU64, o.LDX):
        return Effect((insn.dst,))
    if kind == o.LD:
        return Effect((insn.dst,) if insn.opcode == o.LD_IMM64 else _CALLER_SAVED)
    if kind in (o.JMP, o.JMP32):
        return Effect(_CALLER_SAVED, any_stack=not is_subprogram_call(insn)) if is_call(insn) else Effect()
    registers: tuple[int, ...] = ()
    if kind == o.STX and insn.opcode & o.MODE_MASK == o.ATOMIC:
        if insn.imm == o.LOAD_ACQ:
            return Effect((insn.dst,))
        if insn.imm == o.CMPXCHG:
            registers = (0,)
        elif insn.imm & o.FETCH:
            registers = (insn.src,)
    if insn.dst == 10:
        return Effect(registers, (insn.off, o.SIZE_BYTES[insn.opcode & o.SIZE_MASK]))
    return Effect(registers, any_stack=True)


def is_call(insn: Insn) -> bool:
    """Helper, kernel function or subprogram."""
    return insn.opcode & ~o.SOURCE_MASK == o.CALL | o.JMP


def is_subprogram_call(insn: Insn) -> bool:
    """BPF_PSEUDO_CALL."""
    return is_call(insn) and insn.src == o.CALL_LOCAL


def is_kfunc_call(insn: Insn) -> bool:
    """BPF_PSEUDO_KFUNC_CALL: iterators and some locks go on in two states."""
    return is_call(insn) and insn.src == o.CALL_KFUNC


def is_helper_call(insn: Insn) -> bool:
    """A call of a helper by its number."""
    return is_call(insn) and insn.src == o.CALL_HELPER


def calls_back(insn: Insn) -> bool:
    """A helper that runs a callback before it returns."""
    return is_helper_call(insn) and insn.imm in SYNCHRONOUS_CALLBACKS


def is_conditional(insn: Insn) -> bool:
    """A jump with two ways to go on, may_goto included; not gotox, which may have many."""
    return insn.opcode & o.CLASS_MASK in (o.JMP, o.JMP32) and insn.opcode & o.OP_MASK not in _UNCONDITIONAL


def is_indirect(insn: Insn) -> bool:
    """gotox, which may have many targets (7.x)."""
    return insn.opcode == o.JA | o.X | o.JMP


def is_may_goto(insn: Insn) -> bool:
    """Decided by a counter or a clock that no program can see."""
    return insn.opcode & o.CLASS_MASK == o.JMP and insn.opcode & o.OP_MASK == o.JCOND


def may_split(insn: Insn) -> bool:
    """Operations at which newer verifiers, 6.12's later stable releases included, split a [-1, 0] scalar
    (maybe_fork_scalars)."""
    return insn.opcode & o.CLASS_MASK in (o.ALU, o.ALU64) and insn.opcode & o.OP_MASK in _SPLITTING


def operands(insn: Insn) -> tuple[int, ...]:
    """The registers a conditional jump compares."""
    if not is_conditional(insn) or is_may_goto(insn):
        return ()
    return (insn.dst, insn.src) if insn.opcode & o.X else (insn.dst,)
