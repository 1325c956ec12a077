"""BTF made from maps' fields: what is declared is read back as the same fields."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ebpf.assembly import parse
from ebpf.btf import Btf, BtfBuilder
from ebpf.btf.map_types import LOCAL_STORAGE, NODE, with_map_types
from ebpf.btf.special_fields import special_fields
from ebpf.btf.validation import validate
from ebpf.maps import CONTAINERS, MapField, MapFieldKind, MapSpec, MapType
from ebpf.program import Program
from ebpf.program_types import ProgramType


def program(*maps: MapSpec, btf: bytes | None = None) -> Program:
    return Program(ProgramType.SCHED_CLS, parse(["r0 = 0", "exit"]), maps, btf=btf)


FIELDS = st.lists(st.sampled_from(MapFieldKind), max_size=4).map(
    lambda kinds: tuple(
        MapField(32 * at, kind, "task_struct" if kind.name.startswith("KPTR") else "")
        for at, kind in enumerate(kinds)
    )
)
MAPS = st.builds(
    MapSpec,
    st.sampled_from(MapType),
    st.sampled_from((0, 1, 4, 7, 16)),
    st.just(256),
    st.just(1),
    name=st.sampled_from("abc"),
    fields=FIELDS,
)


def named(field: MapField) -> MapField:
    """With the struct that a list or tree holds, where the case names none."""
    return replace(field, to=":".join(NODE)) if field.kind in CONTAINERS else field


@given(st.lists(MAPS | st.builds(lambda outer, inner: replace(outer, inner=inner), MAPS, MAPS), max_size=3))
def test_fields_are_read_back(maps: list[MapSpec]) -> None:
    typed = with_map_types(program(*maps))
    for spec, given_spec in zip(typed.maps, maps, strict=True):
        assert replace(spec, btf_key=0, btf_value=0, inner=given_spec.inner) == given_spec
        needed = bool(given_spec.fields) or given_spec.type in LOCAL_STORAGE
        assert bool(spec.btf_value) == needed
        if typed.btf is not None and needed:
            btf = Btf(typed.btf)
            validate(btf)
            assert btf.type(spec.btf_value).size_or_type in (spec.value_size, 0)
            assert special_fields(btf, spec.btf_value) == tuple(named(field) for field in given_spec.fields)


def test_a_program_without_fields_is_left_alone() -> None:
    plain = program(MapSpec(MapType.ARRAY, 4, 8, 1))
    assert with_map_types(plain) is plain


@pytest.mark.parametrize("btf", [b"", b"no types at all, and long enough for a header"])
def test_broken_types_are_left_alone(btf: bytes) -> None:
    own = program(MapSpec(MapType.ARRAY, 4, 8, 1, fields=(MapField(0, MapFieldKind.SPIN_LOCK),)), btf=btf)
    assert with_map_types(own) is own


def test_the_programs_own_types_keep_their_ids() -> None:
    own = BtfBuilder()
    function = own.function("f", own.prototype(own.integer("int", 4, signed=True)))
    spec = MapSpec(MapType.ARRAY, 4, 8, 1, fields=(MapField(0, MapFieldKind.SPIN_LOCK),))
    typed = with_map_types(program(spec, btf=own.build()))
    assert typed.btf is not None
    btf = Btf(typed.btf)
    assert btf.type(function).name == "f"
    assert special_fields(btf, typed.maps[0].btf_value) == spec.fields
    assert with_map_types(typed) is typed
