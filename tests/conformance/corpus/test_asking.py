"""Programs without types, as libbpf loads them where the kernel takes none."""

from __future__ import annotations

from dataclasses import replace

from conformance.kernel.jobs import KernelAnswer, LossReason, Lost
from conformance.objects.untyped import types_refused, untyped
from ebpf.maps import MapSpec, MapType
from ebpf.program import Program
from ebpf.program_types import ProgramType

INNER = MapSpec(MapType.ARRAY, 4, 8, 1, btf_key=1, btf_value=2)
OUTER = MapSpec(MapType.ARRAY_OF_MAPS, 4, 4, 1, btf_key=1, btf_value=2, inner=INNER)
PROGRAM = Program(ProgramType.XDP, (), (OUTER,), btf=b"types", func_info=b"functions")


def test_no_type_is_left_in_any_map() -> None:
    bare = replace(OUTER, btf_key=0, btf_value=0, inner=replace(INNER, btf_key=0, btf_value=0))
    assert untyped(PROGRAM) == Program(ProgramType.XDP, (), (bare,))


def test_only_a_refusal_of_the_types_is_one() -> None:
    assert types_refused(KernelAnswer((), map_errno=(-1, 22)))
    assert not types_refused(KernelAnswer((), map_errno=(0, 22)))
    assert not types_refused(Lost(LossReason.HANG, ""))
