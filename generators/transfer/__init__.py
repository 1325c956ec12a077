"""What an instruction does to the state: one function per class of instructions, and for calls the callee's
prototype.

This is the only place that changes a :class:`~generators.state.GenerationState`.  It follows what valid
programs do: an access that is out of bounds, or of a register that must not be read, is not its concern.
"""

from __future__ import annotations

from ebpf.isa.insn import Insn
from generators.state import GenerationState
from generators.transfer import alu, calls, memory
from generators.transfer.memory import step_wide
from generators.transfer.world import Handler, World

__all__ = ["HANDLERS", "World", "step_wide"]


def _nothing(state: GenerationState, insn: Insn, world: World) -> None:
    """Conditional jumps are followed by :mod:`generators.transfer.jumps`; the rest leaves no trace."""


HANDLERS: list[Handler] = [_nothing] * 256
"""By opcode: lets the state be what holds after an instruction of one slot."""
for _table in (alu.HANDLERS, memory.HANDLERS, calls.HANDLERS):
    for _opcode, _handler in _table.items():
        HANDLERS[_opcode] = _handler
