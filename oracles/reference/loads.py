"""Steps of the LD, LDX, ST and STX classes, atomic operations apart."""

from __future__ import annotations

from ebpf import rules
from ebpf.isa import opcodes as o
from ebpf.isa.insn import Insn
from ebpf.kernel_variables import PER_CPU
from ebpf.maps import MapType
from ebpf.program_rules import LEGACY_LOADS
from oracles.reference import accesses, atomics, calls
from oracles.reference.contents import packet_byte
from oracles.reference.explorer import Explorer
from oracles.reference.places import within
from oracles.reference.registers import is_pointer, number, read, write
from oracles.reference.signals import Unmodelled
from oracles.reference.state import SymbolicState
from oracles.reference.values import RegionKind, SymbolicPointer, SymbolicRegion, Value
from oracles.terms.term import concat, extract, mask, negation, sign_extend, symbol, zero_extend


def step(x: Explorer, s: SymbolicState, insn: Insn) -> list[SymbolicState]:
    """A load or store."""
    cls, mode = insn.opcode & o.CLASS_MASK, insn.opcode & o.MODE_MASK
    size = o.SIZE_BYTES[insn.opcode & o.SIZE_MASK]
    if insn.opcode == o.LD_IMM64:
        write(x, s, insn.dst, _constant(x, s, insn))
        s.pc += 2
        return [s]
    if cls == o.LD:
        return _packet(x, s, insn, size, mode == o.IND)
    if cls == o.LDX:
        return _load(x, s, insn, size, signed=mode == o.MEMSX)
    if mode == o.ATOMIC:
        return atomics.step(x, s, insn)
    value: Value = insn.imm & mask(64) if cls == o.ST else read(x, s, insn.src)
    paths = accesses.store(x, s, read(x, s, insn.dst), insn.off, size, value, constant=cls == o.ST)
    for path in paths:
        path.pc += 1
    return paths


def _load(x: Explorer, s: SymbolicState, insn: Insn, size: int, signed: bool) -> list[SymbolicState]:
    paths = []
    for path, value in accesses.load(x, s, read(x, s, insn.src), insn.off, size):
        if signed:
            if is_pointer(value) and size < 8 and isinstance(s.registers[insn.src], SymbolicPointer):
                x.refuse(path, rules.CONTEXT_BOUNDS, "a pointer is loaded with its sign", since=(6, 12))
            value = sign_extend(extract(number(path, value), 8 * size - 1, 0), 8 * size)
        write(x, path, insn.dst, value)
        path.pc += 1
        paths.append(path)
    return paths


def _constant(x: Explorer, s: SymbolicState, insn: Insn) -> Value:
    high = x.facts.code[s.pc + 1].imm
    if insn.src == 0:
        return (high & mask(32)) << 32 | insn.imm & mask(32)
    if insn.src == o.PSEUDO_FUNC:
        if x.facts.program.func_info is None:
            x.ledger.leave_open("a function's address without BTF, which no kernel takes")
        return SymbolicPointer(
            SymbolicRegion(RegionKind.CODE, s.number(), writable=False), s.pc + 1 + insn.imm
        )
    maps = x.facts.program.maps
    if insn.src in o.PSEUDO_MAPS and 0 <= insn.imm < len(maps):
        if insn.src in (o.PSEUDO_MAP_FD, o.PSEUDO_MAP_IDX):
            return SymbolicPointer(x.facts.handles[insn.imm], 0)
        spec = maps[insn.imm]
        if spec.type is not MapType.ARRAY:
            raise Unmodelled(f"a direct value of a {spec.type.name.lower()} map")
        if not 0 <= high < spec.value_size or spec.max_entries != 1:
            x.refuse(s, rules.MAP_VALUE_ADDRESS, f"offset {high}")
        return SymbolicPointer(x.facts.direct[insn.imm], high & mask(64))
    if insn.src == o.PSEUDO_BTF_ID:
        return _variable(x, s)
    raise Unmodelled(f"64-bit immediates of kind {insn.src}")


def _variable(x: Explorer, s: SymbolicState) -> Value:
    """A per-CPU variable of the kernel's, which only helpers follow (check_pseudo_btf_id)."""
    name = dict(x.facts.program.kfuncs).get(s.pc, "")
    if name not in PER_CPU:
        raise Unmodelled("a variable of the kernel's")
    return SymbolicPointer(SymbolicRegion(RegionKind.VARIABLE, s.number(), PER_CPU[name], writable=False), 0)


def _packet(x: Explorer, s: SymbolicState, insn: Insn, size: int, indirect: bool) -> list[SymbolicState]:
    """ABS and IND: R0 becomes the packet's bytes, or the program ends with 0 where the packet is shorter."""
    if x.facts.program.type not in LEGACY_LOADS:
        x.refuse(s, rules.PACKET_LOAD_CONTEXT, x.facts.program.type.name.lower())
    six = read(x, s, 6)
    if not (isinstance(six, SymbolicPointer) and six.region.kind is RegionKind.CONTEXT and six.offset == 0):
        x.violation(s, rules.PACKET_LOAD_CONTEXT, "R6 is not the context")
    if s.lock is not None:
        x.refuse(s, rules.LOCK_HELD_AT_EXIT, "a legacy packet load")
    if s.references:
        x.refuse(s, rules.REFERENCE_LEAK, "a legacy packet load")
    if s.sections:
        x.refuse(s, rules.SECTION_AT_EXIT, "a legacy packet load")
    if indirect:
        read(x, s, insn.src)  # even a pointer will do (kernel/bpf/verifier.c, check_ld_abs)
    s.scratch()
    known = not (indirect or s.packet_changed or insn.imm < 0)
    loaded, ended = _packet_known(x, s, insn.imm, size) if known else _packet_unknown(s, size)
    paths = []
    if loaded is not None:
        loaded.pc += 1
        paths.append(loaded)
    if ended is not None:
        ended.registers[0] = 0
        paths += calls.leave(x, ended)
    return paths


def _packet_known(
    x: Explorer, s: SymbolicState, offset: int, size: int
) -> tuple[SymbolicState | None, SymbolicState | None]:
    """A load of a constant place: the packet reaches so far, or it does not.  Ranges take both for possible,
    as kernels do."""
    assert s.packet is not None
    if x.by_ranges:
        return _packet_unknown(s, size)
    loaded, ended = x.branch(s, negation(within(offset + size, 0, s.packet.size)))[::-1]
    if loaded is not None:
        loaded.registers[0] = zero_extend(
            concat([packet_byte(loaded, offset + n) for n in range(size)]), 8 * size
        )
    return loaded, ended


def _packet_unknown(s: SymbolicState, size: int) -> tuple[SymbolicState, SymbolicState]:
    ended = s.fork()
    s.unpredictable = ended.unpredictable = True
    s.registers[0] = zero_extend(symbol(f"packet!{s.number()}", 8 * size), 8 * size)
    return s, ended
