"""Not compared of maps: special fields, of which is read from outside what holds addresses of the copy; and
what the kernel itself writes."""

from __future__ import annotations

import pytest

from conformance.properties.execution import EngineResult, difference, left_in_maps, what_is_right
from ebpf.byte_order import ByteOrder
from ebpf.maps import MapField, MapFieldKind, MapSpec, MapType
from ebpf.program import Case, Program
from ebpf.program_types import ProgramType
from reports.records import MapEntry, Returns, Untellable

PLAIN = MapSpec(MapType.ARRAY, 4, 24, 1)
LISTED = MapSpec(MapType.ARRAY, 4, 24, 1, fields=(MapField(8, MapFieldKind.LIST_HEAD, "s:item"),))


def test_a_list_s_links_are_left_out_and_the_rest_is_kept() -> None:
    case = Case(Program(ProgramType.SCHED_CLS, (), (PLAIN, LISTED)))
    held = ((bytes(4), b"\1" * 24),)
    assert left_in_maps(case, (held, held)) == (held, ((bytes(4), b"\1" * 8 + bytes(16)),))
    assert left_in_maps(case, (held, None)) == (held, None)


def test_where_an_instruction_s_code_lies_is_no_work_of_the_program_s() -> None:
    """Registers renamed, the JIT's code is another, and jitted_off with it."""
    table = MapSpec(MapType.INSN_ARRAY, 4, 16, 1)
    case = Case(Program(ProgramType.SCHED_CLS, (), (table, PLAIN)))
    one, other = (
        EngineResult("", 0, left_in_maps(case, (((bytes(4), bytes([21, 0, 0, 0, 23, 0, 0, 0, at] + [0] * 7)),), ((bytes(4), b"\1" * 24),))), b"")
        for at in (0xA4, 0xA2)
    )  # fmt: skip
    assert one.maps == (None, ((bytes(4), b"\1" * 24),))
    assert difference(one, other, ByteOrder.LITTLE) is None


@pytest.mark.parametrize("spec", [PLAIN, LISTED])
def test_a_reproducer_compares_no_value_with_the_head_of_a_list(spec: MapSpec) -> None:
    program = Program(ProgramType.SCHED_CLS, (), (spec,))
    one, other = (EngineResult("", 0, (((bytes(4), bytes([n]) * 24),),), b"") for n in (1, 2))
    right = what_is_right(program, one, [other])
    if spec is PLAIN:
        assert isinstance(right, Returns)
        assert right.entries == (MapEntry(0, bytes(4), b"\1" * 24),)
    else:
        assert isinstance(right, Untellable)
