"""Claims that hold at a point of a path: the printed ones and, until something overwrites them, the older
ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from ebpf.isa.insn import Insn
from ebpf.verifier_log.claims import Claim, ClaimedState, ScalarClaim, SlotClaim
from ebpf.verifier_log.effects import effect, is_subprogram_call


@dataclass(frozen=True, slots=True)
class FrameClaims:
    """One frame's claims, by register number and by slot offset.  What is absent is not claimed."""

    registers: Mapping[int, Claim] = field(default_factory=lambda: MappingProxyType({}))
    slots: Mapping[int, SlotClaim] = field(default_factory=lambda: MappingProxyType({}))


_NOTHING = FrameClaims()


@dataclass(frozen=True, slots=True)
class Known:
    """All claims, frame by frame, the main program's first."""

    frames: tuple[FrameClaims, ...] = ()

    def frame(self, number: int) -> FrameClaims:
        """Claims of frame ``number``; empty when nothing was said of it."""
        return self.frames[number] if number < len(self.frames) else _NOTHING

    def with_state(self, state: ClaimedState) -> Known:
        """With what ``state`` prints put over what was known."""
        frame = self.frame(state.frame)
        merged = FrameClaims(
            {**frame.registers, **dict(state.registers)} if state.registers else frame.registers,
            {**frame.slots, **{slot.offset: slot for slot in state.slots}} if state.slots else frame.slots,
        )
        return self._with(state.frame, merged)

    def _with(self, number: int, frame: FrameClaims) -> Known:
        frames = list(self.frames) + [_NOTHING] * (number + 1 - len(self.frames))
        frames[number] = frame
        return Known(tuple(frames))

    def after(self, insn: Insn, frame: int, next_frame: int) -> Known:
        """Without what ``insn``, run in ``frame`` and followed by an instruction in ``next_frame``, may have
        overwritten."""
        lost = effect(insn)
        known = self
        if lost.any_stack:
            known = Known(tuple(FrameClaims(each.registers) for each in known.frames))
        here = known.frame(frame)
        if lost.registers:
            here = FrameClaims(
                {n: claim for n, claim in here.registers.items() if n not in lost.registers}, here.slots
            )
        if lost.stack is not None:
            low, size = lost.stack
            here = FrameClaims(
                here.registers,
                {at: slot for at, slot in here.slots.items() if at + 8 <= low or low + size <= at},
            )
        known = known._with(frame, here)
        if next_frame > frame or (is_subprogram_call(insn) and next_frame == frame):
            known = Known(known.frames[: frame + 1])
            if next_frame == frame:
                # A global subprogram, verified apart: it may have written through any pointer it was given.
                known = Known(tuple(FrameClaims(each.registers) for each in known.frames))
        elif next_frame < frame:
            back = known.frame(next_frame)
            kept = FrameClaims({n: claim for n, claim in back.registers.items() if n > 5}, back.slots)
            known = Known(known.frames[: next_frame + 1])._with(next_frame, kept)
        return known


def constant_of(known: Known, frame: int, register: int) -> int | None:
    """The constant a register is claimed to hold, unsigned 64 bits, or None."""
    claim = known.frame(frame).registers.get(register)
    return claim.range.constant_value if isinstance(claim, ScalarClaim) else None


def disagree(known: Known, state: ClaimedState, but: tuple[int, ...]) -> bool:
    """Whether a register that no jump refines (all but ``but``) is one constant here and another there."""
    for number, claim in state.registers:
        if number in but or not isinstance(claim, ScalarClaim):
            continue
        there, here = claim.range.constant_value, constant_of(known, state.frame, number)
        if there is not None and here is not None and there != here:
            return True
    return False
