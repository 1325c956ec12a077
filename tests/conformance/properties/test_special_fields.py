"""Special fields of map values are not compared: what is read from outside holds addresses of the copy."""

from __future__ import annotations

from conformance.properties.execution import without_fields
from ebpf.maps import MapField, MapFieldKind, MapSpec, MapType
from ebpf.program import Case, Program
from ebpf.program_types import ProgramType


def test_a_list_s_links_are_left_out_and_the_rest_is_kept() -> None:
    plain = MapSpec(MapType.ARRAY, 4, 24, 1)
    listed = MapSpec(MapType.ARRAY, 4, 24, 1, fields=(MapField(8, MapFieldKind.LIST_HEAD, "s:item"),))
    case = Case(Program(ProgramType.SCHED_CLS, (), (plain, listed)))
    held = ((bytes(4), b"\1" * 24),)
    assert without_fields(case, (held, held)) == (held, ((bytes(4), b"\1" * 8 + bytes(16)),))
    assert without_fields(case, (held, None)) == (held, None)
