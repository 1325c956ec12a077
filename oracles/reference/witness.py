"""From a model to a case with one input that a run can be made with."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import z3

from ebpf.contexts import CONTEXTS
from ebpf.helpers.script import is_followed
from ebpf.program import Case, Input
from oracles.reference.events import ContextRead, MapRead, MapWritten, PacketRead
from oracles.reference.map_kinds import every_map
from oracles.reference.state import SymbolicState
from oracles.reference.witness_input import LONGEST_PACKET, WitnessInput
from oracles.terms.solver import Feasible, Solver
from oracles.terms.term import Condition, Term, extract, z

SHORTEST_PACKET = 14
"""Bytes: what BPF_PROG_TEST_RUN wants at least."""
IMPOSED = (0,)
"""A script that no call reads."""
LONGEST_METADATA = 32
"""Bytes: what every kernel takes for metadata (include/net/xdp.h, xdp_metalen_invalid)."""


def witness(
    case: Case, state: SymbolicState, wrong: Condition, model: z3.ModelRef, solver: Solver
) -> Iterator[Case]:
    """Cases to try, the likeliest first.

    A context of zeros may count for no more than none (what a kernel takes from ctx_in is zero without it,
    too, and the rest its own affair); with a script, all of it does.
    """
    made = _likeliest(case, state, wrong, model, solver)
    yield made
    (data,) = made.inputs
    if data.context and not data.helpers:
        yield replace(made, inputs=(replace(data, helpers=IMPOSED),))


def _likeliest(
    case: Case, state: SymbolicState, wrong: Condition, model: z3.ModelRef, solver: Solver
) -> Case:
    """The case whose run goes the path's way, if one does.

    The path lets another processor write a map between two reads; a run does not.  So the first case comes
    from a model in which what is read twice is the same twice.
    """
    conditions = [*([] if isinstance(wrong, bool) else [wrong]), *state.assumptions()]
    alone = _sequential(state)
    layout = CONTEXTS.get(case.program.type)
    link_header = layout.link_header if layout else 0
    plain = _convenient(state, link_header, layout.struct if layout else "")
    for extra in ([*alone, *plain], alone, plain) if alone else (plain,):
        if extra:
            answer, better = solver.ask([*conditions, *extra])
            if answer is Feasible.YES and better is not None:
                return _case(case, state, better, link_header)
    return _case(case, state, model, link_header)


def _convenient(state: SymbolicState, link_header: int, struct: str) -> list[z3.BoolRef]:
    """What an input has to be so that it can be made: a packet that a kernel takes for a test run, and not a
    large one."""
    if state.arrived is None or isinstance(state.arrived.size, int):
        return []
    conditions = [z3.ULE(state.arrived.size, LONGEST_PACKET)]
    if state.metadata is not None:
        conditions.append(z3.ULE(z(state.metadata), LONGEST_METADATA if struct == "xdp_md" else 0))
    if not link_header:
        conditions.append(z3.UGE(state.arrived.size, SHORTEST_PACKET))
    if struct == "__sk_buff":
        # __sk_buff's len; a run's packet lies in one piece.
        conditions += [
            z(event.value) == state.arrived.size
            for event in state.events()
            if isinstance(event, ContextRead) and (event.offset, event.size) == (0, 4)
        ]
    return conditions


def _sequential(state: SymbolicState) -> list[z3.BoolRef]:
    """Conditions under which no one else writes what the path reads."""
    conditions: list[z3.BoolRef] = []
    memory: dict[tuple[int | None, str], dict[int, Term]] = {}
    packet: list[PacketRead] = []
    for event in state.events():
        if isinstance(event, MapRead | MapWritten) and isinstance(event.offset, int):
            held = memory.setdefault((event.region.map, event.region.key or str(event.region.id)), {})
            for n in range(event.size):
                at = event.offset + n
                if event.value is None:
                    held.pop(at, None)
                    continue
                byte = extract(event.value, 8 * n + 7, 8 * n)
                if isinstance(event, MapRead) and at in held:
                    conditions.append(z(held[at], 8) == z(byte, 8))
                held[at] = byte
        elif isinstance(event, PacketRead):
            for other in packet:
                if isinstance(other.offset, int) and isinstance(event.offset, int):
                    continue
                conditions.append(z3.Implies(z(other.offset) == z(event.offset), other.value == event.value))
            packet.append(event)
    return [condition for condition in conditions if not z3.is_true(z3.simplify(condition))]


def _case(case: Case, state: SymbolicState, model: z3.ModelRef, link_header: int) -> Case:
    every = every_map(case.program)
    made = WitnessInput(every, case.program.byte_order, state, model)
    for event in state.events():
        made.add(event)
    filled = [
        replace(spec, contents=tuple((key, bytes(value)) for key, value in sorted(held.items())))
        # Of other maps a run reads no contents, and nobody can fill them before one.
        if is_followed(spec)
        else spec
        for spec, held in zip(every, made.contents, strict=True)
    ]
    inner = iter(filled[len(case.program.maps) :])
    maps = tuple(
        spec if spec.inner is None else replace(spec, inner=next(inner))
        for spec in filled[: len(case.program.maps)]
    )
    data = Input(bytes(link_header) + bytes(made.packet), made.context(), tuple(made.script))
    return replace(case, program=replace(case.program, maps=maps), inputs=(data,))
