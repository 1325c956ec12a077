"""Where a value came from: back along the path that the log shows, from visit to visit."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import Enum

from ebpf.isa import opcodes as o
from ebpf.isa.insn import Insn
from ebpf.verifier_log.claims import PointerClaim
from ebpf.verifier_log.effects import effect, is_call, is_conditional, is_subprogram_call, operands
from ebpf.verifier_log.exploration import Exploration
from ebpf.verifier_log.nodes import Node

LONGEST = 12
"""Steps that a person is shown."""
FRAME_POINTER = 10


class StepKind(Enum):
    """What an instruction did to the value."""

    SET = "set by"
    LOST = "lost in"
    TAKEN = "taken"
    PASSED = "not taken"
    ACQUIRED = "acquired by"
    INVALIDATED = "made invalid by"


@dataclass(frozen=True, slots=True)
class OriginStep:
    """One instruction that the value came through, or that led to where it is used."""

    at: int
    kind: StepKind


Location = tuple[int, int]
"""(frame, register), or (frame, offset) of a stack slot: offsets are negative."""


def trace_back(
    exploration: Exploration, node: Node, registers: Iterable[int], invalidates: Callable[[Node], bool]
) -> tuple[OriginStep, ...]:
    """The steps through which registers got what they hold when ``node`` is about to run, the newest
    first.  ``invalidates``: whether a visit ends every packet pointer."""
    wanted: set[Location] = {(node.frame, register) for register in registers}
    steps: list[OriginStep] = []
    after, at = node, node.parent
    while at is not None and wanted and len(steps) < LONGEST:
        wanted = _across_frames(wanted, exploration, at, after)
        step = _step(wanted, exploration, at, after)
        if step is not None:
            steps.append(step)
        elif invalidates(at) and any(_is_packet(exploration, at, place) for place in wanted):
            steps.append(OriginStep(at.insn, StepKind.INVALIDATED))
        after, at = at, at.parent
    return tuple(steps)


def _is_packet(exploration: Exploration, at: Node, place: Location) -> bool:
    frame = exploration.known(at).frame(place[0])
    slot = frame.slots.get(place[1])
    claim = slot.value if slot is not None else frame.registers.get(place[1])
    return isinstance(claim, PointerClaim) and claim.type.startswith("pkt")


def _across_frames(wanted: set[Location], exploration: Exploration, at: Node, after: Node) -> set[Location]:
    """Names of the same values on the other side of a call or a return between two visits."""
    if at.frame == after.frame:
        return wanted
    if at.frame > after.frame:  # back into a callee, of which only its result was kept
        return {(at.frame, 0) if place == (after.frame, 0) else place for place in wanted}
    if not is_subprogram_call(exploration.instructions[at.insn]):
        return {place for place in wanted if place[0] <= at.frame}  # a callback's arguments are the kernel's
    return {
        (at.frame, place) if frame == after.frame and 1 <= place <= 5 else (frame, place)
        for frame, place in wanted
        if frame <= at.frame or 1 <= place <= 5
    }


def _step(wanted: set[Location], exploration: Exploration, at: Node, after: Node) -> OriginStep | None:
    """What the visit did to the values, which ``wanted`` then names as they were before it."""
    insn = exploration.instructions[at.insn]
    frame = at.frame
    if is_conditional(insn):
        if any((frame, register) in wanted for register in operands(insn)):
            return OriginStep(at.insn, direction(insn, at, after))
        return None
    if is_subprogram_call(insn) and after.frame > frame:
        return None
    written = {(frame, register) for register in effect(insn).registers}
    slot = _stored(exploration, at, insn)
    if slot is not None:
        written |= {place for place in wanted if slot <= place < slot_end(insn, slot)}
    hit = written & wanted
    if not hit:
        return None
    wanted -= hit
    if is_call(insn):
        lost = all(place[1] != 0 for place in hit)
        return OriginStep(at.insn, StepKind.LOST if lost else StepKind.SET)
    wanted |= _inputs(exploration, at, insn)
    return OriginStep(at.insn, StepKind.SET)


def direction(insn: Insn, at: Node, after: Node) -> StepKind:
    """Which way a conditional jump was left."""
    return StepKind.PASSED if after.insn == at.insn + 1 and insn.off else StepKind.TAKEN


def _inputs(exploration: Exploration, at: Node, insn: Insn) -> set[Location]:
    """What the instruction made the value of."""
    kind, frame = insn.opcode & o.CLASS_MASK, at.frame
    if kind in (o.ALU, o.ALU64):
        operation = insn.opcode & o.OP_MASK
        kept = set() if operation == o.MOV else {(frame, insn.dst)}
        return kept | ({(frame, insn.src)} if insn.opcode & o.X and operation != o.END else set())
    if kind == o.STX:
        return {(frame, insn.src)}
    if kind == o.LDX:
        slot = _address(exploration, at, insn.src, insn.off)
        return set() if slot is None else {slot}
    return set()


def _stored(exploration: Exploration, at: Node, insn: Insn) -> Location | None:
    """The stack slot that a store writes; None where it writes none that is known."""
    if insn.opcode & o.CLASS_MASK not in (o.ST, o.STX):
        return None
    return _address(exploration, at, insn.dst, insn.off)


def slot_end(insn: Insn, slot: Location) -> Location:
    """Behind the last byte that a store to ``slot`` writes."""
    return slot[0], slot[1] + o.SIZE_BYTES[insn.opcode & o.SIZE_MASK]


def _address(exploration: Exploration, at: Node, register: int, off: int) -> Location | None:
    if register == FRAME_POINTER:
        return at.frame, off
    claim = exploration.known(at).frame(at.frame).registers.get(register)
    if not isinstance(claim, PointerClaim) or claim.type != "fp":
        return None
    constant = claim.variable_offset.constant_value
    if constant is None:
        return None
    frame = at.frame if claim.frame is None else claim.frame
    return frame, claim.fixed_offset + (constant - (1 << 64) if constant >> 63 else constant) + off


def path_from(exploration: Exploration, node: Node, start: int) -> Iterator[OriginStep]:
    """The way from the last visit of the slot ``start`` to ``node``, newest first: every conditional jump
    with the way it was left, and ``start`` itself.  Nothing where the path does not come by."""
    steps: list[OriginStep] = []
    after, at = node, node.parent
    while at is not None:
        if at.insn == start:
            yield from steps
            yield OriginStep(start, StepKind.ACQUIRED)
            return
        insn = exploration.instructions[at.insn]
        if is_conditional(insn):
            steps.append(OriginStep(at.insn, direction(insn, at, after)))
        after, at = at, at.parent
