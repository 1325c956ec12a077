"""What an instruction may overwrite: which older claims end with it (RFC 9669; kernel/bpf/verifier.c,
do_check)."""

from __future__ import annotations

from dataclasses import dataclass

from ebpf.isa.insn import Insn

_LD, _LDX, _ST, _STX, _ALU, _JMP, _JMP32, _ALU64 = range(8)
_CALLER_SAVED = (0, 1, 2, 3, 4, 5)
_JA, _CALL, _EXIT, _MAY_GOTO = 0x00, 0x80, 0x90, 0xE0
_FETCH, _CMPXCHG, _LOAD_ACQUIRE, _STORE_RELEASE = 0x01, 0xF1, 0x100, 0x110
_SIZES = {0x00: 4, 0x08: 2, 0x10: 1, 0x18: 8}
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
    kind = insn.opcode & 7
    if kind in (_ALU, _ALU64, _LDX):
        return Effect((insn.dst,))
    if kind == _LD:
        return Effect((insn.dst,) if insn.opcode == 0x18 else _CALLER_SAVED)
    if kind in (_JMP, _JMP32):
        return Effect(_CALLER_SAVED, any_stack=not is_subprogram_call(insn)) if is_call(insn) else Effect()
    registers: tuple[int, ...] = ()
    if kind == _STX and insn.opcode & 0xE0 == 0xC0:
        if insn.imm == _LOAD_ACQUIRE:
            return Effect((insn.dst,))
        if insn.imm == _CMPXCHG:
            registers = (0,)
        elif insn.imm & _FETCH:
            registers = (insn.src,)
    if insn.dst == 10:
        return Effect(registers, (insn.off, _SIZES[insn.opcode & 0x18]))
    return Effect(registers, any_stack=True)


def is_call(insn: Insn) -> bool:
    """Helper, kernel function or subprogram."""
    return insn.opcode & 0xF7 == _CALL | _JMP


def is_subprogram_call(insn: Insn) -> bool:
    """BPF_PSEUDO_CALL."""
    return is_call(insn) and insn.src == 1


def is_kfunc_call(insn: Insn) -> bool:
    """BPF_PSEUDO_KFUNC_CALL: iterators and some locks go on in two states."""
    return is_call(insn) and insn.src == 2


def calls_back(insn: Insn) -> bool:
    """A helper that runs a callback before it returns."""
    return is_call(insn) and insn.src == 0 and insn.imm in SYNCHRONOUS_CALLBACKS


def is_conditional(insn: Insn) -> bool:
    """A jump with two ways to go on, may_goto included; not gotox, which may have many."""
    return insn.opcode & 7 in (_JMP, _JMP32) and insn.opcode & 0xF0 not in (_JA, _CALL, _EXIT)


def is_indirect(insn: Insn) -> bool:
    """gotox, which may have many targets (7.x)."""
    return insn.opcode == _JMP | 0x08


def is_may_goto(insn: Insn) -> bool:
    """Decided by a counter or a clock that no program can see."""
    return insn.opcode & 7 == _JMP and insn.opcode & 0xF0 == _MAY_GOTO


def may_split(insn: Insn) -> bool:
    """Operations at which newer verifiers, 6.12's later stable releases included, split a [-1, 0] scalar
    (maybe_fork_scalars)."""
    return insn.opcode & 7 in (_ALU, _ALU64) and insn.opcode & 0xF0 in (0x40, 0x50, 0xC0)


def operands(insn: Insn) -> tuple[int, ...]:
    """The registers a conditional jump compares."""
    if not is_conditional(insn) or is_may_goto(insn):
        return ()
    return (insn.dst, insn.src) if insn.opcode & 8 else (insn.dst,)
