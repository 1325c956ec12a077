"""What is written is read: generated programs as objects, in every style of writing."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ebpf.assembly import parse
from ebpf.isa import opcodes as o
from ebpf.isa.insn import Insn
from ebpf.map_references import map_loads
from ebpf.maps import MapField, MapFieldKind, MapSpec, MapType
from ebpf.objects import Generation, open_object
from ebpf.objects.errors import ObjectError
from ebpf.objects.parts import MapStyle, Part, Writing
from ebpf.objects.splitting import references
from ebpf.objects.writer import write_object
from ebpf.program import Program
from ebpf.program_types import ProgramType
from generators.objects import well_formed
from tests.ebpf.objects.test_libbpf import SEEDS, WIDE


def meaning(program: Program) -> list[tuple[object, ...]]:
    """Instructions with maps by name and value, and calls by what they reach; order of subprograms is not
    part of it."""
    insns = program.instructions
    named = {
        slot: program.maps[first.imm].name.removeprefix(".data.").removeprefix("x")
        for slot, first in map_loads(insns)
    }
    calls = set(references(insns))
    return [
        (i.opcode, i.dst, i.src, i.off, named.get(slot, "called" if slot in calls else i.imm))
        for slot, i in enumerate(insns)
    ]


@settings(max_examples=60, deadline=None)
@given(WIDE, SEEDS)
@example(header=0, seeds=[[658]])  # a callback, where a legacy object was drawn
def test_programs_come_back(header: int, seeds: list[list[int]]) -> None:
    made = well_formed(header, seeds)
    legacy = made.how.maps is MapStyle.LEGACY
    opened = open_object(made.data, "x.o", Generation.LIBBPF_0_3 if legacy else Generation.LIBBPF_1)
    assert opened.license == (made.how.license or "")
    assert opened.version == made.how.version
    by_name = {program.name: program for program in opened.programs}
    for part in made.parts:
        read = opened.program(by_name[part.name])
        assert read.type is part.program.type
        assert (
            sorted(meaning(read)) == sorted(meaning(part.program))
            if len(references(read.instructions)) > 1
            else (meaning(read) == meaning(part.program))
        )
        used = {first.imm for _, first in map_loads(part.program.instructions)}
        fields = [spec.fields for at, spec in enumerate(part.program.maps) if at in used and spec.fields]
        assert [spec.fields for spec in read.maps if spec.fields] == fields
        if made.how.debug:
            assert [line.text for line in by_name[part.name].lines] == [line.text for line in part.lines]
        again = write_object([Part(part.name, read)], Writing(made.how.maps))
        reread = open_object(again, "x.o", opened.generation)
        assert reread.program(reread.programs[0]).instructions == read.instructions


@settings(max_examples=5, deadline=None)
@given(WIDE, SEEDS)
def test_readelf_finds_nothing_wrong(
    tmp_path_factory: pytest.TempPathFactory, header: int, seeds: list[list[int]]
) -> None:
    if shutil.which("readelf") is None:
        pytest.skip("readelf is missing")
    path = tmp_path_factory.mktemp("object") / "x.o"
    path.write_bytes(well_formed(header, seeds).data)
    done = subprocess.run(["readelf", "-a", "-W", path], capture_output=True, text=True, check=True)
    assert not [line for line in done.stderr.splitlines() if "unhandled" not in line.lower()]
    assert "Linux BPF" in done.stdout


NESTED = parse(["call pc+3", "call pc+4", "r0 = 0", "exit", "call pc+1", "exit", "r0 = 1", "exit"])


@pytest.mark.parametrize("is_global", [False, True])
def test_subprograms_follow_in_the_order_of_calls(is_global: bool) -> None:
    """The first call's callee, then that one's, then the second call's (libbpf.c, bpf_object__reloc_code)."""
    raw = write_object([Part("main", Program(ProgramType.XDP, NESTED))], Writing(global_functions=is_global))
    (program,) = open_object(raw, "x.o").programs
    assert program.functions == (("main", 0), ("main_1", 4), ("main_2", 6))
    assert program.instructions == NESTED
    assert references(program.instructions) == [0, 1, 4]
    assert program.instructions[0].src == o.CALL_LOCAL


def test_two_programs_of_a_section() -> None:
    parts = [
        Part(name, Program(ProgramType.XDP, parse([f"r0 = {number}", "exit"])))
        for number, name in enumerate("ab")
    ]
    opened = open_object(write_object(parts), "x.o")
    assert [(p.name, p.section, p.instructions[0].imm) for p in opened.programs] == [
        ("a", "xdp", 0),
        ("b", "xdp", 1),
    ]


DATA = MapSpec(MapType.ARRAY, 4, 8, 1, name="m2")
BY_DESCRIPTOR, BY_VALUE = ("r1 = map[0]", "r2 = map[0]"), ("r1 = map[0][0]+0", "r2 = map[0][0]+4")


def written_and_read(lines: Sequence[str], maps: tuple[MapSpec, ...]) -> tuple[Insn, ...]:
    program = Program(ProgramType.SOCKET_FILTER, parse([*lines, "r0 = 0", "exit"]), maps)
    opened = open_object(write_object([Part("f", program)]), "x.o")
    assert opened.program(opened.programs[0]).instructions == program.instructions
    return program.instructions


@pytest.mark.parametrize("lines", [BY_DESCRIPTOR, BY_VALUE])
def test_a_map_named_one_way_comes_back(lines: tuple[str, ...]) -> None:
    assert written_and_read(lines, (DATA,))


@given(st.permutations([*BY_DESCRIPTOR, *BY_VALUE]))
def test_a_map_named_both_ways_is_refused_in_any_order(lines: tuple[str, ...]) -> None:
    with pytest.raises(ObjectError, match="map 'm2': is named by descriptor and by value"):
        written_and_read(lines, (DATA,))


@pytest.mark.parametrize("name", ["f", "_license"])
def test_a_map_named_as_another_symbol_is_refused(name: str) -> None:
    with pytest.raises(ObjectError, match=f"'{name}': a function or variable already has this name"):
        written_and_read(BY_DESCRIPTOR, (replace(DATA, name=name),))


LOCKED = replace(
    DATA, value_size=24, fields=(MapField(0, MapFieldKind.SPIN_LOCK), MapField(8, MapFieldKind.TIMER))
)


def lookup(style: MapStyle, lines: Sequence[str], spec: MapSpec) -> tuple[MapSpec, ...]:
    program = Program(ProgramType.SOCKET_FILTER, parse([*lines, "r0 = 0", "exit"]), (spec,))
    opened = open_object(write_object([Part("f", program)], Writing(style)), "x.o")
    return opened.program(opened.programs[0]).maps


@pytest.mark.parametrize("style", [MapStyle.SIZES, MapStyle.TYPES])
def test_special_fields_come_back(style: MapStyle) -> None:
    (read,) = lookup(style, BY_DESCRIPTOR, LOCKED)
    assert (read.value_size, read.fields) == (LOCKED.value_size, LOCKED.fields)
    assert read.btf_value


@pytest.mark.parametrize(
    ("style", "lines", "reason"),
    [
        (MapStyle.LEGACY, BY_DESCRIPTOR, "map 'm2': a legacy definition has no types"),
        (MapStyle.SIZES, BY_VALUE, "map 'm2': special fields of global data are not written"),
    ],
)
def test_special_fields_that_cannot_be_said_are_refused(
    style: MapStyle, lines: Sequence[str], reason: str
) -> None:
    with pytest.raises(ObjectError, match=reason):
        lookup(style, lines, LOCKED)
