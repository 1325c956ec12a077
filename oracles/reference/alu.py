"""Steps of the ALU classes: numbers by :mod:`oracles.terms.arithmetic`, pointers moved by addition and
subtraction."""

from __future__ import annotations

from ebpf import rules
from ebpf.isa import opcodes as o
from ebpf.isa.insn import Insn
from ebpf.maps import MapType
from oracles.reference.explorer import Explorer
from oracles.reference.registers import is_pointer, number, read, write
from oracles.reference.signals import Unmodelled
from oracles.reference.state import SymbolicState
from oracles.reference.values import SOCKETS, Null, RegionKind, SymbolicPointer, Value
from oracles.terms.arithmetic import compute
from oracles.terms.term import Term, add, mask, subtract, symbol, to_signed, zero_extend

FAR = 1 << 29
"""BPF_MAX_VAR_OFF, include/linux/bpf_verifier.h."""
FIXED = SOCKETS | {RegionKind.MAP}
"""Objects whose pointers no kernel moves (kernel/bpf/verifier.c, adjust_ptr_min_max_vals)."""
UNTRACKED = frozenset({o.DIV, o.MOD, o.NEG, o.END})
"""Operations of which most kernels know no result, even of constants (kernel/bpf/verifier.c,
is_safe_to_compute_dst_reg_range)."""


def step(x: Explorer, s: SymbolicState, insn: Insn) -> list[SymbolicState]:
    """One ALU instruction."""
    op = insn.opcode & o.OP_MASK
    _constant(x, s, insn, op)
    if op == o.MOV:
        result = _move(x, s, insn)
    elif op in (o.NEG, o.END):
        value = read(x, s, insn.dst)
        if is_pointer(value):
            _leak(x, s, insn.dst, "pointer arithmetic")
        result = _result(x, s, insn, compute(insn, number(s, value), 0, x.facts.order))
    else:
        source: Value = read(x, s, insn.src) if insn.opcode & o.X else insn.imm & mask(64)
        value = read(x, s, insn.dst)
        if is_pointer(value) or is_pointer(source):
            result = _on_pointers(x, s, insn, value, source)
        else:
            result = _result(x, s, insn, compute(insn, number(s, value), number(s, source), x.facts.order))
    write(x, s, insn.dst, result)
    s.pc += 1
    return [s]


def _constant(x: Explorer, s: SymbolicState, insn: Insn, op: int) -> None:
    """Constants that kernels refuse (kernel/bpf/verifier.c, check_alu_op)."""
    if insn.opcode & o.X:
        return
    if op in (o.DIV, o.MOD) and insn.imm == 0:
        x.refuse(s, rules.DIVISION_BY_ZERO, "")
    if op in (o.LSH, o.RSH, o.ARSH) and not 0 <= insn.imm < (
        64 if insn.opcode & o.CLASS_MASK == o.ALU64 else 32
    ):
        x.refuse(s, rules.INVALID_SHIFT, f"by {insn.imm}")


def _result(x: Explorer, s: SymbolicState, insn: Insn, value: Term) -> Term:
    if x.solver.relates or insn.opcode & o.OP_MASK not in UNTRACKED:
        return x.apart(s, value)
    bits = 64 if insn.opcode & o.CLASS_MASK == o.ALU64 else 32
    return zero_extend(symbol(f"value!{s.number()}", bits), bits)


def _leak(x: Explorer, s: SymbolicState, register: int, what: str) -> None:
    if not x.facts.privileged:
        x.refuse(s, rules.POINTER_LEAK, f"R{register}: {what}")


def _move(x: Explorer, s: SymbolicState, insn: Insn) -> Value:
    if not insn.opcode & o.X:
        return compute(insn, 0, 0, x.facts.order)
    value = read(x, s, insn.src)
    if insn.off == 1:
        if not any(x.facts.program.maps[named].type is MapType.ARENA for named in x.facts.named):
            x.refuse(s, rules.ARENA_MISSING, "")
        raise Unmodelled("arenas")
    if insn.opcode & o.CLASS_MASK == o.ALU64 and insn.off == 0:
        return value
    if is_pointer(value):
        _leak(x, s, insn.src, "partial copy of a pointer")
    return x.apart(s, compute(insn, 0, number(s, value), x.facts.order))


