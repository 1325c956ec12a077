"""clang makes of a selftest stanza the very instructions it was written from."""

from __future__ import annotations

import io
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from elftools.elf.elffile import ELFFile

from conformance.corpus.selftests.build import compiling
from conformance.corpus.selftests.compiler import find_clang
from conformance.kernel.cache import cache_directory
from ebpf import casefile
from ebpf.assembly import parse
from ebpf.isa.insn import Insn, decode
from ebpf.maps import MapField, MapFieldKind, MapSpec, MapType
from ebpf.program import Case, Program
from ebpf.program_types import ProgramType
from reports.records import Refuses
from reports.reproducers.selftest import selftest
from tests.reports.samples import CASE, finding


def cached(name: str) -> list[Path]:
    """What ``veridiff corpus debian:VERSION`` fetched or made, by version."""
    return sorted((cache_directory() / name).glob("[0-9]*"))


CLANG = next(filter(None, (shutil.which(f"clang-{version}") for version in (22, 21, 20, 19, 18))), None)
REAL = bool(cached("sources") and cached("headers"))
pytestmark = pytest.mark.skipif(
    CLANG is None or not (REAL or Path("/usr/include/bpf/bpf_helpers.h").exists()),
    reason="no clang >= 18, or neither libbpf's headers nor a kernel's source in the cache",
)


def command(source: Path, made: Path) -> list[str | Path]:
    """With the kernel's own headers, where they are there, else with stubs of them."""
    if REAL:
        return compiling(find_clang(), cached("sources")[-1], cached("headers")[-1], source, made)
    include: list[str | Path] = [
        "-I",
        Path(__file__).parent / "bpf_stubs",
        "-I",
        "/usr/include/x86_64-linux-gnu",
    ]
    return [str(CLANG), "--target=bpf", "-mcpu=v4", "-g", "-O2", *include, "-c", source, "-o", made]


PROGRAMS = {
    "modulo and signed modulo": ["r0 = 7", "r1 = 3", "w0 %= w1", "r0 s%= r1", "r0 s/= -2", "exit"],
    "jumps of both directions": ["r0 = 3", "if r0 == 0x0 goto pc+2", "r0 += -1", "goto pc-3", "exit"],
    "subprogram": ["r1 = 1", "call pc+1", "exit", "r0 = r1", "if r1 != 0x0 goto pc+1", "r0 = 2", "exit"],
    "sizes and extensions": [
        "r0 = *(u16 *)(r10 -2)",
        "r0 = *(s8 *)(r10 -1)",
        "r0 = bswap32 r0",
        "r0 = (s16)r0",
        "exit",
    ],
    "wide constant": ["r0 = 0x123456789abcdef0", "exit"],
}


def compiled(case: Case, directory: Path) -> list[Insn]:
    """The entry's section and then the subprograms', as clang made them."""
    source = directory / "stanza.c"
    text = selftest(finding(right=Refuses()), case)
    assert text is not None
    source.write_bytes(text)
    made = directory / "stanza.o"
    result = subprocess.run(command(source, made), capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    elf = ELFFile(io.BytesIO(made.read_bytes()))
    sections: list[Any] = [elf.get_section_by_name(name) for name in ("socket", ".text")]
    return [insn for section in sections for insn in decode(section.data())]


def unlinked(insns: list[Insn]) -> list[Insn]:
    """Without what relocation fills in: the imm of calls between sections, and which map a load names."""
    plain = []
    for insn in insns:
        if insn.opcode == 0x85 and insn.src == 1:
            insn = Insn(insn.opcode, src=1)
        elif insn.opcode == 0x18 and insn.src == 1:
            insn = Insn(insn.opcode, insn.dst)
        plain.append(insn)
    return plain


@pytest.mark.parametrize("name", PROGRAMS)
def test_programs_come_back(name: str, tmp_path: Path) -> None:
    program = Program(ProgramType.SOCKET_FILTER, parse(PROGRAMS[name]))
    assert unlinked(compiled(Case(program), tmp_path)) == unlinked(list(program.instructions))


def test_the_sample_comes_back(tmp_path: Path) -> None:
    case = casefile.from_plain(CASE)
    assert unlinked(compiled(case, tmp_path)) == unlinked(list(case.program.instructions))


MAPS = (
    MapSpec(MapType.ARRAY, 4, 16, 1, name="out", contents=((bytes(4), bytes(range(16))),)),
    MapSpec(MapType.HASH, 8, 24, 4, fields=(MapField(8, MapFieldKind.SPIN_LOCK),)),
    MapSpec(MapType.ARRAY_OF_MAPS, 4, 4, 2, inner=MapSpec(MapType.HASH, 4, 4, 2, flags=1)),
    MapSpec(MapType.RINGBUF, 0, 0, 4096),
)
NAMES = [
    Insn(0x18, 1, 2, imm=0),
    Insn(0, imm=8),
    *[insn for n in (1, 2, 3) for insn in (Insn(0x18, 1, 1, imm=n), Insn(0))],
]


@pytest.mark.parametrize(
    "program",
    [
        Program(ProgramType.SOCKET_FILTER, (*NAMES, Insn(0xB7), Insn(0x95)), MAPS),
        Program(ProgramType.SOCKET_FILTER, (Insn(0x8D, 1), Insn(0xFF), Insn(0x95))),
    ],
    ids=["maps of every sort", "illegal instructions"],
)
def test_definitions_and_raw_instructions_compile(program: Program, tmp_path: Path) -> None:
    compiled(Case(program), tmp_path)
