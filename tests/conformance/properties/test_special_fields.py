"""Special fields of map values are not compared: what is read from outside holds addresses of the copy."""

from __future__ import annotations

import pytest

from conformance.properties.execution import EngineResult, what_is_right, without_fields
from ebpf.maps import MapField, MapFieldKind, MapSpec, MapType
from ebpf.program import Case, Program
from ebpf.program_types import ProgramType
from reports.records import MapEntry, Returns, Untellable

PLAIN = MapSpec(MapType.ARRAY, 4, 24, 1)
LISTED = MapSpec(MapType.ARRAY, 4, 24, 1, fields=(MapField(8, MapFieldKind.LIST_HEAD, "s:item"),))


def test_a_list_s_links_are_left_out_and_the_rest_is_kept() -> None:
    case = Case(Program(ProgramType.SCHED_CLS, (), (PLAIN, LISTED)))
    held = ((bytes(4), b"\1" * 24),)
    assert without_fields(case, (held, held)) == (held, ((bytes(4), b"\1" * 8 + bytes(16)),))
    assert without_fields(case, (held, None)) == (held, None)


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
