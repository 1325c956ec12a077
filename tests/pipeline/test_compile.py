"""Rows 4, 5, 8, 10 and 20: from C to relocated instructions."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from ebpf.assembly import listing, parse
from ebpf.assembly.printer import AssemblyDialect
from ebpf.objects import Generation, ObjectError, open_object
from ebpf.objects.parts import Part, Writing
from ebpf.objects.writer import write_object
from tests.ebpf.objects import talk
from tests.pipeline.sources import COUNTER, COUNTER_BTF, HELLO, HELLO_BY_POINTER, compile_c


def test_row_04_sections_as_the_talk_lists_them(tmp_path: Path) -> None:
    opened = open_object(compile_c(HELLO, tmp_path), "hello.o")
    names = [section.name for section in opened.file.sections if section.name]
    wanted = [".strtab", ".text", talk.SECTION, ".rodata.str1.1", "license", ".llvm_addrsig", ".symtab"]
    assert [name for name in names if name in wanted] == wanted


def test_row_04_as_readelf_reads_it(tmp_path: Path) -> None:
    raw = compile_c(COUNTER, tmp_path)
    readelf = shutil.which("llvm-readelf") or shutil.which("readelf")
    if readelf is None:
        pytest.skip("readelf is missing")
    said = subprocess.run(
        [readelf, "-S", "-s", "-r", "-W", tmp_path / "program.o"], capture_output=True, text=True, check=True
    ).stdout
    file = open_object(raw, "counter.o", Generation.LIBBPF_0_3).file
    for section in file.sections[1:]:
        row = re.search(
            rf"^ *\[ *{section.index}\] {re.escape(section.name)} +\S+ +[0-9a-f]+ ([0-9a-f]+) ([0-9a-f]+) ",
            said,
            re.M,
        )
        assert row, section.name
        assert (int(row[1], 16), int(row[2], 16)) == (section.offset, section.size)
    for symbol in file.symbols:
        assert re.search(
            rf"^ *{symbol.index}: 0*{symbol.value:x} +{symbol.size} .*{re.escape(symbol.name)}$", said, re.M
        )
    assert said.count("R_BPF_64_64") == 1


@pytest.mark.parametrize(
    ("source", "rules"),
    [(HELLO, Generation.LIBBPF_1), (COUNTER, Generation.LIBBPF_0_3)],
    ids=["hello", "counter"],
)
def test_row_05_llvms_dialect_is_objdumps(tmp_path: Path, source: str, rules: Generation) -> None:
    raw = compile_c(source, tmp_path)
    objdump = shutil.which("llvm-objdump")
    if objdump is None:
        pytest.skip("llvm-objdump is missing")
    command = [objdump, "-d", "--no-show-raw-insn", "--mcpu=v2", str(tmp_path / "program.o")]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    theirs = [(int(slot), text) for slot, text in re.findall(r"^ +(\d+):\t(\S.*?)\s*$", said, re.M)]
    opened = open_object(raw, "program.o", rules)
    home = next(section for section in opened.file.sections if section.name == talk.SECTION)
    from ebpf.isa.insn import decode

    assert listing(decode(home.data), AssemblyDialect.LLVM) == theirs


@pytest.mark.parametrize(
    ("source", "part", "rules"),
    [(HELLO, talk.hello(), Generation.LIBBPF_1), (COUNTER, talk.counter(), Generation.LIBBPF_0_3)],
    ids=["hello", "counter"],
)
def test_row_10_what_we_write_is_what_clang_compiles(
    tmp_path: Path, source: str, part: Part, rules: Generation
) -> None:
    """So the tests that need no compiler are about the talk's programs, too.  Instructions of clang 18 to
    19."""
    opened = open_object(compile_c(source, tmp_path), "program.o", rules)
    assert opened.program(opened.programs[0]).instructions == part.program.instructions
    assert opened.program(opened.programs[0]).maps == part.program.maps


def test_row_10_counter_with_a_btf_map(tmp_path: Path) -> None:
    opened = open_object(compile_c(COUNTER_BTF, tmp_path, "-g"), "counter.o")
    program = opened.program(opened.programs[0])
    assert program.instructions == parse(talk.COUNTER)
    (spec,) = program.maps
    assert (spec.name, spec.key_size, spec.value_size, spec.max_entries) == ("my_map", 4, 8, 256)
    assert spec.btf_key
    assert spec.btf_value
    assert {line.text.strip() for line in opened.programs[0].lines} >= {
        "bpf_map_update_elem(&my_map, &key, &value, 0);",
        "return 0;",
    }


def test_row_20_a_string_by_pointer_is_a_map_since_libbpf_0_6(tmp_path: Path) -> None:
    raw = compile_c(HELLO_BY_POINTER, tmp_path)
    opened = open_object(raw, "hello.o")
    (spec,) = opened.program(opened.programs[0]).maps
    assert spec.name == ".rodata.str1.1"
    assert spec.contents == ((bytes(4), b"Hello, BPF World!\0"),)
    assert spec.flags == 1 << 7, "BPF_F_RDONLY_PROG"
    with pytest.raises(ObjectError, match=r"relocations: .*'\.rodata\.str1\.1', slot 0: bad map relocation"):
        open_object(raw, "hello.o", Generation.LIBBPF_0_3)


BROKEN = [
    (lambda raw: raw[:100], "ELF header, e_shoff: "),
    (lambda raw: raw[:5] + b"\2" + raw[6:], "endianness: ELF header, e_ident[EI_DATA]: big-endian"),
    (lambda raw: raw[:18] + b"\x3e\0" + raw[20:], "elf init: ELF header, e_machine: 62 is not EM_BPF (247)"),
    (lambda raw: raw[:16] + b"\2\0" + raw[18:], "elf init: ELF header, e_type: 2 is not ET_REL (1)"),
    (lambda raw: b"\x7fELF", "elf init: ELF header: truncated"),
    (lambda raw: b"#!/bin/sh\n" * 9, "elf init: ELF header: no ELF magic"),
]


@pytest.mark.parametrize(("change", "said"), BROKEN, ids=[said for _, said in BROKEN])
def test_row_08_each_malformed_file_gets_one_clear_error(change: Callable[[bytes], bytes], said: str) -> None:
    with pytest.raises(ObjectError) as refused:
        open_object(change(write_object([talk.hello()])), "hello.o")
    assert said in str(refused.value)
    assert str(refused.value).startswith("hello.o: ")


def test_row_08_a_missing_licence_loads_as_non_gpl() -> None:
    opened = open_object(write_object([talk.hello()], Writing(license=None)), "hello.o")
    assert opened.program(opened.programs[0]).license == ""


NAMES = [
    ("tracepoint/syscalls/sys_enter_execve", "tracepoint", "tracepoint", "tracepoint"),
    ("tp/syscalls/sys_enter_execve", None, "tracepoint", "tracepoint"),
    ("kprobe/kfree_skb", "kprobe", "kprobe", "kprobe"),
    ("socket", "socket_filter", "socket_filter", "socket_filter"),
    ("socket1", "socket_filter", "socket_filter", None),
    ("classifier", None, "sched_cls", "sched_cls"),
    ("tc", None, None, "sched_cls"),
    ("xdp_drop", "xdp", "xdp", None),
    ("mine", None, None, None),
]


@pytest.mark.parametrize(("name", "prototype", "old", "new"), NAMES, ids=[name for name, *_ in NAMES])
def test_rows_02_and_21_one_column_per_generation(
    name: str, prototype: str, old: object, new: object
) -> None:
    raw = write_object([Part("f", talk.hello().program, name)])
    for generation, wanted in zip(Generation, (prototype, old, new), strict=True):
        opened = open_object(raw, "f.o", generation)
        (program,) = opened.programs
        if wanted is None:
            with pytest.raises(ObjectError, match="stands for no program type"):
                opened.program(program)
        else:
            assert opened.program(program).type.name.lower() == wanted
