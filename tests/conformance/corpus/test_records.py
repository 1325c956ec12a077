"""Corpus records: the real file in numbers, small ones by example, and errors that name file, record and
reason."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from conformance.corpus import read_records
from conformance.corpus.records import read_known
from ebpf.errors import InputError
from ebpf.maps import MapField, MapFieldKind
from ebpf.program import LoadFlag
from ebpf.program_types import AttachType, ProgramType

CORPUS = Path(__file__).resolve().parents[4] / "shared" / "corpus" / "selftests-6.1.json.gz"
RECORD: dict[str, Any] = {
    "id": "x/1", "name": "a program", "prog_type_id": 18, "expected_attach_type": 10, "prog_flags": 2,
    "license": "GPL",
    "insns": "18110000000000000000000000000000" + "1811000007000000" + "00" * 8 + "9500000000000000",
    "maps": [{"type": "ARRAY", "key_size": 4, "value_size": 8, "max_entries": 1,
              "fields": [{"off": 4, "kind": "bpf_spin_lock"}]}],
    "relocs": [{"insn": 0, "kind": "map_fd", "map": 0}],
    "runs": [{"data": "0102", "retval": 0}],
    "measured": {"6.1": {"priv": {"verdict": "ACCEPT", "errno": 0, "retvals": [-1]},
                         "unpriv": {"verdict": "REJECT", "errno": 1, "msg": "no", "env": "kfunc-missing"}}},
}  # fmt: skip


def write(path: Path, *records: Any) -> Path:
    file = path / "corpus.json.gz"
    file.write_bytes(gzip.compress(json.dumps(list(records)).encode()))
    return file


def test_a_record(tmp_path: Path) -> None:
    (record,) = read_records(write(tmp_path, RECORD))
    program = record.privileged.program
    assert (record.id, record.name, program.type) == ("x/1", "a program", ProgramType.CGROUP_SOCK_ADDR)
    assert program.attach_type is AttachType.CGROUP_INET4_CONNECT
    assert program.flags == LoadFlag.ANY_ALIGNMENT
    assert [insn.imm for insn in program.instructions] == [
        0,
        0,
        -1,
        0,
        0,
    ]  # the second has no relocation: a bad descriptor
    assert program.maps[0].fields == (MapField(4, MapFieldKind.SPIN_LOCK),)
    assert record.privileged.inputs[0].packet == b"\1\2"
    assert record.privileged.capabilities is None
    assert record.unprivileged is not None
    assert record.unprivileged.capabilities == ()
    measured = record.on("6.1")
    assert measured is not None
    assert (measured.accepted, measured.retvals) == (True, (0xFFFF_FFFF,))
    assert record.on("6.1", privileged=False) is None  # the environment spoilt it
    assert record.on("6.12") is None


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"insns": "95"}, "8"),
        ({"insns": ""}, "no instructions"),
        ({"insns_zb64": "!"}, "decompress"),
        ({"prog_type_id": 99}, "99"),
        ({"measured": {"6.1": {"priv": {"verdict": "MAYBE"}}}}, "MAYBE"),
        ({"maps": []}, "relocation of instruction 0"),
        ({"runs": [{"data": "0"}]}, "hex"),
    ],
)
def test_a_bad_record(tmp_path: Path, change: dict[str, Any], reason: str) -> None:
    with pytest.raises(InputError, match=r"corpus\.json\.gz: record 1") as caught:
        read_records(write(tmp_path, RECORD, RECORD | change))
    assert reason in str(caught.value)


def test_a_bad_file(tmp_path: Path) -> None:
    for content in (b"", b"{}", gzip.compress(b"{}"), gzip.compress(b"[")):
        (tmp_path / "bad").write_bytes(content)
        with pytest.raises(InputError, match="bad: "):
            read_records(tmp_path / "bad")
    with pytest.raises(InputError, match="none: "):
        read_records(tmp_path / "none")


@pytest.mark.shared
def test_the_corpus() -> None:
    if not CORPUS.exists():
        pytest.skip(f"needs the development data in {CORPUS}")
    records = read_records(CORPUS)
    assert len(records) == len({record.id for record in records}) == 1365
    returns = [
        m
        for r in records
        if (m := r.on("6.1")) is not None and m.accepted and any(v is not None for v in m.retvals)
    ]
    assert len(returns) == 603
    assert sum(value is not None for m in returns for value in m.retvals) == 651
    assert sum(record.unprivileged is not None for record in records) == 644
    assert sum(len(record.privileged.program.instructions) for record in records) > 30_000


def test_records_that_came_later_are_left_out_by_name(tmp_path: Path) -> None:
    fine = {
        "id": "a/1",
        "name": "fine",
        "prog_type_id": 1,
        "expected_attach_type": 0,
        "prog_flags": 0,
        "license": "GPL",
        "insns": "b7000000000000009500000000000000",
        "measured": {},
    }
    later = {
        **fine,
        "id": "a/2",
        "maps": [{"type": "NEXT_YEARS", "key_size": 4, "value_size": 4, "max_entries": 1}],
    }
    path = tmp_path / "corpus.json.gz"
    path.write_bytes(gzip.compress(json.dumps([fine, later]).encode()))
    records, unreadable = read_known(path)
    assert [record.id for record in records] == ["a/1"]
    assert len(unreadable) == 1
    assert "record 1 (a/2)" in unreadable[0]
    assert "NEXT_YEARS" in unreadable[0]
    path.write_bytes(gzip.compress(json.dumps([later]).encode()))
    with pytest.raises(InputError, match="NEXT_YEARS"):
        read_known(path)
