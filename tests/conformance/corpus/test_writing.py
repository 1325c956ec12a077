"""Records written are the programs that were given."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance.corpus.judging import CorpusSubject
from conformance.corpus.records import Measured, read_records
from conformance.corpus.writing import write_records
from ebpf.btf import BtfBuilder
from ebpf.errors import InputError
from ebpf.isa import opcodes as o
from ebpf.isa.insn import Insn
from ebpf.maps import MapField, MapFieldKind, MapSpec, MapType
from ebpf.program import Case, Input, LoadFlag, Program
from ebpf.program_types import AttachType, ProgramType

INNER = MapSpec(MapType.ARRAY, 4, 8, 1, name="inside")
MAPS = (
    MapSpec(MapType.ARRAY, 4, 16, 1, 1 << 7, "ro", 1, 2, contents=((bytes(4), bytes(range(16))),)),
    MapSpec(MapType.HASH, 8, 8, 3, name="locked", fields=(MapField(0, MapFieldKind.SPIN_LOCK),)),
    MapSpec(MapType.ARRAY_OF_MAPS, 4, 4, 2, name="outer", inner=INNER),
)
CODE = (
    Insn(o.LD_IMM64, 1, o.PSEUDO_MAP_VALUE, 0, 0), Insn(0, 0, 0, 0, 8),
    Insn(o.LD_IMM64, 2, o.PSEUDO_MAP_FD, 0, 2),
    Insn(0, 0, 0, 0, 0), Insn(o.CALL | o.JMP, 0, o.CALL_KFUNC, 0, 0), Insn(o.JMP | o.EXIT, 0, 0, 0, 0),
)  # fmt: skip


def case() -> Case:
    builder = BtfBuilder()
    builder.integer("int", 4)
    program = Program(
        ProgramType.TRACING,
        CODE,
        MAPS,
        AttachType.TRACE_FENTRY,
        "do_unlinkat",
        "GPL",
        LoadFlag.SLEEPABLE,
        builder.build(),
        b"\0\0\0\0\1\0\0\0",
        ((4, "bpf_rcu_read_lock"),),
    )
    return Case(program, (Input(b"ab"),), name="made")


@pytest.mark.parametrize("accepted", [True, False])
def test_a_record_is_read_back(tmp_path: Path, accepted: bool) -> None:
    measured = Measured("7.3", True, accepted, 0 if accepted else 13, "" if accepted else "no", (3,), "", 6)
    path = tmp_path / "made.json.gz"
    assert write_records(path, [CorpusSubject("a/made", "made", case(), True, (measured,))]) == 1
    (record,) = read_records(path)
    assert record.privileged == case()
    assert record.measured == (measured,)
    assert record.unprivileged is None


def test_what_fits_no_record_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "made.json.gz"
    assert write_records(path, [CorpusSubject("a/made", "made", case(), True, ())]) == 0


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nowhere"):
        write_records(tmp_path / "nowhere" / "made.json.gz", [])
