"""Bounds: the kernel logs a claim for a register or slot on a path, and a run on that path holds a value
outside it.

A run is followed along the log up to the first prune: beyond it the kernel does not compare imprecise
scalars, and a value outside a later claim is no bug.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from conformance.kernel.verifier_log.claims import ClaimedState, PointerClaim, ScalarClaim, SlotClaim
from conformance.kernel.verifier_log.exploration import Exploration
from conformance.kernel.verifier_log.paths import Ambiguous, Followed, NotExplored, Split, Truncated, follow
from conformance.properties.every_input import suspects
from conformance.properties.judgement import Abstention, Agreement, Disagreement, Judgement, PropertyKind
from conformance.properties.observation import STEP_LIMIT, Observation
from ebpf.isa.opcodes import STACK_SIZE
from oracles.interpreter import Step, run
from oracles.interpreter.memory import Pointer, Undefined, Value

NEVER_NULL = {"ctx", "fp", "map_ptr", "map_value", "pkt", "pkt_end", "pkt_meta"}
"""Pointer types that are what they say; others (``ptr_``, ``rcu_ptr_``) may be null without ``_or_null`` in
their name."""


def unreadable(seen: Observation) -> str | None:
    """Why the log holds the kernel to nothing, if so."""
    if not seen.accepted:
        return "not accepted"
    if seen.exploration is None or seen.log is None:
        return "no log"
    if seen.log.dialect.abstains is not None:
        return seen.log.dialect.abstains
    return "a walk that is not understood" if seen.exploration.strange else None


def judge(seen: Observation) -> Iterator[Judgement]:
    """One judgement per input whose run the log explores at least in part."""
    reason = unreadable(seen)
    if reason is not None or seen.exploration is None:
        yield Abstention(reason or "no log")
        return
    followed: dict[tuple[tuple[int, int], ...], Followed] = {}
    for number, (_, trace) in enumerate(seen.runs):
        path = tuple((step.frame, step.at) for step in trace)
        way = followed.get(path)
        if way is None:
            way = _follow(seen.exploration, path, trace)
            if not any(claims.node.branches for claims in way.claims):
                # Where a state was split in two, the way depends on values and not on the path alone.
                followed[path] = way
        judgement = _hold(seen, number, trace, way)
        yield judgement
        if isinstance(judgement, Disagreement):
            return
    if seen.budget is not None:
        yield from _over_all_inputs(seen)


def _over_all_inputs(seen: Observation) -> Iterator[Judgement]:
    """One judgement, of inputs that Z3 finds; a run of one must leave the claim too."""
    open_ = False
    for case in suspects(seen):
        if case is None:
            open_ = True
            continue
        trace: list[Step] = []
        run(case, case.inputs[0], trace=trace, limit=STEP_LIMIT)
        judgement = judge_run(seen, 0, tuple(trace))
        if isinstance(judgement, Disagreement):
            statement = judgement.statement.replace("on input 0", "on an input that Z3 found")
            yield replace(judgement, statement=statement, input=None, witness=case)
            return
    yield Abstention("reference: left open") if open_ else Agreement()


def judge_run(seen: Observation, number: int, trace: tuple[Step, ...]) -> Judgement:
    """One run, which the case's input ``number`` need not be the one to give, held against the log."""
    assert seen.exploration is not None
    return _hold(
        seen, number, trace, _follow(seen.exploration, [(step.frame, step.at) for step in trace], trace)
    )


def _follow(exploration: Exploration, path: Sequence[tuple[int, int]], trace: tuple[Step, ...]) -> Followed:
    return follow(exploration, path, lambda split: _side(split, trace))


def _side(split: Split, trace: tuple[Step, ...]) -> int | None:
    """The one state of a split that the run fits; None when several do, or none."""
    fits = _fitting(split, trace)
    return fits[0] if len(fits) == 1 else None


def _fitting(split: Split, trace: tuple[Step, ...]) -> list[int]:
    return [
        index
        for index, states in enumerate(split.after + split.before)
        if not any(_broken(state, trace[split.step - (index >= len(split.after))]) for state in states)
    ]


