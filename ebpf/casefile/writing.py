"""Cases as JSON."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec

from ebpf.casefile.records import FORMAT, CaseRecord, FieldRecord, InputRecord, MapRecord, ProgramRecord
from ebpf.isa.insn import encode
from ebpf.maps import MapSpec
from ebpf.program import Case, LoadFlag


def dumps(case: Case) -> bytes:
    """Canonical JSON."""
    return msgspec.json.encode(_record(case), order="sorted")


def to_plain(case: Case) -> dict[str, Any]:
    """The case as plain dicts and lists, for embedding in other records."""
    plain: dict[str, Any] = msgspec.to_builtins(_record(case))
    return plain


def identity(case: Case) -> str:
    """16 hex digits that name the case: SHA-256 over its canonical bytes without its name."""
    record = _record(case)
    record.name = ""
    return hashlib.sha256(msgspec.json.encode(record, order="sorted")).hexdigest()[:16]


def _map_record(spec: MapSpec) -> MapRecord:
    return MapRecord(
        spec.type.name.lower(),
        spec.key_size,
        spec.value_size,
        spec.max_entries,
        spec.flags,
        spec.name,
        spec.btf_key,
        spec.btf_value,
        None if spec.inner is None else _map_record(spec.inner),
        {k.hex(): v.hex() for k, v in spec.contents},
        [FieldRecord(f.offset, f.kind.value, f.to) for f in spec.fields],
        spec.extra,
    )


def _record(case: Case) -> CaseRecord:
    program = case.program
    return CaseRecord(
        format=FORMAT,
        name=case.name,
        capabilities=None if case.capabilities is None else list(case.capabilities),
        program=ProgramRecord(
            type=program.type.name.lower(),
            instructions=encode(program.instructions, program.byte_order).hex(),
            maps=[_map_record(m) for m in program.maps],
            attach_type=None if program.attach_type is None else program.attach_type.name.lower(),
            attach_to=program.attach_to,
            license=program.license,
            flags=[flag.name.lower() for flag in LoadFlag if flag in program.flags and flag.name],
            btf=None if program.btf is None else program.btf.hex(),
            func_info=None if program.func_info is None else program.func_info.hex(),
            kfuncs={str(at): name for at, name in program.kfuncs},
        ),
        byte_order=program.byte_order,
        inputs=[InputRecord(i.packet.hex(), i.context.hex(), list(i.helpers)) for i in case.inputs],
    )
