"""Steps of the JMP classes, calls apart."""

from __future__ import annotations

from ebpf import rules
from ebpf.isa import opcodes as o
from ebpf.isa.insn import Insn
from oracles.reference import loops
from oracles.reference.explorer import Explorer
from oracles.reference.places import MAX_PACKET_OFFSET
from oracles.reference.registers import is_pointer, number, read
from oracles.reference.signals import Unmodelled
from oracles.reference.state import SymbolicState
from oracles.reference.values import Null, RegionKind, SymbolicPointer, Value
from oracles.terms.arithmetic import CONDITIONS, compare
from oracles.terms.term import add, mask

EQUALITY_CHECKS_SINCE = (6, 2)
"""Comparing with a pointer that is not null is a null check (kernel/bpf/verifier.c, check_cond_jmp_op)."""
REGISTER_CHECKS_SINCE = (7, 1)
"""So is comparing with a register that holds 0 (seen: 7.0.13 refuses what 7.1.13 accepts)."""
PAGE = 4096
"""Bytes: no object of the kernel's lies in the first page."""
_BIAS = 1 << 63
_ORDERS = {
    **dict.fromkeys((o.JEQ, o.JNE, o.JSGT, o.JSGE, o.JSLT, o.JSLE), 0),
    **dict.fromkeys((o.JGT, o.JGE, o.JLT, o.JLE), _BIAS),
}
"""Comparisons that offsets decide, and what to add to both: regions lie far from the ends of memory, so that
addresses are in the order of their offsets as signed numbers."""


_UNSIGNED = (o.JGT, o.JGE, o.JLT, o.JLE)


def step(x: Explorer, s: SymbolicState, insn: Insn) -> list[SymbolicState]:
    """A jump."""
    op = insn.opcode & o.OP_MASK
    if op == o.JA:
        if insn.opcode & o.X:
            raise Unmodelled("indirect jumps")
        target = s.pc + 1 + (insn.off if insn.opcode & o.CLASS_MASK == o.JMP else insn.imm)
        if target <= s.pc:
            loops.arrive(x, s, target)
        s.pc = target
        return [s]
    if op == o.JCOND:
        return _may_goto(x, s, insn)
    d = read(x, s, insn.dst)
    v: Value = read(x, s, insn.src) if insn.opcode & o.X else insn.imm & mask(64)
    if not (is_pointer(d) or is_pointer(v)):
        yes, no = x.branch(s, compare(insn, number(s, d), number(s, v)))
    else:
        yes, no = _with_pointers(x, s, insn, d, v)
    target = s.pc + 1 + insn.off
    if yes is not None:
        if target <= yes.pc and no is None:
            loops.arrive(x, yes, target)  # only where nothing but the state decides can it go round for ever
        yes.pc = target
    if no is not None:
        no.pc += 1
    # The branch not taken first, as the kernel does: it leads out of loops last.
    return [path for path in (no, yes) if path is not None]


def _may_goto(x: Explorer, s: SymbolicState, insn: Insn) -> list[SymbolicState]:
    """Falls through, or, when its hidden count has run out, jumps: which of the two no input decides."""
    loops.head(x, s)
    out = s.fork()
    out.unpredictable = True
    out.pc += 1 + insn.off
    s.pc += 1
    return [out, s]


def _with_pointers(
    x: Explorer, s: SymbolicState, insn: Insn, d: Value, v: Value
) -> tuple[SymbolicState | None, SymbolicState | None]:
    wide = insn.opcode & o.CLASS_MASK == o.JMP
    op = insn.opcode & o.OP_MASK
    zero = not insn.opcode & o.X and insn.imm == 0
    if wide and zero and op in (o.JEQ, o.JNE) and isinstance(d, SymbolicPointer | Null):
        if (
            not x.facts.privileged
            and isinstance(d, SymbolicPointer)
            and d.region.kind in (RegionKind.STACK, RegionKind.CONTEXT)
        ):
            # Not among those that kernels know to be no null (reg_not_null), so that this is a comparison
            # like any other.
            x.refuse(s, rules.POINTER_COMPARISON, f"R{insn.dst}")
        if d.check is not None:
            s.resolve({d.check: 0 if isinstance(d, Null) else None})
        null = isinstance(d, Null)
        return (s, None) if null == (op == o.JEQ) else (None, s)
    _may_compare(x, s, insn, d, v)
    if not (isinstance(d, SymbolicPointer) or isinstance(v, SymbolicPointer)):
        return x.branch(s, compare(insn, number(s, d), number(s, v)))
    if (
        wide
        and isinstance(d, SymbolicPointer)
        and isinstance(v, SymbolicPointer)
        and d.region is v.region
        and op in _ORDERS
    ):
        if x.by_ranges and d.region.kind is RegionKind.PACKET and not _shows_range(op, d, v):
            return s, s.fork()
        return x.branch(s, CONDITIONS[op](add(d.offset, _ORDERS[op]), add(v.offset, _ORDERS[op]), 64))
    if wide and op in (o.JEQ, o.JNE) and _is_null(d if isinstance(v, SymbolicPointer) else v):
        check = (
            d.check if isinstance(d, SymbolicPointer) else v.check if isinstance(v, SymbolicPointer) else None
        )
        if check is not None:
            x.ledger.elided[check] = REGISTER_CHECKS_SINCE
        return (s, None) if op == o.JNE else (None, s)
    if wide and op in (o.JEQ, o.JNE) and isinstance(d, SymbolicPointer) and isinstance(v, SymbolicPointer):
        checks = {d.check, v.check}
        if len(checks) == 2 and None in checks:
            # What equals a pointer that is not null is not null; both branches are let off.
            x.ledger.elided[max(check for check in checks if check is not None)] = EQUALITY_CHECKS_SINCE
    if wide and op in (o.JEQ, o.JNE) and x.solver.relates and _is_page_zero(v):
        return (s, None) if op == o.JNE else (None, s)
    # What an address is, no input decides.
    other_way = s.fork()
    s.unpredictable = other_way.unpredictable = True
    return s, other_way


def _shows_range(op: int, d: SymbolicPointer, v: SymbolicPointer) -> bool:
    """Whether a kernel learns from the comparison how long the packet is (kernel/bpf/verifier.c,
    try_match_pkt_pointers)."""
    offset = v.offset if d.end else d.offset
    return d.end != v.end and op in _UNSIGNED and isinstance(offset, int) and offset <= MAX_PACKET_OFFSET


def _is_page_zero(value: Value) -> bool:
    """Whether it is a number that is no object's address."""
    return isinstance(value, int) and value < PAGE


def _is_null(value: Value) -> bool:
    return isinstance(value, Null) or (isinstance(value, int) and value == 0)


def _may_compare(x: Explorer, s: SymbolicState, insn: Insn, d: Value, v: Value) -> None:
    """Without privilege, pointers are compared with null, which came before, and within the packet
    (kernel/bpf/verifier.c, check_cond_jmp_op)."""
    if x.facts.privileged:
        return
    packet = [isinstance(p, SymbolicPointer) and p.region.kind is RegionKind.PACKET for p in (d, v)]
    if all(packet):
        return
    x.refuse(s, rules.POINTER_COMPARISON, f"R{insn.dst}")
