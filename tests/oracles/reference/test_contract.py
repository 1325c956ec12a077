"""The reference verifier against the contract that every oracle is held to."""

from __future__ import annotations

import pytest
import z3

from conformance.observing.opinions import THOROUGH, opinion
from ebpf.byte_order import ByteOrder
from ebpf.contexts import CONTEXTS
from ebpf.program_types import ProgramType
from oracles.interpreter.context import metadata_length
from oracles.reference import ReferenceVerdict
from oracles.reference.events import ContextRead, LookedUp, MapRead, PacketRead, Scripted
from oracles.reference.state import SymbolicState
from oracles.reference.values import Null
from oracles.reference.verify import final_states
from oracles.terms.term import Term, equal, z
from tests.contract.rows import Returns, Row, Traps
from tests.contract.test_interpreter import ROWS

RETURNING = [row for row in ROWS if isinstance(row.expected, Returns)]
TRAPPING = [row for row in ROWS if isinstance(row.expected, Traps)]


def _the_rows_input(row: Row, state: SymbolicState) -> list[z3.BoolRef]:
    """Conditions that make the path's world the one that the row runs in; other processors do not write maps
    in it."""
    case = row.case()
    link_header = CONTEXTS[case.program.type].link_header
    packet = case.inputs[0].packet[link_header:]
    conditions = []
    metadata = (
        metadata_length(case.inputs[0], ByteOrder.LITTLE) if case.program.type is ProgramType.XDP else 0
    )
    packet = packet[metadata:]
    if state.metadata is not None:
        conditions.append(z(state.metadata) == metadata)
    if state.packet is not None and not isinstance(state.packet.size, int):
        conditions.append(state.packet.size == len(packet))
    memory: dict[tuple[int, str], bytearray] = {}
    script = list(row.helpers)
    for event in state.events():
        if isinstance(event, PacketRead):
            for at, byte in enumerate(case.inputs[0].packet[link_header:], -metadata):
                conditions.append(z3.Implies(z(event.offset) == at, z(event.value, 8) == byte))
        elif isinstance(event, Scripted):
            if script:
                conditions.append(z(event.value) == script.pop(0) % (1 << 64))
        elif isinstance(event, ContextRead):
            known = case.inputs[0].context.ljust(event.offset + event.size, b"\0")[
                event.offset : event.offset + event.size
            ]
            if (event.offset, event.size) == (0, 4):
                known = len(packet).to_bytes(4, "little")
            conditions.append(z(event.value) == int.from_bytes(known, "little"))
        elif isinstance(event, LookedUp) and isinstance(event.key, int):
            spec = case.program.maps[event.map]
            present = dict(spec.contents).get(event.key.to_bytes(spec.key_size, "little"))
            if spec.type.name.endswith("HASH") and (present is not None) != (event.region is not None):
                conditions.append(z3.BoolVal(False))
            if event.region is not None:
                memory[event.map, event.region.key] = bytearray(present or bytes(spec.value_size))
        elif isinstance(event, MapRead):
            held = _memory(row, event, memory)
            if isinstance(event.offset, int):
                conditions.append(
                    z(event.value) == int.from_bytes(held[event.offset : event.offset + event.size], "little")
                )
    return conditions


def _memory(row: Row, event: MapRead, memory: dict[tuple[int, str], bytearray]) -> bytearray:
    assert event.region.map is not None
    spec = row.case().program.maps[event.region.map]
    first = dict(spec.contents).get(bytes(spec.key_size), bytes(spec.value_size))
    return memory.setdefault((event.region.map, event.region.key), bytearray(first))


def _possible(conditions: list[z3.BoolRef]) -> bool:
    solver = z3.Solver()
    solver.add(*conditions)
    return bool(solver.check() == z3.sat)


UNMODELLED = (
    "constant string", "the context as a helper's memory", "wall", "more of the solver's steps",
    "arena", "indirect jumps", "a direct value of a insn_array map", "kernel functions", "indirect calls",
    "the program's form",
)  # fmt: skip
"""Features that the reference verifier says it does not model, which rows use."""


def _computed(row: Row) -> bool:
    """Whether a helper's result is one that the reference verifier leaves open although a run computes it."""
    return any(
        name in row.text
        for name in ("bpf_csum_diff", "bpf_xdp_get_buff_len", "store_bytes", "for_each_map_elem")
    )


def _over_approximated(row: Row) -> bool:
    """Memory that is written and read again, and that others may write meanwhile: a map's value, or the
    context in parts."""
    return (
        "*(u32 *)(r1 +4) = " in row.text
        or "*(u16 *)(r1 +50) = 7" in row.text
        or _computed(row)
        or any(part in row.text for part in ("bpf_dynptr_data", "bpf_dynptr_slice"))
        or (
            bool(row.case().program.maps)
            and any(word in row.text for word in ("lock", "atomic", "release", ") = "))
        )
    )


@pytest.mark.parametrize("row", RETURNING, ids=lambda row: row.name)
def test_what_returns_can_return_that_and_nothing_else(row: Row) -> None:
    assert isinstance(row.expected, Returns)
    answer, states = final_states(row.case(), THOROUGH)
    if any(reason in answer.reason for reason in UNMODELLED):
        pytest.skip(f"not modelled: {answer.reason}")
    finals: list[tuple[SymbolicState, Term]] = []
    for state in states:
        r0 = state.registers[0]
        if isinstance(r0, int | z3.BitVecRef | Null):
            finals.append((state, 0 if isinstance(r0, Null) else r0))
    exact = not _over_approximated(row)

    def can_give(state: SymbolicState, r0: Term, expected: int) -> bool:
        world = _the_rows_input(row, state) if exact else []
        return _possible([*state.assumptions(), *world, _is(r0, expected)])

    assert any(can_give(state, r0, row.expected.r0) for state, r0 in finals), (answer, states)
    if exact and not any(state.unpredictable for state in states):
        others = [
            state
            for state, r0 in finals
            if _possible(
                [*state.assumptions(), *_the_rows_input(row, state), z3.Not(_is(r0, row.expected.r0))]
            )
        ]
        assert not others


def _is(r0: Term, expected: int) -> z3.BoolRef:
    condition = equal(r0, expected)
    return z3.BoolVal(condition) if isinstance(condition, bool) else condition


@pytest.mark.parametrize("row", TRAPPING, ids=lambda row: row.name)
def test_what_traps_is_not_safe(row: Row) -> None:
    assert isinstance(row.expected, Traps)
    answer = opinion(row.case(), THOROUGH)
    if any(reason in answer.reason for reason in UNMODELLED):
        pytest.skip(f"not modelled: {answer.reason}")
    if answer.verdict is ReferenceVerdict.UNSAFE:
        assert answer.witness is not None
    else:
        # What harms nothing, and the program's form, is a broken rule with a name.
        assert answer.policy or "no witness replays" in answer.reason, answer
        assert answer.policy or answer.verdict is ReferenceVerdict.UNKNOWN
