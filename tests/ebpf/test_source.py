"""Assembly as people bring it: llvm-objdump's listing, LLVM's dialect, the kernel's."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ebpf.assembly import Assembled, AssemblyDialect, assemble, listing, parse, program_listing, text
from ebpf.assembly.objdump import parse_objdump
from ebpf.assembly.source import dialect_of, parse_source
from ebpf.casefile import FORMAT, from_plain
from ebpf.errors import InputError
from ebpf.isa import Insn, encode
from ebpf.isa.forms import Form
from tests.ebpf.instructions import legal

OBJDUMP = """
a.o:\tfile format elf64-bpf

Disassembly of section socket:

0000000000000000 <prog>:
; int prog(struct __sk_buff *skb)
       0:\tb7 01 00 00 00 00 00 00\tr1 = 0x0
       1:\t63 1a fc ff 00 00 00 00\t*(u32 *)(r10 - 0x4) = r1
       2:\t18 02 00 00 88 77 66 55 00 00 00 00 44 33 22 11\tr2 = 0x1122334455667788 ll
       4:\t15 01 01 00 05 00 00 00\tif r1 == 0x5 goto +0x1 <prog+0x30>
       5:\t85 10 00 00 01 00 00 00\tcall 0x1 <prog+0x38>
       6:\t95 00 00 00 00 00 00 00\texit

0000000000000038 <callee>:
       7:\t95 00 00 00 00 00 00 00\texit
"""
PROGRAM = parse(
    [
        *("r1 = 0", "*(u32 *)(r10 -4) = r1", "r2 = 0x1122334455667788", "if r1 == 0x5 goto pc+1"),
        *("call pc+1", "exit", "exit"),
    ]
)


def without_bytes(source: str) -> str:
    lines = [line.split("\t") for line in source.splitlines()]
    return "\n".join(
        "\t".join((parts[0], parts[2])) if len(parts) == 3 else "\t".join(parts) for parts in lines
    )


def test_a_listing_is_its_bytes_and_its_text_says_the_same() -> None:
    assert parse_source(OBJDUMP).instructions == PROGRAM
    assert parse_source(without_bytes(OBJDUMP)).instructions == PROGRAM


def test_a_function_that_does_not_begin_its_section() -> None:
    assert parse_source("       7:\t95 00 00 00 00 00 00 00\texit").instructions == (Insn(0x95),)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (
            "\t\t0000000000000010:  R_BPF_64_64\tcounts",
            r"a relocation \(R_BPF_64_64\): give the object itself",
        ),
        ("       0:\tb7 01 00 00 00 00 00 00\tr1 = 0x7", "its bytes are 'r1 = 0'"),
        ("       9:\t95 00 00 00 00 00 00 00\texit", "expected instruction 7"),
        ("nonsense", "not a line of llvm-objdump"),
        ("       7:\tfrobnicate", "not an instruction in LLVM's dialect"),
    ],
)
def test_a_listing_that_is_none(line: str, reason: str) -> None:
    source = line if line.lstrip().startswith("0:") else OBJDUMP.rpartition("\n\n")[0] + "\n" + line
    with pytest.raises(InputError, match=rf"^line \d+: .*{reason}"):
        parse_objdump(source.splitlines())


@given(st.lists(legal(), min_size=1, max_size=4))
def test_llvms_words_are_parsed_back(chosen: list[tuple[Form, tuple[Insn, ...]]]) -> None:
    """Up to what LLVM's text does not tell: it is the same again when it is printed."""
    slots = tuple(insn for _, each in chosen for insn in each)
    lines = [line for _, line in listing(slots, AssemblyDialect.LLVM)]
    again = parse(lines, AssemblyDialect.LLVM)
    assert [line for _, line in listing(again, AssemblyDialect.LLVM)] == lines
    assert len(again) == len(slots)


@given(legal())
def test_bytes_and_text_of_one_instruction_agree(chosen: tuple[Form, tuple[Insn, ...]]) -> None:
    _, slots = chosen
    line = text(slots[0], slots[1] if len(slots) > 1 else None, AssemblyDialect.LLVM)
    assert parse_objdump([f"       3:\t{encode(slots).hex(' ')}\t{line}"]) == slots


@pytest.mark.parametrize(
    ("source", "dialect"),
    [
        ("r1 = 0x0\nexit", AssemblyDialect.KERNEL),
        ("r1 = 5\nr1 = addr_space_cast(r1, 0, 0)\nr0 = 0\nexit", AssemblyDialect.KERNEL),
        ("r1 = 0x0\n*(u32 *)(r10 -4) = r1", AssemblyDialect.KERNEL),
        ("r1 = 0x0\n*(u32 *)(r10 - 4) = r1", AssemblyDialect.LLVM),
        ("r1 = 0x5 ll\nif r1 == 0x0 goto pc+1", AssemblyDialect.KERNEL),
        ("r1 = 0x5 ll\nexit", AssemblyDialect.LLVM),
        ("call 6\nexit", AssemblyDialect.LLVM),
        ("0: (b7) r1 = 0\n1: (95) exit", AssemblyDialect.KERNEL),
    ],
)
def test_the_dialect_is_told_from_the_whole_file(source: str, dialect: AssemblyDialect) -> None:
    assert dialect_of(source) is dialect


def test_a_cast_between_address_spaces_is_what_the_kernel_prints() -> None:
    cast = [Insn(0xBF, 1, 2, 1, imm) for imm in (1, 1 << 16, 0, -1)]
    lines = [f"r1 = addr_space_cast(r2, {insn.imm >> 16 & 0xFFFF}, {insn.imm & 0xFFFF})" for insn in cast]
    assert parse(lines) == tuple(cast)
    with pytest.raises(InputError, match=r"address space = 65536 is not in 0\.\.65535"):
        parse(["r1 = addr_space_cast(r2, 0, 65536)"])


WORDS = st.sampled_from([*OBJDUMP.split("\t"), *without_bytes(OBJDUMP).splitlines(), "\n", ":", " "])


@given(st.text() | st.lists(WORDS | st.text(max_size=3), max_size=12).map("".join))
def test_no_text_raises_anything_but_an_input_error(source: str) -> None:
    with suppress(InputError):
        encode(parse_source(source).instructions)


def test_kernel_functions_have_names() -> None:
    lines = ["r1 = 1", "call kfunc bpf_iter_num_new", "exit"]
    assert assemble(lines) == Assembled(
        parse(["r1 = 1", "call kfunc#0+0", "exit"]), ((1, "bpf_iter_num_new"),)
    )
    assert parse_source("\n".join(lines)) == assemble(lines)
    with pytest.raises(InputError, match="kernel functions by name"):
        parse(lines)
    program = from_plain({"format": FORMAT, "program": {"type": "xdp", "instructions": lines}}).program
    assert program.kfuncs == ((1, "bpf_iter_num_new"),)
    assert [line for _, line in program_listing(program)] == lines
