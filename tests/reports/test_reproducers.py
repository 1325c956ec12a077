"""Reproducers: they build without a warning, refuse to run on a laptop, and say what a right kernel does."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from ebpf import casefile
from ebpf.isa.insn import Insn
from ebpf.maps import MapSpec, MapType
from ebpf.objects import open_object
from ebpf.program import Case, LoadFlag
from ebpf.program_types import ProgramType
from reports import reproducers
from reports.reproducers.c_program import c_program, comment, string
from reports.reproducers.selftest import selftest
from tests.reports.samples import CASE, HOSTILE, finding, hostile

GCC = shutil.which("gcc")


def case(**changes: object) -> Case:
    plain = casefile.from_plain(CASE)
    return replace(plain, program=replace(plain.program, **changes))  # type: ignore[arg-type]


def variants() -> dict[str, Case]:
    """Cases that take every branch of the C template."""
    inner = MapSpec(MapType.ARRAY, 4, 8, 1)
    maps = (
        MapSpec(MapType.PERCPU_ARRAY, 4, 12, 2, name="p", contents=((bytes(4), bytes(range(12))),)),
        MapSpec(MapType.ARRAY_OF_MAPS, 4, 4, 2, name="o", inner=inner),
        MapSpec(MapType.HASH, 4, 4, 2, flags=1),
    )
    tracing = {
        "type": ProgramType.TRACING,
        "attach_to": "bpf_fentry_test1",
        "kfuncs": ((0, "bpf_iter_num_new"),),
    }
    return {
        "sample": case(),
        "no maps": case(maps=(), instructions=(Insn(0xB7), Insn(0x95))),
        "maps of every sort": case(maps=maps),
        "tracing with BTF": case(
            **tracing, btf=b"\x9f\xeb\x01\x00" * 6, func_info=bytes(8), flags=LoadFlag.SLEEPABLE
        ),
        "illegal instruction": case(instructions=(Insn(0xFF, 15, 15, -32768, -(1 << 31)), Insn(0x95))),
        "unprivileged": replace(case(), capabilities=()),
        "one capability": replace(case(), capabilities=("CAP_BPF", "CAP_NET_ADMIN")),
        "context": replace(case(), inputs=(replace(case().inputs[0], context=bytes(192)),)),
    }


@pytest.mark.skipif(GCC is None, reason="no gcc")
@pytest.mark.parametrize("name", variants())
@pytest.mark.parametrize("witness", [None, 0])
def test_the_c_program_builds_without_a_warning(name: str, witness: int | None, tmp_path: Path) -> None:
    source = tmp_path / "reproducer.c"
    source.write_text(c_program(finding(witness=witness), variants()[name]))
    flags = ["-Wall", "-Wextra", "-Werror", "-Wno-type-limits"]
    result = subprocess.run(
        ["gcc", *flags, "-o", tmp_path / "reproducer", source], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr


@pytest.mark.skipif(GCC is None, reason="no gcc")
@pytest.mark.parametrize("arguments", [[], ["--yes"], ["--yes-this-is-a-vm", "x"]])
def test_it_refuses_to_run_unless_told_where_it_is(arguments: list[str], tmp_path: Path) -> None:
    files = reproducers.write(hostile(), tmp_path).files
    subprocess.run(["gcc", "-w", "-o", tmp_path / "reproducer", tmp_path / files["c"]], check=True)
    result = subprocess.run(
        [tmp_path / "reproducer", *arguments], capture_output=True, text=True, check=False
    )
    assert result.returncode == 2
    assert "--yes-this-is-a-vm" in result.stderr
    assert result.stdout == ""


def test_hostile_text_stays_in_its_comment() -> None:
    assert comment("a */ int x; /* b\nc \\") == "a * / int x; / * b c \\ "
    assert string('a"\n\\?é') == r'"a\042\012\134\077\303\251"'
    text = c_program(finding(statement="*/ #error " + HOSTILE), case())
    assert "*/ #error" not in text


def test_files_and_their_names(tmp_path: Path) -> None:
    files = reproducers.write(finding(), tmp_path).files
    assert files == {
        "case": "case.json",
        "c": "reproducer.c",
        "selftest": "verifier_veridiff.c",
        "object": "program.o",
        "hex": "program.hex",
    }
    (program,) = open_object((tmp_path / "program.o").read_bytes(), "program.o").programs
    assert program.type.name.lower() == CASE["program"]["type"]
    assert casefile.loads((tmp_path / "case.json").read_bytes()) == casefile.from_plain(CASE)
    assert bytes.fromhex((tmp_path / "program.hex").read_text()) == bytes.fromhex(
        CASE["program"]["instructions"]
    )


def test_the_selftest_states_what_a_right_kernel_does() -> None:
    text = selftest(finding(), case())
    assert 'SEC("socket")' in text
    assert '__failure\n__msg("invalid access to map value, value_size=8 off=8 size=1")\n' in text
    assert '\t"if r0 == 0 goto l16_%=;"\n' in text
    assert '\t"l16_%=:"\n\t"r0 = 0;"\n' in text
    assert "\t: __imm_addr(m0), __imm(bpf_map_lookup_elem)\n" in text
    assert "} m0 SEC(" in text
    wrong_result = selftest(
        finding(should_accept=None, expected_return=0x41), case(flags=LoadFlag.TEST_STATE_FREQ)
    )
    assert "__success\n__retval(0x41)\n__flag(BPF_F_TEST_STATE_FREQ)\n" in wrong_result
    assert "__success_unpriv\n" in selftest(finding(should_accept=True), replace(case(), capabilities=()))


def test_the_selftest_writes_as_bytes_what_llvm_has_no_text_for() -> None:
    text = selftest(finding(), case(instructions=(Insn(0x8D, 1), Insn(0xFF), Insn(0x95))))
    assert '".8byte %[insn_1];"' in text
    assert "__imm_insn(insn_1, BPF_RAW_INSN(0xff, 0, 0, 0, 0))" in text
