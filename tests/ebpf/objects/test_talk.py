"""The talk's two programs as objects of ours, opened again by each generation of loaders."""

from __future__ import annotations

import io

import pytest
from elftools.elf.elffile import ELFFile
from elftools.elf.relocation import RelocationSection
from elftools.elf.sections import SymbolTableSection

from ebpf.assembly import parse
from ebpf.objects import Generation, ObjectError, OpenStage, open_object
from ebpf.objects.parts import MapStyle, Writing
from ebpf.objects.writer import write_object
from ebpf.program_types import ProgramType
from tests.ebpf.objects.talk import COUNTER, HELLO, MY_MAP, SECTION, counter, hello


@pytest.mark.parametrize("generation", list(Generation))
def test_hello_opens_everywhere(generation: Generation) -> None:
    opened = open_object(write_object([hello()]), "hello.o", generation)
    (program,) = opened.programs
    assert (program.name, program.section, program.type) == ("bpf_prog", SECTION, ProgramType.TRACEPOINT)
    assert program.attach_to == "syscalls/sys_enter_execve"
    assert opened.license == "GPL"
    assert opened.program(program).instructions == parse(HELLO)


@pytest.mark.parametrize("generation", [Generation.SAMPLES, Generation.LIBBPF_0_3])
def test_counter_with_a_legacy_map(generation: Generation) -> None:
    opened = open_object(write_object([counter()], Writing(MapStyle.LEGACY)), "counter.o", generation)
    (program,) = opened.programs
    assert [each.spec for each in opened.maps] == [MY_MAP]
    # Row 10: R_BPF_64_64 at the ld_imm64 becomes src_reg = BPF_PSEUDO_MAP_FD; imm is the map's index here,
    # its fd in a loader.
    assert opened.program(program).instructions == parse(COUNTER)


def test_libbpf_1_refuses_the_legacy_map() -> None:
    with pytest.raises(
        ObjectError, match=r"counter.o: collect sections: section \d+ 'maps': legacy map definitions"
    ) as refused:
        open_object(write_object([counter()], Writing(MapStyle.LEGACY)), "counter.o")
    assert refused.value.stage is OpenStage.COLLECT


@pytest.mark.parametrize("style", [MapStyle.SIZES, MapStyle.TYPES])
def test_counter_with_a_btf_map(style: MapStyle) -> None:
    opened = open_object(write_object([counter()], Writing(style)), "counter.o")
    spec = opened.maps[0].spec
    assert (spec.name, spec.type, spec.key_size, spec.value_size, spec.max_entries) == (
        "my_map",
        MY_MAP.type,
        4,
        8,
        256,
    )
    assert bool(spec.btf_key) is (style is MapStyle.TYPES)
    assert opened.program(opened.programs[0]).instructions == parse(COUNTER)


def test_source_lines_stand_beside_instructions() -> None:
    opened = open_object(write_object([hello()], Writing(debug=True)), "hello.o")
    (program,) = opened.programs
    assert {line.slot: (line.line, line.text) for line in program.lines} == {
        0: (7, "int bpf_prog(void *ctx) {"),
        9: (9, "  bpf_trace_printk(msg, sizeof(msg));"),
    }
    assert program.func_info is not None
    assert opened.program(program).btf == opened.btf


def test_a_missing_licence_is_not_malformed() -> None:
    opened = open_object(write_object([hello()], Writing(license=None)), "hello.o")
    assert opened.license == ""


def test_pyelftools_reads_the_same() -> None:
    raw = write_object([counter()], Writing(MapStyle.LEGACY))
    other, ours = ELFFile(io.BytesIO(raw)), open_object(raw, "counter.o", Generation.LIBBPF_0_3).file
    assert [section.name for section in other.iter_sections()] == [section.name for section in ours.sections]
    assert other["e_machine"] == "EM_BPF"
    table, relocations = (other.get_section_by_name(name) for name in (".symtab", ".rel" + SECTION))
    assert isinstance(table, SymbolTableSection)
    assert isinstance(relocations, RelocationSection)
    symbols = [(s.name, s["st_value"], s["st_size"]) for s in table.iter_symbols()]
    assert symbols == [(s.name, s.value, s.size) for s in ours.symbols]
    assert [(r["r_offset"], r["r_info_type"]) for r in relocations.iter_relocations()] == [(64, 1)]
