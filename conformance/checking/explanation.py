"""Why a register is not what a helper wants: which argument, and which instruction made it so.

Found on a run that gets there: the reference verifier's witness.  From the refused instruction back, the last
one that gave the register its value; through moves and through the stack to where the value came from.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from conformance.observing.opinions import THOROUGH, opinion
from ebpf.assembly import listing
from ebpf.helpers import Arg, prototype_for
from ebpf.isa import opcodes as o
from ebpf.isa.insn import Insn
from ebpf.program import Case
from ebpf.rules import Rule
from oracles.interpreter import Step, run
from oracles.interpreter.memory import Pointer, Undefined

STEPS = 20_000
DEPTH = 8
"""Moves followed back: a value seldom comes further."""
CONTEXT = 1
"""The register that programs find their context in."""
FRAME_POINTER = 10
UNSET = "not set"


@dataclass(frozen=True, slots=True)
class Explanation:
    """``register`` at the slot ``at`` breaks ``rule``.  ``wanted`` is what the helper's prototype asks of it
    (None: no helper's argument), ``found`` what it was.  ``origin`` are the slots its value came through, the
    newest first; empty: it never got one."""

    at: int
    rule: Rule
    register: int
    wanted: str | None
    found: str
    origin: tuple[int, ...]


def explain(case: Case) -> Explanation | None:
    """None where the reference verifier accuses no register, or no run of the interpreter gets there."""
    answer = opinion(case, THOROUGH)
    named = re.search(r"\b[Rr](\d+)\b", answer.detail)
    if answer.rule is None or answer.at is None or named is None or answer.witness is None:
        return None
    register, trace = int(named[1]), list[Step]()
    run(answer.witness, answer.witness.inputs[0], trace=trace, limit=STEPS)
    if trace and trace[-1].at == answer.at:
        trace.pop()
    # Of another frame's registers nothing can be said by their numbers.
    if any(step.depth for step in trace):
        return None
    code = case.program.instructions
    value = trace[-1].registers[register] if trace else None
    wanted = _wanted(case, code[answer.at], register)
    return Explanation(
        answer.at,
        answer.rule,
        register,
        wanted.kind.value if wanted else None,
        _describe(value, register),
        tuple(islice(_origin(code, [step.at for step in trace], register), DEPTH)),
    )


def lines(case: Case) -> Iterator[str]:
    """For people; nothing when there is nothing to explain."""
    found = explain(case)
    if found is None:
        return
    code = dict(listing(case.program.instructions))
    what = f"wants {found.wanted} in" if found.wanted else "uses"
    yield f"  why: instruction {found.at} ({code[found.at]}) {what} r{found.register}, which is {found.found}"
    before = "left unset by" if found.found == UNSET else "set by"
    for at in found.origin:
        yield f"       {before} instruction {at}: {code[at]}"
        before = "  from"
    if not found.origin:
        yield "       no instruction on the way there sets it"
    yield f"       rule {found.rule.name}: {found.rule.statement} ({found.rule.source})"


def _wanted(case: Case, insn: Insn, register: int) -> Arg | None:
    if insn.opcode != o.JMP | o.CALL or insn.src:
        return None
    prototype = prototype_for(insn.imm, case.program.type)
    return prototype.args[register - 1] if prototype and 1 <= register <= len(prototype.args) else None


def _describe(value: object, register: int) -> str:
    if (value is None and register not in (CONTEXT, FRAME_POINTER)) or isinstance(value, Undefined):
        return UNSET
    if isinstance(value, int):
        return f"a number (0x{value:x} on the way shown), not a pointer"
    return "a pointer of another kind" if isinstance(value, Pointer) else "something else"


def _origin(code: Sequence[Insn], path: list[int], register: int) -> Iterator[int]:
    """Slots, newest first, through which the register got its value on ``path``."""
    slot: int | None = None
    for at in reversed(path):
        insn = code[at]
        kind = insn.opcode & o.CLASS_MASK
        if slot is not None:
            if kind not in (o.ST, o.STX) or insn.dst != FRAME_POINTER or insn.off != slot:
                continue
            yield at
            if kind == o.ST:
                return
            register, slot = insn.src, None
            continue
        if not _sets(insn, register):
            continue
        yield at
        if kind in (o.ALU, o.ALU64) and insn.opcode & o.OP_MASK == o.MOV:
            if not insn.opcode & o.SOURCE_MASK:
                return
            register = insn.src
        elif kind == o.LDX and insn.src == FRAME_POINTER:
            slot = insn.off
        elif kind not in (o.ALU, o.ALU64):
            return


def _sets(insn: Insn, register: int) -> bool:
    kind = insn.opcode & o.CLASS_MASK
    if insn.opcode == o.JMP | o.CALL:
        return register <= 5  # r0 is the result, r1 to r5 are gone
    if kind in (o.ALU, o.ALU64, o.LDX):
        return insn.dst == register
    return kind == o.LD and (insn.dst if insn.opcode == o.LD_IMM64 else 0) == register
