"""A function's activation."""

from __future__ import annotations

from typing import Final

from oracles.interpreter.memory import Region, Stack, Value

MAX_LOOPS: Final = 8 * 1024 * 1024
"""BPF_MAX_LOOPS, include/linux/bpf.h: how often bpf_loop calls back at most, and may_goto falls through."""
MAX_FRAMES = 16
"""MAX_CALL_FRAMES, include/linux/bpf_verifier.h (Linux 7.2; 8 before, which is no reason to stop a run)."""


class CallFrame:
    """A function's activation: where to go on in the caller, the caller's R6 to R10, and this function's
    stack.

    ``may_goto_left``: the kernel keeps one count per activation, for all its ``may_goto``
    (kernel/bpf/verifier.c, do_misc_fixups).
    """

    __slots__ = ("may_goto_left", "return_to", "saved", "snapshot", "stack")

    def __init__(self, stack: Region, return_to: int | None, saved: list[Value]) -> None:
        self.stack = stack
        self.return_to = return_to
        self.saved = saved
        self.snapshot: Stack | None = None
        self.may_goto_left = MAX_LOOPS

    def stack_now(self) -> Stack:
        """The stack's content, copied only when it changed since the last call."""
        if self.snapshot is None or self.snapshot.version != self.stack.version:
            stack = self.stack
            self.snapshot = Stack(
                bytes(stack.data), bytes(stack.written or b""), dict(stack.pointers), stack.version
            )
        return self.snapshot
