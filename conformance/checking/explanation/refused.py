"""A refusal in its place: the message, the instruction, and the path that the log shows to it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum

from ebpf.helpers import ArgKind, prototype_for
from ebpf.isa import opcodes as o
from ebpf.isa.insn import Insn
from ebpf.program import Program
from ebpf.verifier_log.claims import Claim, NotUnderstood, PointerClaim, ScalarClaim, StackObject
from ebpf.verifier_log.effects import is_call, is_subprogram_call
from ebpf.verifier_log.exploration import Exploration
from ebpf.verifier_log.log import Log
from ebpf.verifier_log.nodes import Node

_NUMBER = re.compile(r"R(\d+) (?:invalid mem access '(?:scalar|inv)'|type=(?:scalar|inv) )")


class OperandRole(Enum):
    """What the refused instruction has a register for."""

    ADDRESS = "the address"
    DESTINATION = "the destination"
    SOURCE = "the operand"
    ARGUMENT = "an argument"
    RESULT = "the result"


def _sharpened(claim: Claim, other: Claim) -> Claim:
    """A claim with what is known of another value of the same id."""
    match claim, other:
        case ScalarClaim(), ScalarClaim() if claim.id is not None and (claim.id, claim.delta) == (
            other.id,
            other.delta,
        ):
            both = claim.range.meet(other.range)
            return claim if both is None else replace(claim, range=both)
        case PointerClaim(), PointerClaim() if claim.id != other.id:
            return claim
        case PointerClaim(range=int(proven)), PointerClaim(range=int(more)) if claim.type == other.type:
            return replace(claim, range=max(proven, more))
        case PointerClaim(), PointerClaim() if claim.id is not None and claim.nullable and not other.nullable:
            return replace(claim, type=other.type)
    return claim


@dataclass(frozen=True, slots=True)
class Refused:
    """What is read of a refusal before anything is said about it."""

    program: Program
    at: int | None
    """The slot that the kernel refused; None where it names none."""
    messages: tuple[str, ...]
    """Its last lines, the last one last."""
    log: Log
    exploration: Exploration
    node: Node | None
    """The visit in which it was refused; None where the log does not show it."""

    @property
    def insn(self) -> Insn | None:
        """The instruction refused."""
        code = self.program.instructions
        return code[self.at] if self.at is not None and 0 <= self.at < len(code) else None

    def claim(self, register: int) -> Claim | None:
        """What the kernel knew of a register there.

        A branch on one register refines every other of the same id, and the log shows only the one.
        """
        if self.node is None:
            return None
        frame = self.exploration.known(self.node).frame(self.node.frame)
        claim = frame.registers.get(register)
        if claim is None or isinstance(claim, StackObject | NotUnderstood):
            return claim
        for other in frame.registers.values():
            claim = _sharpened(claim, other)
        return claim

    @property
    def spilled_pointers(self) -> tuple[int, ...]:
        """The offsets of the function's stack slots that hold a pointer there."""
        if self.node is None:
            return ()
        slots = self.exploration.known(self.node).frame(self.node.frame).slots
        return tuple(at for at, slot in slots.items() if isinstance(slot.value, PointerClaim))

    def argument(self, kinds: frozenset[ArgKind], claimed: Callable[[Claim], bool]) -> int | None:
        """The first argument of the helper called that its prototype asks to be of one of ``kinds`` and that
        what is known of it fits; None for none."""
        insn = self.insn
        prototype = None if insn is None else prototype_for(insn.imm, self.program.type)
        for register, arg in enumerate(prototype.args if prototype else (), 1):
            claim = self.claim(register)
            if arg.kind in kinds and claim is not None and claimed(claim):
                return register
        return None

    def register(self, role: OperandRole) -> int | None:
        """The register that the instruction has in a role; None where it has none."""
        insn = self.insn
        if insn is None or role is OperandRole.ARGUMENT:
            return None
        if role is OperandRole.RESULT:
            return 0
        kind = insn.opcode & o.CLASS_MASK
        if role is OperandRole.ADDRESS:
            return {o.LDX: insn.src, o.ST: insn.dst, o.STX: insn.dst}.get(kind)
        if role is OperandRole.DESTINATION:
            return None if is_call(insn) else insn.dst
        if kind in (o.LD, o.LDX, o.ST) or not insn.opcode & o.X:
            return None
        # Of a sum of pointer and number the number is meant, wherever it stands.
        swapped = isinstance(self.claim(insn.src), PointerClaim) and isinstance(
            self.claim(insn.dst), ScalarClaim
        )
        return insn.dst if swapped else insn.src

    @property
    def other_operand(self) -> int | None:
        """The source register of an addition or subtraction: half of what makes the result."""
        insn = self.insn
        adds = insn is not None and insn.opcode & o.CLASS_MASK == o.ALU64 and insn.opcode & o.X
        return insn.src if insn is not None and adds else None

    def invalidates(self, node: Node) -> bool:
        """Whether a visit calls what may change the packet: a helper, or a global function where a packet
        pointer became a number."""
        insn = self.program.instructions[node.insn]
        if insn.opcode != o.JMP | o.CALL:
            return False
        if insn.src == 0:
            prototype = prototype_for(insn.imm, self.program.type)
            if prototype is None or prototype.changes_packet:
                return prototype is not None
            # Some kernels take a tail call that failed for a change (bpf_helper_changes_pkt_data).
            return self.stale and prototype.name == "tail_call"
        return self.stale and is_subprogram_call(insn) and (node.frame, node.insn + 1) in node.children

    @property
    def stale(self) -> bool:
        """Whether what is refused as a number was a packet pointer when the log last showed it."""
        found = _NUMBER.match(self.messages[-1])
        claim = None if found is None else self.claim(int(found[1]))
        return isinstance(claim, PointerClaim) and claim.type.startswith("pkt")

    def role(self, register: int) -> OperandRole | None:
        """What the instruction has a register for; None where that is not told by its form."""
        insn = self.insn
        if insn is None:
            return None
        if is_call(insn):
            return OperandRole.ARGUMENT if 1 <= register <= 5 else None
        if insn.opcode == o.JMP | o.EXIT:
            return OperandRole.RESULT if register == 0 else None
        roles = (OperandRole.ADDRESS, OperandRole.DESTINATION, OperandRole.SOURCE)
        return next((role for role in roles if self.register(role) == register), None)
