"""Handlers of the JMP and JMP32 classes, calls apart."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ebpf import rules
from ebpf.isa import opcodes as o
from ebpf.isa.insn import Insn
from oracles.interpreter.arithmetic import CONDITIONS, U32, U64
from oracles.interpreter.machine import LEAVE, Handler, Machine
from oracles.interpreter.memory import Pointer, Value
from oracles.interpreter.signals import Abstain


def _addresses(m: Machine, d: Value, s: Value) -> tuple[int, int]:
    """What a 64-bit comparison that involves a pointer compares."""
    if isinstance(d, Pointer) and isinstance(s, Pointer) and s.region is d.region:
        return d.address, s.address
    if (isinstance(d, Pointer) and s == 0) or (isinstance(s, Pointer) and d == 0):
        # Every region's address is far from null, whatever it is: the answer is predictable.
        return (d.address if isinstance(d, Pointer) else 0, s.address if isinstance(s, Pointer) else 0)
    return m.number(d), m.number(s)


def _compare(condition: Callable[[int, int, int], bool], bits: int, from_register: bool) -> Handler:
    mask = U64 if bits == 64 else U32

    def handle(m: Machine, insn: Insn, pc: int) -> int:
        d = m.read(insn.dst)
        s: Value = m.read(insn.src) if from_register else insn.imm & mask
        if not (isinstance(d, int) and isinstance(s, int)):
            d, s = _addresses(m, d, s) if bits == 64 else (m.number(d), m.number(s))
        return pc + 1 + insn.off if condition(d & mask, s & mask, bits) else pc + 1

    return handle


def _goto(m: Machine, insn: Insn, pc: int) -> int:
    return pc + 1 + insn.off


def _goto_long(m: Machine, insn: Insn, pc: int) -> int:
    return pc + 1 + insn.imm


def _goto_indirect(m: Machine, insn: Insn, pc: int) -> int:
    target = m.read(insn.dst)
    if not isinstance(target, Pointer) or target.region is not m.code_region:
        m.trap(rules.SCALAR_DEREFERENCE, f"R{insn.dst} is not an instruction's address")
    return target.offset


def _may_goto(m: Machine, insn: Insn, pc: int) -> int:
    frame = m.frames[-1]
    if frame.may_goto_left == 0:
        # Since Linux 6.15 time decides, not a count.
        raise Abstain("may_goto after its last round")
    frame.may_goto_left -= 1
    return pc + 1


def _exit(m: Machine, insn: Insn, pc: int) -> int:
    # A function of the program may return nothing (kernel/bpf/verifier.c, prepare_func_exit): its caller must
    # not read R0 then.
    if len(m.frames) == 1:
        m.resources.check_exit()
        m.read(0)
        return LEAVE
    for register in range(1, 6):
        m.scratch(register)
    return m.pop_frame()


def _comparisons() -> Iterator[tuple[int, Handler]]:
    for op, condition in CONDITIONS.items():
        for source in (o.K, o.X):
            yield op | source | o.JMP, _compare(condition, 64, source == o.X)
            yield op | source | o.JMP32, _compare(condition, 32, source == o.X)


HANDLERS: dict[int, Handler] = {
    **dict(_comparisons()),
    o.JA | o.JMP: _goto,
    o.JA | o.JMP32: _goto_long,
    o.JA | o.X | o.JMP: _goto_indirect,
    o.JCOND | o.JMP: _may_goto,
    o.EXIT | o.JMP: _exit,
}
