"""A corpus record's program as a case: instructions, maps with their special fields, BTF and kernel
functions."""

from __future__ import annotations

import base64
import binascii
import re
import struct
import zlib
from dataclasses import replace
from typing import Literal

import msgspec

from ebpf.errors import InputError
from ebpf.isa import opcodes as o
from ebpf.isa.insn import Insn, decode
from ebpf.maps import MapField, MapFieldKind, MapSpec, MapType
from ebpf.program import Case, Input, LoadFlag, Program
from ebpf.program_types import AttachType, ProgramType

DEFAULT_INPUT = bytes(64)
"""What tools/testing/selftests/bpf/test_verifier.c of Linux 6.1 runs a program on that names no data."""
NO_MAP = -1
"""The index that stands for a descriptor which is not a map's."""


class CorpusField(msgspec.Struct):
    """A special BTF field in a map's value."""

    off: int
    kind: str
    to: str = ""


class CorpusMap(msgspec.Struct):
    """A map of a record; ``init_note`` is prose of which the two kinds in use are understood."""

    type: str
    key_size: int
    value_size: int
    max_entries: int
    map_flags: int = 0
    name: str = ""
    init_note: str = ""
    fields: list[CorpusField] = []
    inner: CorpusMap | None = None
    btf_key: int = 0
    btf_value: int = 0
    contents: list[tuple[str, str]] = []


class RelocationRecord(msgspec.Struct):
    """What an instruction's immediate refers to."""

    insn: int
    kind: Literal["map_fd", "map_value", "pseudo_func", "kfunc"]
    name: str = ""


class RunRecord(msgspec.Struct):
    """One test run; its return value is measured per kernel."""

    data: str


class CorpusProgram(msgspec.Struct, kw_only=True):
    """The part of a record that is the program."""

    prog_type_id: int
    expected_attach_type: int
    prog_flags: int
    license: str
    insns: str = ""
    insns_zb64: str = ""
    maps: list[CorpusMap] = []
    relocs: list[RelocationRecord] = []
    attach_name: str | None = None
    btf_types: str = ""
    btf_strings: str = ""
    func_info: list[tuple[int, int]] = []


def build_case(record: CorpusProgram, runs: list[RunRecord], name: str, at: str) -> Case:
    """The privileged case.  Raises :class:`InputError` that starts with ``at``."""
    try:
        code = _instructions(record)
        program = Program(
            ProgramType(record.prog_type_id),
            code,
            tuple(map(_map, record.maps)),
            AttachType(record.expected_attach_type) if record.expected_attach_type else None,
            record.attach_name,
            record.license,
            LoadFlag(record.prog_flags),
            _btf(record),
            _func_info(record),
            tuple((reloc.insn, reloc.name) for reloc in record.relocs if reloc.kind == "kfunc"),
        )
        inputs = tuple(Input(bytes.fromhex(run.data)) for run in runs) or (Input(DEFAULT_INPUT),)
    except (KeyError, ValueError, binascii.Error, zlib.error, InputError) as error:
        raise InputError(f"{at}: {error}") from None
    return Case(program, inputs, name=name)


def _instructions(record: CorpusProgram) -> tuple[Insn, ...]:
    raw = (
        zlib.decompress(base64.b64decode(record.insns_zb64))
        if record.insns_zb64
        else bytes.fromhex(record.insns)
    )
    code = list(decode(raw))
    if not code:
        raise InputError("no instructions")
    mapped = {reloc.insn for reloc in record.relocs if reloc.kind in ("map_fd", "map_value")}
    for at in mapped:
        if not (at < len(code) and code[at].opcode == o.LD_IMM64 and 0 <= code[at].imm < len(record.maps)):
            raise InputError(
                f"relocation of instruction {at}: not a 64-bit immediate with the index of a map"
            )
    for at, insn in enumerate(code):
        if (
            insn.opcode == o.LD_IMM64
            and insn.src in (o.PSEUDO_MAP_FD, o.PSEUDO_MAP_VALUE)
            and at not in mapped
        ):
            code[at] = replace(insn, imm=NO_MAP)
    return tuple(code)


def _map(record: CorpusMap) -> MapSpec:
    fields = tuple(
        MapField(field.off, MapFieldKind(field.kind.removeprefix("bpf_")), field.to)
        for field in record.fields
    )
    return MapSpec(
        MapType[record.type],
        record.key_size,
        record.value_size,
        record.max_entries,
        record.map_flags,
        record.name,
        record.btf_key,
        record.btf_value,
        inner=None if record.inner is None else _map(record.inner),
        contents=_contents(record),
        fields=fields,
    )


def _contents(record: CorpusMap) -> tuple[tuple[bytes, bytes], ...]:
    """As given in hex; else, in the tests of Linux 6.1, arrays start with
    ``struct test_val``: the index of foo[6] in bytes, then foo; program arrays name the filled slots, and
    what the programs there return."""
    if record.contents:
        return tuple((bytes.fromhex(key), bytes.fromhex(value)) for key, value in record.contents)
    if record.init_note and record.type == "ARRAY":
        value = struct.pack("<I", 28) + bytes(24) + struct.pack("<I", 0xABCDEF12)
        return ((bytes(4), value.ljust(record.value_size, b"\0")),)
    if record.init_note and record.type == "PROG_ARRAY":
        found = re.findall(r"\[(\d+)\]=prog (?:returning|.*? then returning) (\d+)", record.init_note)
        return tuple(
            sorted((struct.pack("<I", int(key)), struct.pack("<I", int(value))) for key, value in found)
        )
    return ()


def _btf(record: CorpusProgram) -> bytes | None:
    """``struct btf_header`` (include/uapi/linux/btf.h), types, strings."""
    if not record.btf_types:
        return None
    types, strings = bytes.fromhex(record.btf_types), bytes.fromhex(record.btf_strings)
    return (
        struct.pack("<HBBIIIII", 0xEB9F, 1, 0, 24, 0, len(types), len(types), len(strings)) + types + strings
    )


def _func_info(record: CorpusProgram) -> bytes | None:
    return b"".join(struct.pack("<II", *pair) for pair in record.func_info) or None
