"""Opcode to handler, for all 256 opcodes; None where no instruction has that opcode."""

from __future__ import annotations

from oracles.interpreter import accesses, arithmetic, atomics, calls, jumps
from oracles.interpreter.arithmetic import Handler

_ALL: dict[int, Handler] = {**arithmetic.HANDLERS, **jumps.HANDLERS, **accesses.HANDLERS, **atomics.HANDLERS, **calls.HANDLERS}

HANDLERS: tuple[Handler | None, ...] = tuple(_ALL.get(opcode) for opcode in range(256))
