"""Which registers an instruction reads and writes, and which are read later (RFC 9669; kernel/bpf/verifier.c,
compute_insn_live_regs(), Linux 6.15)."""

from __future__ import annotations

from collections.abc import Sequence

from ebpf.editing import target
from ebpf.isa import opcodes as o
from ebpf.isa.insn import Insn

ARGUMENTS = frozenset(range(1, 6))
SCRATCHED = frozenset(range(6))
"""What a call leaves unreadable, but for its result in R0."""
SAVED = frozenset(range(6, 10))
_NOTHING: frozenset[int] = frozenset()
_NO_TEST = (o.JA, o.JCOND)


def reads(insn: Insn) -> frozenset[int]:
    """Registers read by the instruction in its first slot; of a call all that it may take."""
    kind, op = insn.opcode & o.CLASS_MASK, insn.opcode & o.OP_MASK
    if kind in (o.ALU, o.ALU64):
        return _read_by_alu(insn, op)
    if kind == o.LDX:
        return frozenset({insn.src})
    if kind == o.ST:
        return frozenset({insn.dst})
    if kind == o.STX:
        return _read_by_store(insn)
    if kind == o.LD:
        return _read_by_load(insn)
    if op == o.CALL:
        return ARGUMENTS
    if op == o.EXIT:
        return frozenset({0})
    if op in _NO_TEST:
        return frozenset({insn.dst}) if insn.opcode & o.X else _NOTHING
    return frozenset({insn.dst, insn.src} if insn.opcode & o.X else {insn.dst})


def _read_by_alu(insn: Insn, op: int) -> frozenset[int]:
    source = {insn.src} if insn.opcode & o.X and op != o.END else set()
    return frozenset(source if op == o.MOV else {insn.dst, *source})


def _read_by_store(insn: Insn) -> frozenset[int]:
    if insn.opcode & o.MODE_MASK == o.ATOMIC:
        if insn.imm == o.LOAD_ACQ:
            return frozenset({insn.src})
        if insn.imm == o.CMPXCHG:
            return frozenset({0, insn.dst, insn.src})
    return frozenset({insn.dst, insn.src})


def _read_by_load(insn: Insn) -> frozenset[int]:
    mode = insn.opcode & o.MODE_MASK
    if mode == o.IMM:
        return _NOTHING
    return frozenset({6, insn.src} if mode == o.IND else {6})


def writes(insn: Insn) -> frozenset[int]:
    """Registers whose old content is gone after the instruction."""
    kind = insn.opcode & o.CLASS_MASK
    if kind in (o.ALU, o.ALU64, o.LDX):
        return frozenset({insn.dst})
    if kind == o.LD:
        return frozenset({insn.dst}) if insn.opcode & o.MODE_MASK == o.IMM else SCRATCHED
    if kind == o.STX and insn.opcode & o.MODE_MASK == o.ATOMIC:
        if insn.imm == o.LOAD_ACQ:
            return frozenset({insn.dst})
        if insn.imm == o.CMPXCHG:
            return frozenset({0})
        return frozenset({insn.src}) if insn.imm & o.FETCH else _NOTHING
    return SCRATCHED if insn.opcode & ~o.SOURCE_MASK == o.CALL | o.JMP else _NOTHING


def starts(insns: Sequence[Insn]) -> tuple[int, ...]:
    """The slots in which an instruction begins: all but the second halves of 64-bit immediates."""
    found, at = [], 0
    while at < len(insns):
        found.append(at)
        at += 2 if insns[at].opcode == o.LD_IMM64 else 1
    return tuple(found)


def successors(insns: Sequence[Insn], at: int) -> tuple[int, ...]:
    """Where a run may go on in the same function after the instruction in slot ``at``.

    Of ``gotox`` nothing is known: programs with one have no successors to ask for.
    """
    insn = insns[at]
    kind, op = insn.opcode & o.CLASS_MASK, insn.opcode & o.OP_MASK
    following = at + (2 if insn.opcode == o.LD_IMM64 else 1)
    if kind not in (o.JMP, o.JMP32) or op == o.CALL:
        return (following,)
    if op == o.EXIT:
        return ()
    led_to = target(insn, at)
    assert led_to is not None
    return (led_to,) if op == o.JA else (following, led_to)


def live_before(insns: Sequence[Insn]) -> tuple[frozenset[int], ...]:
    """By slot: the registers that some way from there reads before it writes them."""
    live = [_NOTHING] * (len(insns) + 1)
    order, changed = starts(insns)[::-1], True
    while changed:
        changed = False
        for at in order:
            after = _NOTHING.union(*(live[to] for to in successors(insns, at) if 0 <= to < len(live)))
            before = (after - writes(insns[at])) | reads(insns[at])
            if before != live[at]:
                live[at], changed = before, True
    return tuple(live[:-1])
