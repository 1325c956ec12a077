"""Handlers of atomic operations, load-acquire and store-release.  A run has one thread: they are plain reads
and writes."""

from __future__ import annotations

from ebpf import rules
from ebpf.isa import opcodes as o
from ebpf.isa.insn import Insn
from ebpf.wording import in_bytes
from oracles.interpreter.accesses import load, locate, store
from oracles.interpreter.arena import ArenaRegion
from oracles.interpreter.arithmetic import ALU64
from oracles.interpreter.context import ContextRegion
from oracles.interpreter.machine import Handler, Machine
from oracles.interpreter.memory import Value
from oracles.interpreter.objects import SocketRegion
from oracles.interpreter.signals import Abstain


def _check(m: Machine, target: Value, offset: int, size: int) -> None:
    """Atomic operations are not for every memory (kernel/bpf/verifier.c, atomic_ptr_type_ok), and always
    aligned (check_atomic)."""
    region, at = locate(m, target, offset, size)
    if isinstance(region, ArenaRegion):
        raise Abstain("an atomic operation on arena memory")
    if isinstance(region, ContextRegion | SocketRegion) or region is m.packet:
        m.trap(rules.ATOMIC_TARGET, f"{in_bytes(size)} at {region.name}{at:+d}")
    if at % size:
        m.trap(rules.MISALIGNED, f"{in_bytes(size)} at {region.name}{at:+d}")


def _atomic(size: int) -> Handler:
    mask = (1 << 8 * size) - 1

    def handle(m: Machine, insn: Insn, pc: int) -> int:
        _check(m, m.read(insn.src if insn.imm == o.LOAD_ACQ else insn.dst), insn.off, size)
        if insn.imm == o.LOAD_ACQ:
            m.write(insn.dst, load(m, m.read(insn.src), insn.off, size))
        elif insn.imm == o.STORE_REL:
            store(m, m.read(insn.dst), insn.off, size, m.read(insn.src))
        else:
            read_modify_write(m, insn)
        return pc + 1

    def read_modify_write(m: Machine, insn: Insn) -> None:
        target = m.read(insn.dst)
        loaded = load(m, target, insn.off, size)
        if insn.imm == o.CMPXCHG:
            expected = m.read(0)
            # A whole pointer that was stored comes back as one, and equals itself whatever its address is.
            if loaded == expected or m.number(loaded) == m.number(expected) & mask:
                store(m, target, insn.off, size, m.read(insn.src))
            else:
                m.read(insn.src)
            m.write(0, loaded)
            return
        operand = m.number(m.read(insn.src)) & mask
        old = m.number(loaded)
        new = operand if insn.imm == o.XCHG else ALU64[insn.imm & ~o.FETCH](old, operand) & mask
        store(m, target, insn.off, size, new)
        if insn.imm & o.FETCH:
            # Kernels fill the register from the slot as a load does: a whole pointer that was stored comes
            # back as one.
            m.write(insn.src, loaded)

    return handle


HANDLERS: dict[int, Handler] = {o.STX | o.ATOMIC | code: _atomic(size) for code, size in o.SIZE_BYTES.items()}
