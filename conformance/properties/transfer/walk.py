"""The kernel's claims, each with what the program computes there: the explored tree, walked with terms.

With symbols for the input, every path is walked; with numbers, the one they take.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from conformance.properties.transfer.points import Claimed, Point, Unexplored, WalkEnd
from conformance.properties.transfer.stated import stated
from ebpf.byte_order import ByteOrder
from ebpf.domains import ScalarRange
from ebpf.isa import opcodes as o
from ebpf.verifier_log.claims import ClaimedState, ScalarClaim
from ebpf.verifier_log.effects import is_conditional
from ebpf.verifier_log.exploration import Exploration
from ebpf.verifier_log.nodes import Node
from ebpf.verifier_log.paths import NotExplored, off_the_path, split_of, unclear
from oracles.claims import as_formula
from oracles.paths import NotModelled, PathMachine, PointerTo
from oracles.terms.term import Condition, Term, conjunction, negation


@dataclass(slots=True)
class _Place:
    """Where the walk is: before ``node`` runs, after ``came`` did; ``shown`` are claims met on the way
    here."""

    node: Node
    came: int
    machine: PathMachine
    conditions: tuple[Condition, ...] = ()
    shown: set[tuple[object, ScalarRange]] = field(default_factory=set)


_Steps: TypeAlias = Generator[Point, None, list[_Place]]
"""Claims on the way, and the places to go on at."""


def walk(exploration: Exploration, words: Sequence[Term], order: ByteOrder) -> Iterator[Point]:
    """Everything claimed along every path that ``words``, of that byte order, can take, in the order of each
    path."""
    if exploration.root is None:
        return
    waiting = [_Place(exploration.root, -1, PathMachine(words, order))]
    while waiting:
        place = waiting.pop()
        following: list[_Place] = [place]
        while following:
            place, *others = following
            waiting += others
            following = yield from _visit(exploration, place)


def _visit(exploration: Exploration, place: _Place) -> _Steps:
    """The claims at one node; then the places that follow, the one to go on with first."""
    node, machine = place.node, place.machine
    for state in exploration.states(node):
        yield from _claims(place, state)
    insn = exploration.instructions[node.insn]
    if insn.opcode == o.EXIT | o.JMP:
        return []
    reason = unclear(exploration, node)
    if reason is not None:
        yield WalkEnd(node.insn, "ambiguous log")
        return []
    try:
        if is_conditional(insn):
            return (yield from _branch(exploration, place))
        if insn.opcode not in (o.JA | o.JMP, o.JA | o.JMP32):
            before = machine.fork() if node.branches else machine
            slots = exploration.instructions
            machine.step(insn, slots[node.insn + 1] if node.insn + 1 < len(slots) else None)
            if node.branches:
                return (yield from _split(exploration, place, before))
    except NotModelled as unknown:
        yield WalkEnd(node.insn, f"not modelled: {unknown}")
        return []
    # Pruned and missing successors end the path: of one that is no jump nothing can be said.
    children = [child for child in node.children.values() if child is not None]
    return [_Place(child, node.insn, machine, place.conditions, place.shown) for child in children[:1]]


def _branch(exploration: Exploration, place: _Place) -> _Steps:
    node, insn = place.node, exploration.instructions[place.node.insn]
    taken = place.machine.condition(insn)
    ways: list[_Place] = []
    for target, condition in ((node.insn + 1, negation(taken)), (node.insn + 1 + insn.off, taken)):
        if condition is False:
            continue
        conditions = place.conditions if condition is True else (*place.conditions, condition)
        if (node.frame, target) in node.children:
            child = node.children[node.frame, target]
            if child is not None:
                machine = place.machine.fork() if ways or condition is not True else place.machine
                ways.append(_Place(child, node.insn, machine, conditions, place.shown.copy()))
        elif isinstance(off_the_path(exploration, node, 0, node.frame, target), NotExplored):
            yield Unexplored(node.insn, conditions, target)
        else:
            yield WalkEnd(node.insn, "ambiguous log")
    return ways


def _split(exploration: Exploration, place: _Place, before: PathMachine) -> _Steps:
    """A state split in two: the register that the instruction changes is in one of them, before it or after
    it.

    Where both fit, only one of them need be right about what follows: the walk goes on for inputs that fit
    one alone.
    """
    node, register = place.node, exploration.instructions[place.node.insn].dst
    split, nodes = split_of(exploration, node, 0)
    halves: list[tuple[PathMachine, Term, ScalarRange]] = []
    for index, states in enumerate(() if split is None else split.after + split.before):
        machine = place.machine if split is not None and index < len(split.after) else before
        term, claim = machine.registers[register], _range_of(states, register)
        if claim is not None and term is not None and not isinstance(term, PointerTo):
            halves.append((machine.fork(), term, claim))
    if len(halves) != 2 or len(nodes) != 2:
        yield WalkEnd(node.insn, "a state split in two")
        return []
    (one, term, claim), (other, its_term, its_claim) = halves
    yield Claimed(node.insn, place.conditions, f"R{register}", term, claim, (its_term, its_claim))
    fits = as_formula(claim, term), as_formula(its_claim, its_term)
    ways: list[_Place] = []
    for child, machine, here, there in ((nodes[0], one, *fits), (nodes[1], other, *reversed(fits))):
        only = conjunction(here, negation(there))
        if only is not False:
            conditions = place.conditions if only is True else (*place.conditions, only)
            ways.append(_Place(child, node.insn, machine, conditions, place.shown.copy()))
    return ways


def _range_of(half: tuple[ClaimedState, ...], register: int) -> ScalarRange | None:
    claims = [state.register(register) for state in half]
    return next((claim.range for claim in reversed(claims) if isinstance(claim, ScalarClaim)), None)


def _claims(place: _Place, state: ClaimedState) -> Iterator[Claimed]:
    if state.frame != place.node.frame:
        return
    for name, term, claim in stated(place.machine, state):
        key = (term if isinstance(term, int) else term.get_id(), claim)
        if key not in place.shown:
            place.shown.add(key)
            yield Claimed(place.came, place.conditions, name, term, claim)
