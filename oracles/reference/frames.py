"""Entering and leaving the program's functions."""

from __future__ import annotations

from ebpf import rules
from ebpf.isa import opcodes as o
from oracles.reference.explorer import Explorer
from oracles.reference.signals import Unmodelled
from oracles.reference.state import Loop, SymbolicFrame, SymbolicState
from oracles.reference.values import UNDEFINED, FrameStack, RegionKind, SymbolicPointer, SymbolicRegion

MAX_FRAMES, FRAMES_BEFORE = 16, 8
"""MAX_CALL_FRAMES, include/linux/bpf_verifier.h, of Linux 7.2, and before (7.1.13 refuses nine, 7.2 refuses
17)."""
_MORE_FRAMES = (7, 2)


def enter(x: Explorer, s: SymbolicState, entry: int, return_to: int, loop: Loop | None = None) -> None:
    """Push a frame: R1 to R5 are its arguments, R6 to R9 unwritten."""
    frames = len(s.frames) + 1
    if frames == FRAMES_BEFORE + 1:
        x.refuse(s, rules.CALL_DEPTH, f"{frames} frames", before=_MORE_FRAMES)
    if frames > MAX_FRAMES:
        x.refuse(s, rules.CALL_DEPTH, f"{frames} frames", since=_MORE_FRAMES)
        raise Unmodelled("more frames than any kernel has")
    if s.lock is not None and loop is None:
        x.refuse(s, rules.CALL_UNDER_LOCK, "a call", before=(6, 9))
    if entry in x.facts.globals:
        s.certain = (
            False  # a kernel knows what points to a caller's stack as memory only, to which other rules apply
        )
    x.ledger.calls.add((s.frame.entry, entry))
    number_ = s.number()
    region = SymbolicRegion(RegionKind.STACK, number_, o.STACK_SIZE, frame=number_)
    s.frames.append(
        SymbolicFrame(region, FrameStack(x.facts.order), entry, return_to, tuple(s.registers[6:11]), loop)
    )
    s.registers[6:10] = [UNDEFINED] * 4
    s.registers[0] = UNDEFINED
    s.registers[10] = SymbolicPointer(region, o.STACK_SIZE)
    s.pc = entry


def pop(s: SymbolicState) -> None:
    """Leave the current frame."""
    frame = s.frames.pop()
    s.registers[6:11] = list(frame.saved)
    assert frame.return_to is not None
    s.pc = frame.return_to
