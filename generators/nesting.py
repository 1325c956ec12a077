"""Opening and closing blocks and loops."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from ebpf.isa import opcodes as o
from ebpf.isa.build import Register, add64, goto, goto_long, jump, may_goto, mov64
from ebpf.isa.insn import Insn
from generators.builder import Builder
from generators.scopes import Block, LoopShape, OpenLoop
from generators.state import Number
from generators.transfer.forgetting import enter_loop, leave_loop


def open_block(b: Builder, insn: Insn, left: int, *, has_else: bool, far: bool = False) -> None:
    """Jump over what follows, if ``insn`` says so."""
    b.open.append(Block(b.branch(insn), left, has_else, far))


def open_loop(b: Builder, counter: Register, left: int, bound: int, shape: LoopShape) -> None:
    """Begin a loop."""
    b.emit(mov64(counter, bound if shape is LoopShape.DOWN else 0))
    enter_loop(b.state, counter)
    loop = OpenLoop(len(b.insns), left, counter, bound, b.state.copy(), shape)
    if shape is LoopShape.AT_TOP:
        loop.leave = b.branch(jump(o.JGE, counter, bound))
    elif shape is LoopShape.MAY_GOTO:
        loop.leave = b.branch(may_goto())
    b.open.append(loop)


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
        over = b.skip(goto_long() if scope.far else goto())
        b.land(scope.branch)
        b.open.append(Block(over, 2))
    else:
        b.land(scope.branch)


def _close_loop(b: Builder, loop: OpenLoop) -> None:
    for register, content in loop.entry.registers.items():
        if isinstance(content, Number) and not isinstance(b.state.registers.get(register), Number):
            b.emit(mov64(register, 0))
    back = _BACK[loop.shape]
    b.emit(add64(loop.counter, -1 if loop.shape is LoopShape.DOWN else 1))
    again = b.branch(back(loop)).jump
    b.insns[again] = replace(b.insns[again], off=loop.start - again - 1)
    if loop.leave is not None:
        b.patch(loop.leave.jump)
    b.state = leave_loop(loop.entry, b.state, loop.counter)


def _compare_with_bound(loop: OpenLoop) -> Insn:
    return jump(o.JLT, loop.counter, loop.bound)


_BACK: dict[LoopShape, Callable[[OpenLoop], Insn]] = {
    LoopShape.AT_END: _compare_with_bound,
    LoopShape.AT_TOP: lambda loop: goto(),
    LoopShape.DOWN: lambda loop: jump(o.JNE, loop.counter, 0),
    LoopShape.MAY_GOTO: _compare_with_bound,
}
"""What leads back to the start."""
