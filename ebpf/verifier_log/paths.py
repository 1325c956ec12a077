"""A concrete run, followed along what the verifier explored: which claims bind its values, and where they
end.

Claims bind up to the first prune: the verifier stops there because another state covers this one, and does
not compare imprecise scalars for that, so that a later value may lie outside every claim printed elsewhere
without a bug.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from ebpf.verifier_log.claims import ClaimedState, ScalarClaim
from ebpf.verifier_log.effects import (
    calls_back,
    is_conditional,
    is_kfunc_call,
    is_may_goto,
    is_subprogram_call,
    may_split,
)
from ebpf.verifier_log.exploration import Exploration
from ebpf.verifier_log.known import Known
from ebpf.verifier_log.nodes import Node

Step: TypeAlias = tuple[int, int, *tuple[Any, ...]]
"""One executed instruction: (frame, instruction, whatever else), frame 0 being the main program and each call
one more."""


@dataclass(frozen=True, slots=True)
class ClaimsAt:
    """The claims known after trace step ``step`` ran (-1: before the first one) and before the next one
    does."""

    step: int
    exploration: Exploration
    node: Node

    @property
    def fresh(self) -> tuple[ClaimedState, ...]:
        """What the log printed right there, per frame: all that need be compared, as older claims' values did
        not change."""
        return self.exploration.states(self.node)

    @property
    def known(self) -> Known:
        """Everything claimed there."""
        return self.exploration.known(self.node)


@dataclass(frozen=True, slots=True)
class EndOfTrace:
    """The whole run was followed."""


@dataclass(frozen=True, slots=True)
class PrunedAt:
    """At trace step ``step``, instruction ``insn``, the verifier found the state covered by an earlier
    one."""

    step: int
    insn: int


@dataclass(frozen=True, slots=True)
class EndOfLog:
    """The verifier explored nothing after trace step ``step``: it refused the program, or what follows is not
    shown."""

    step: int


@dataclass(frozen=True, slots=True)
class Truncated:
    """Lines of the log are missing where the run goes."""

    step: int


@dataclass(frozen=True, slots=True)
class Ambiguous:
    """The log does not say which of its states the run is in after trace step ``step``."""

    step: int
    reason: str


@dataclass(frozen=True, slots=True)
class WalkAbstained:
    """This log's dialect is not read."""

    reason: str


@dataclass(frozen=True, slots=True)
class Split:
    """At trace step ``step`` the verifier went on with several states for one successor; a run must be in one
    of them.

    ``after`` describe values after the step, ``before`` values before it (the kernel lets that state run the
    instruction again).
    """

    step: int
    insn: int
    after: tuple[tuple[ClaimedState, ...], ...]
    before: tuple[tuple[ClaimedState, ...], ...]


@dataclass(frozen=True, slots=True)
class NotExplored:
    """A finding: the run jumped from ``source`` to ``target`` at trace step ``step``, which the verifier held
    to be impossible."""

    step: int
    source: int
    target: int


Stop: TypeAlias = (
    EndOfTrace | PrunedAt | EndOfLog | Truncated | Ambiguous | WalkAbstained | Split | NotExplored
)


@dataclass(frozen=True, slots=True)
class Followed:
    """Claims in the order of the trace, and why there are no more."""

    claims: tuple[ClaimsAt, ...]
    stop: Stop


