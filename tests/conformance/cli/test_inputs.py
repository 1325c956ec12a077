"""What files hold: programs in every form that people have them in."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance.cli.inputs import READERS, files_of, read
from ebpf.assembly import program_listing
from ebpf.errors import InputError
from ebpf.program_types import ProgramType

LOG = """0: R1=ctx() R10=fp0
; int main(void) @ a.c:3
0: (b7) r1 = 7                        ; R1_w=7
1: (85) call bpf_iter_num_destroy#77190       ; R0_w=scalar()
2: (95) exit
processed 3 insns (limit 1000000) max_states_per_insn 0 total_states 0 peak_states 0 mark_read 0
"""
LLVM = "\tr1 = 0x7\n\t*(u32 *)(r10 - 0x4) = r1\n\tr0 = *(u32 *)(r10 - 0x4)\n\texit\n"
OBJDUMP = "       0:\tb7 01 00 00 07 00 00 00\tr1 = 0x7\n       1:\t95 00 00 00 00 00 00 00\texit\n"


@pytest.mark.parametrize(
    ("name", "content", "shown"),
    [
        ("kernel.s", "r1 = 7\nr0 = *(u32 *)(r10 -4)\nexit\n", ["r1 = 7", "r0 = *(u32 *)(r10 -4)", "exit"]),
        ("cast.asm", "r1 = addr_space_cast(r1, 0, 1)\nexit\n", ["r1 = addr_space_cast(r1, 0, 1)", "exit"]),
        ("llvm.s", LLVM, ["r1 = 7", "*(u32 *)(r10 -4) = r1", "r0 = *(u32 *)(r10 -4)", "exit"]),
        ("objdump.s", OBJDUMP, ["r1 = 7", "exit"]),
        ("pasted.log", LOG, ["r1 = 7", "call kfunc bpf_iter_num_destroy", "exit"]),
        ("log.s", LOG, ["r1 = 7", "call kfunc bpf_iter_num_destroy", "exit"]),
        ("strange.hex", "ff00000000000000 9500000000000000", [".8byte ff00000000000000", "exit"]),
    ],
)
def test_a_bare_program_is_a_socket_filter(tmp_path: Path, name: str, content: str, shown: list[str]) -> None:
    (tmp_path / name).write_text(content)
    (brought,) = read(tmp_path / name)
    assert brought.name == str(tmp_path / name)
    assert brought.case.program.type is ProgramType.SOCKET_FILTER
    assert [text for _, text in program_listing(brought.case.program)] == shown


def test_every_form_is_found_in_a_directory(tmp_path: Path) -> None:
    for suffix in READERS:
        (tmp_path / f"x{suffix}").touch()
    (tmp_path / "x.txt").touch()
    assert [file.suffix for file in files_of((tmp_path,))] == sorted(READERS)
    assert [file.suffix for file in files_of((tmp_path,), (".o",))] == [".o"]


def test_an_opcode_that_no_kernel_has_is_the_kernels_to_refuse(tmp_path: Path) -> None:
    file = tmp_path / "x.json"
    file.write_text(
        '{"format": "veridiff-case/1", "program": {"type": "xdp", "instructions": "ff00000000000000"}}'
    )
    (brought,) = read(file)
    assert brought.case.program.instructions[0].opcode == 0xFF


def test_a_file_is_named_once_in_what_is_said_of_it(tmp_path: Path) -> None:
    file = tmp_path / "x.s"
    file.write_text("r0 = 0\nfrobnicate\n")
    with pytest.raises(InputError) as error:
        read(file)
    assert str(error.value).count(str(file)) == 1
