"""A directory of objects: what is opened, and what is named as unsupported."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance.corpus.directory import read_directory
from ebpf.errors import InputError
from ebpf.isa import opcodes as o
from ebpf.isa.insn import Insn
from ebpf.objects.parts import Part
from ebpf.objects.writer import write_object
from ebpf.program import Program
from ebpf.program_types import ProgramType

RETURN_0 = (Insn(o.ALU64 | o.MOV, 0, 0, 0, 0), Insn(o.JMP | o.EXIT, 0, 0, 0, 0))


def test_programs_are_found_and_broken_files_are_named(tmp_path: Path) -> None:
    (tmp_path / "deeper").mkdir()
    (tmp_path / "deeper" / "good.o").write_bytes(
        write_object([Part("first", Program(ProgramType.XDP, RETURN_0), "xdp")])
    )
    (tmp_path / "broken.o").write_bytes(b"\x7fELF")
    found, unsupported, files = read_directory(tmp_path)
    assert [each.id for each in found] == ["deeper/good.o:xdp/first"]
    assert found[0].case.program.instructions == RETURN_0
    assert list(unsupported) == ["broken.o"]
    assert files == 2


def test_an_empty_directory_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no \*\.o"):
        read_directory(tmp_path)