def _on_pointers(x: Explorer, s: SymbolicState, insn: Insn, d: Value, v: Value) -> Value:
    op = insn.opcode & o.OP_MASK
    wide = insn.opcode & o.CLASS_MASK == o.ALU64
    both = is_pointer(d) and is_pointer(v)
    subtraction = op == o.SUB and is_pointer(d)
    as_number = x.facts.privileged and op == o.SUB and (not wide or both)
    if not as_number and (
        not wide or both or op not in (o.ADD, o.SUB) or (op == o.SUB and not is_pointer(d))
    ):
        x.refuse(s, rules.POINTER_ARITHMETIC, f"R{insn.dst}")
    if (
        wide
        and subtraction
        and isinstance(d, SymbolicPointer)
        and isinstance(v, SymbolicPointer)
        and d.region is v.region
    ):
        return subtract(d.offset, v.offset)
    if not wide or both or op not in (o.ADD, o.SUB) or (op == o.SUB and not is_pointer(d)):
        return compute(insn, number(s, d), number(s, v), x.facts.order)
    moved, by = (d, v) if is_pointer(d) else (v, d)
    assert isinstance(moved, SymbolicPointer | Null)
    distance = number(s, by)
    _may_move(x, s, insn, moved, distance)
    if isinstance(moved, Null):
        # A null that nobody looked at yet, moved: a number like any other, and never null again.
        return compute(insn, 0, distance, x.facts.order)
    offset = add(moved.offset, distance) if op == o.ADD else subtract(moved.offset, distance)
    return SymbolicPointer(moved.region, x.apart(s, offset), moved.check, moved.end, moved.reference)


def _may_move(x: Explorer, s: SymbolicState, insn: Insn, moved: SymbolicPointer | Null, by: Term) -> None:
    """The kernel's own limits on pointer arithmetic (kernel/bpf/verifier.c: adjust_ptr_min_max_vals,
    check_reg_sane_offset)."""
    kind = moved.kind if isinstance(moved, Null) else moved.region.kind
    nothing = isinstance(by, int) and by == 0 and insn.opcode & o.OP_MASK == o.ADD
    if moved.check is not None:
        x.unchecked(s, moved.check, rules.POINTER_ARITHMETIC, f"on {kind.value}_or_null, null-check it first")
    if isinstance(moved, Null):
        return
    if kind is RegionKind.CODE:
        # Kernels move it and refuse what comes of it only where it is used; here it counts slots.
        raise Unmodelled("arithmetic on a function's address")
    if moved.end or (kind in FIXED and not (nothing and kind is RegionKind.MAP)):
        x.refuse(s, rules.POINTER_ARITHMETIC, f"on {'pkt_end' if moved.end else kind.value}")
        return
    if kind is RegionKind.FLOW_KEYS and not isinstance(by, int):
        # Refused since "bpf: Reject variable offset alu on PTR_TO_FLOW_KEYS" (6.8, and stable kernels).
        x.refuse(s, rules.POINTER_ARITHMETIC, "flow_keys moved by an unknown distance")
    if insn.opcode & o.OP_MASK == o.SUB and kind is RegionKind.STACK:
        x.refuse(s, rules.POINTER_ARITHMETIC, "subtraction from a stack pointer")
    if isinstance(by, int):
        by_signed = to_signed(by, 64)
        if abs(by_signed) >= FAR:
            x.refuse(s, rules.OFFSET_LIMIT, f"{kind.value} moved by {by_signed}")
    elif x.possible(s, by <= -FAR):
        x.refuse(s, rules.OFFSET_LIMIT, f"{kind.value} may be moved by less than -{FAR}")
    if isinstance(moved.offset, int) and isinstance(by, int):
        total = to_signed(moved.offset, 64) + (
            to_signed(by, 64) if insn.opcode & o.OP_MASK == o.ADD else -to_signed(by, 64)
        )
        origin = 512 if kind is RegionKind.STACK else 0
        if abs(total - origin) >= FAR:
            x.refuse(s, rules.OFFSET_LIMIT, f"{kind.value} at {total - origin}")