def _hold(seen: Observation, number: int, trace: tuple[Step, ...], followed: Followed) -> Judgement:
    for claims in followed.claims:
        if not 0 <= claims.step < len(trace):
            continue
        step = trace[claims.step]
        for state in claims.fresh:
            if state.frame != step.depth:
                continue
            broken = _broken(state, step)
            if broken is not None:
                place, bound, value = broken
                what = bound.split("=")[0]
                culprit = _parted(trace, claims.step, place, bound) if what == "id" else step.at
                return Disagreement(
                    PropertyKind.BOUNDS,
                    f"bounds:{seen.form_name(culprit)}:{what}",
                    f"after instruction {step.at} ({seen.text(step.at)}) the kernel claims {bound} for "
                    f"{place}, which holds "
                    f"{value} on input {number}",
                    culprit,
                    number,
                )
    stop = followed.stop
    if isinstance(stop, NotExplored):
        return Disagreement(
            PropertyKind.BOUNDS,
            f"bounds:{seen.form_name(stop.source)}:branch-not-explored",
            f"on input {number} the run goes from instruction {stop.source} ({seen.text(stop.source)}) to "
            f"{stop.target}, "
            f"a branch that the kernel never explored",
            stop.source,
            number,
        )
    if isinstance(stop, Split) and not _fitting(stop, trace):
        return Disagreement(
            PropertyKind.BOUNDS,
            f"bounds:{seen.form_name(stop.insn)}:split",
            f"on input {number} the run is in none of the states into which the kernel split the one at "
            f"instruction {stop.insn} "
            f"({seen.text(stop.insn)})",
            stop.insn,
            number,
        )
    if isinstance(stop, Ambiguous | Truncated) and len(followed.claims) < 2:
        return Abstention("ambiguous log" if isinstance(stop, Ambiguous) else "truncated log")
    return Agreement()


def _broken(state: ClaimedState, step: Step) -> tuple[str, str, str] | None:
    """(place, violated bound, value) of the first claim that does not hold."""
    unequal = _unequal(state, step)
    if unequal is not None:
        return unequal
    for register, claim in state.registers:
        value = step.registers[register]
        if isinstance(claim, ScalarClaim) and isinstance(value, int):
            bound = claim.range.excluded_by(value)
            if bound is not None:
                return f"R{register}", bound, f"0x{value:x}"
        elif isinstance(claim, ScalarClaim) and isinstance(value, Undefined):
            return f"R{register}", "type=scalar", "nothing: it was not written since the last call"
        elif isinstance(claim, PointerClaim):
            bound = _pointer(claim, value)
            if bound is not None:
                return f"R{register}", bound, repr(value)
    for slot in state.slots:
        broken = _slot(slot, step)
        if broken is not None:
            return broken
    return None


def _unequal(state: ClaimedState, step: Step) -> tuple[str, str, str] | None:
    """Scalars of one id, in one state, that are not equal: the verifier narrows all of them by a comparison
    of one.

    Only those without a delta: what a delta says of 32-bit additions differs between kernels (``id=1+8``;
    sync_linked_regs).
    """
    values: dict[int, tuple[str, int]] = {}
    for place, claim, value in _numbers(state, step):
        if claim.id is None or claim.delta:
            continue
        first, expected = values.setdefault(claim.id, (place, value))
        if value != expected:
            return place, f"id={claim.id}, the same as for {first} (0x{expected:x}),", f"0x{value:x}"
    return None


def _parted(trace: tuple[Step, ...], last: int, *places: str) -> int:
    """The instruction that made two registers differ whose id is one: the log need not show both together
    until later."""
    registers = [int(number) for place in places for number in re.findall(r"\bR(\d+)", place)]
    for at in range(last, 0, -1):
        here, before = trace[at], trace[at - 1]
        if here.depth != before.depth or any(here.registers[r] != before.registers[r] for r in registers):
            return here.at
    return trace[last].at


def _numbers(state: ClaimedState, step: Step) -> Iterator[tuple[str, ScalarClaim, int]]:
    for slot in state.slots:
        start = STACK_SIZE + slot.offset
        whole = slot.width == 8 and start >= 0 and start not in step.stack.pointers
        if isinstance(slot.value, ScalarClaim) and whole and 0 not in step.stack.written[start : start + 8]:
            yield f"fp{slot.offset}", slot.value, int.from_bytes(step.stack.data[start : start + 8], "little")
    for register, claim in state.registers:
        value = step.registers[register]
        if isinstance(claim, ScalarClaim) and isinstance(value, int):
            yield f"R{register}", claim, value


def _pointer(claim: PointerClaim, value: Value) -> str | None:
    """A pointer's offset into its map value or stack, where both sides know it."""
    if isinstance(value, int):
        # A pointer that may be null is; anything else a number can be here, or a pointer of another type, is
        # not ours to judge.
        return None if value or claim.type not in NEVER_NULL else f"type={claim.type}"
    if not isinstance(value, Pointer) or claim.nullable:
        return None
    if claim.type == "map_value":
        offset = value.offset
    elif claim.type == "fp":
        offset = value.offset - STACK_SIZE
    else:
        return None
    within = (offset - claim.fixed_offset) & 0xFFFF_FFFF_FFFF_FFFF
    if claim.variable_offset.is_unknown:
        return None
    return claim.variable_offset.excluded_by(within)


def _slot(slot: SlotClaim, step: Step) -> tuple[str, str, str] | None:
    start = STACK_SIZE + slot.offset
    if start < 0 or start in step.stack.pointers or 0 in step.stack.written[start : start + 8]:
        return None
    content = step.stack.data[start : start + 8]
    bound = slot.excluded_by(content)
    return None if bound is None else (f"fp{slot.offset}", bound, f"0x{int.from_bytes(content, 'little'):x}")
