"""Opening and closing blocks and loops."""

from __future__ import annotations

from dataclasses import replace

from ebpf.isa import opcodes as o
from ebpf.isa.build import Register, add64, goto, jump, mov64
from ebpf.isa.insn import Insn
from generators.builder import Builder
from generators.scopes import Block, OpenLoop
from generators.state import Number
from generators.transfer.forgetting import enter_loop, leave_loop


def open_block(b: Builder, insn: Insn, left: int, *, has_else: bool) -> None:
    """Jump over what follows, if ``insn`` says so."""
    b.open.append(Block(b.branch(insn), left, has_else))


def open_loop(b: Builder, counter: Register, left: int, bound: int) -> None:
    """Begin a loop."""
    b.emit(mov64(counter, 0))
    enter_loop(b.state, counter)
    b.open.append(OpenLoop(len(b.insns), left, counter, bound, b.state.copy()))


def count_production(b: Builder) -> None:
    """Count one production against every open scope, and close those that are full."""
    for scope in b.open:
        scope.left -= 1
    while b.open and b.open[-1].left <= 0:
        close(b)


def close(b: Builder) -> None:
    """End the innermost scope here."""
    scope = b.open.pop()
    if isinstance(scope, OpenLoop):
        _close_loop(b, scope)
    elif scope.has_else:
        over = b.skip(goto())
        b.land(scope.branch)
        b.open.append(Block(over, 2))
    else:
        b.land(scope.branch)


def _close_loop(b: Builder, loop: OpenLoop) -> None:
    for register, content in loop.entry.registers.items():
        if isinstance(content, Number) and not isinstance(b.state.registers.get(register), Number):
            b.emit(mov64(register, 0))
    b.emit(add64(loop.counter, 1))
    again = b.branch(jump(o.JLT, loop.counter, loop.bound))
    b.insns[again.jump] = replace(b.insns[again.jump], off=loop.start - again.jump - 1)
    b.state = leave_loop(loop.entry, b.state, loop.counter)
