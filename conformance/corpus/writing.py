"""Subjects written as a file of records, which ``veridiff corpus FILE.json.gz`` reads back without any
kernel."""

from __future__ import annotations

import base64
import gzip
import struct
import zlib
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec

from conformance.corpus.judging import CorpusSubject
from conformance.corpus.records import MODES
from ebpf.btf import types as t
from ebpf.descriptors import with_descriptors
from ebpf.errors import InputError
from ebpf.isa import opcodes as o
from ebpf.isa.insn import encode
from ebpf.map_references import map_loads
from ebpf.maps import MapSpec
from ebpf.program import Case, Program


def write_records(path: Path, every: Iterable[CorpusSubject]) -> int:
    """How many were written.  A subject with some capabilities and not others fits no record and is left out.

    Raises :class:`InputError` where the file cannot be written.
    """
    records = [_record(each) for each in every if each.case.capabilities in (None, ()) and each.measured]
    try:
        path.write_bytes(gzip.compress(msgspec.json.encode(records), mtime=0))
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None
    return len(records)


def _record(subject: CorpusSubject) -> dict[str, Any]:
    mode = next(name for name, privileged in MODES.items() if privileged is subject.privileged)
    measured = {
        each.kernel: {
            mode: {
                "verdict": "ACCEPT" if each.accepted else "REJECT",
                "errno": each.errno,
                "msg": each.message,
                "retvals": list(each.retvals),
                "env": each.environment,
                "insns_processed": each.processed,
            }
        }
        for each in subject.measured
    }
    runs = [{"data": each.packet.hex()} for each in subject.case.inputs]
    return {
        "id": subject.id,
        "name": subject.name,
        **_program(subject.case),
        "runs": runs,
        "measured": measured,
    }


def _program(case: Case) -> dict[str, Any]:
    program = with_descriptors(case.program)
    relocations = [
        {"insn": slot, "kind": "map_fd" if first.src == o.PSEUDO_MAP_FD else "map_value"}
        for slot, first in map_loads(program.instructions)
        if 0 <= first.imm < len(program.maps)
    ]
    relocations += [{"insn": slot, "kind": "kfunc", "name": name} for slot, name in program.kfuncs]
    types, strings = _btf(program)
    return {
        "prog_type_id": int(program.type),
        "expected_attach_type": int(program.attach_type or 0),
        "prog_flags": int(program.flags),
        "license": program.license,
        "attach_name": program.attach_to,
        "maps": [_map(each) for each in program.maps],
        "insns_zb64": base64.b64encode(zlib.compress(encode(program.instructions))).decode(),
        "relocs": relocations,
        "btf_types": types,
        "btf_strings": strings,
        "func_info": [list(pair) for pair in struct.iter_unpack("<II", program.func_info or b"")],
    }


def _map(spec: MapSpec) -> dict[str, Any]:
    return {
        "type": spec.type.name,
        "key_size": spec.key_size,
        "value_size": spec.value_size,
        "max_entries": spec.max_entries,
        "map_flags": spec.flags,
        "name": spec.name,
        "btf_key": spec.btf_key,
        "btf_value": spec.btf_value,
        "fields": [{"off": each.offset, "kind": each.kind.value, "to": each.to} for each in spec.fields],
        "inner": None if spec.inner is None else _map(replace(spec.inner, inner=None)),
        "contents": [(key.hex(), value.hex()) for key, value in spec.contents],
    }


def _btf(program: Program) -> tuple[str, str]:
    """(types, strings) in hex."""
    if program.btf is None:
        return "", ""
    _, _, _, length, types_at, types_size, strings_at, strings_size = t.HEADER.unpack_from(program.btf)
    types = program.btf[length + types_at : length + types_at + types_size]
    return types.hex(), program.btf[length + strings_at : length + strings_at + strings_size].hex()