def follow(
    exploration: Exploration, trace: Sequence[Step], choose: Callable[[Split], int | None] | None = None
) -> Followed:
    """Follow ``trace``, the instructions as executed from the program's start on.

    ``choose`` says which state of a split the run is in, as an index into ``after + before``, or None to stop
    there.
    """
    abstains = exploration.log.dialect.abstains
    if abstains is not None:
        return Followed((), WalkAbstained(abstains))
    node = exploration.root
    if node is None or not trace:
        return Followed(
            (), (Truncated(-1) if exploration.cut else EndOfLog(-1)) if node is None else EndOfTrace()
        )
    if trace[0][:2] != (node.frame, node.insn):
        return Followed(
            (), Ambiguous(-1, f"the run starts at {trace[0][:2]}, the log at {(node.frame, node.insn)}")
        )
    claims = [ClaimsAt(-1, exploration, node)]
    step = 0
    while step + 1 < len(trace):
        reason = unclear(exploration, node)
        if reason is not None:
            return Followed(tuple(claims), Ambiguous(step, reason))
        if node.branches:
            split, nodes = split_of(exploration, node, step)
            chosen = choose(split) if split is not None and choose is not None else None
            if split is None or chosen is None:
                stop: Stop = split or Ambiguous(
                    step, f"insn {node.insn} was split in two, and half of it was pruned"
                )
                return Followed(tuple(claims), stop)
            again = chosen >= len(split.after)
            node = nodes[chosen]
            step += not again
            claims.append(ClaimsAt(step - 1, exploration, node))
            continue
        place = trace[step + 1][0], trace[step + 1][1]
        child = node.children.get(place, exploration)
        if child is exploration and _passes_over_subprogram(exploration, node, place[0]):
            after = next((at for at in range(step + 1, len(trace)) if trace[at][0] <= node.frame), None)
            if after is None:
                return Followed(tuple(claims), EndOfTrace())
            step, place = after - 1, (trace[after][0], trace[after][1])
            child = node.children.get(place, exploration)
        if child is None:
            return Followed(tuple(claims), PrunedAt(step + 1, place[1]))
        if not isinstance(child, Node):
            return Followed(tuple(claims), off_the_path(exploration, node, step, place[0], place[1]))
        node = child
        claims.append(ClaimsAt(step, exploration, node))
        step += 1
    return Followed(tuple(claims), EndOfTrace())


def unclear(exploration: Exploration, node: Node) -> str | None:
    """Why the log cannot say in which state a run leaves ``node``, if so."""
    insn = exploration.instructions[node.insn]
    if calls_back(insn):
        return f"insn {node.insn} calls back"
    if not is_conditional(insn):
        if node.unsure:
            return f"insn {node.insn} may have been split in two here"
        if any(source == node.insn for source, _ in exploration.orphans):
            return f"a branch from insn {node.insn} could not be placed"
        if not exploration.whole and (
            is_kfunc_call(insn) or (may_split(insn) and _may_be_split(exploration, node, insn.dst))
        ):
            return f"insn {node.insn} may have been split in two, which this log would not show"
    elif insn.off == 0:
        return f"both ways of insn {node.insn} lead to the same place"
    return None


def _may_be_split(exploration: Exploration, node: Node, register: int) -> bool:
    """Whether the operand may be a [-1, 0] scalar, in 64 or 32 bits."""
    claim = exploration.known(node).frame(node.frame).registers.get(register)
    if not isinstance(claim, ScalarClaim):
        return claim is None
    bounds = claim.range
    return (bounds.smin, bounds.smax) == (-1, 0) or (bounds.smin32, bounds.smax32) == (-1, 0)


def split_of(exploration: Exploration, node: Node, step: int) -> tuple[Split | None, list[Node]]:
    """The states ``node`` was split into; None where one of them was pruned before it was shown."""
    after = [child for child in node.children.values() if child is not None]
    if any(child is None for child in node.children.values()) or None in node.branches or node.unsure:
        return None, []
    halves = [half for half in node.branches if half is not None]
    after += [half for half in halves if half.insn != node.insn]
    before = [half for half in halves if half.insn == node.insn]
    states = exploration.states
    return Split(step, node.insn, tuple(map(states, after)), tuple(map(states, before))), after + before


def _passes_over_subprogram(exploration: Exploration, node: Node, next_frame: int) -> bool:
    """A call of a global subprogram: verified apart, so this walk steps over it while the run goes in."""
    insn = exploration.instructions[node.insn]
    return (
        is_subprogram_call(insn)
        and next_frame == node.frame + 1
        and (node.frame, node.insn + 1) in node.children
    )


def off_the_path(exploration: Exploration, node: Node, step: int, frame: int, target: int) -> Stop:
    """The run goes where the log has no visit: why?"""
    insn = exploration.instructions[node.insn]
    if target in node.unsure or (node.insn, target) in exploration.orphans:
        return Ambiguous(step, f"several visits of insn {node.insn} may have led to insn {target}")
    if not exploration.whole:
        return Truncated(step) if exploration.cut else EndOfLog(step)
    ways = (node.insn + 1, node.insn + 1 + insn.off)
    if (
        is_conditional(insn)
        and not is_may_goto(insn)
        and frame == node.frame
        and target in ways
        and node.children
    ):
        if exploration.strange is not None:
            return Ambiguous(step, exploration.strange)
        return NotExplored(step, node.insn, target)
    return Ambiguous(
        step, f"the run goes from insn {node.insn} to {target} in frame {frame}, the log does not"
    )
