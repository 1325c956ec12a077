"""Cases from JSON."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

from ebpf.assembly import Assembled, assemble
from ebpf.casefile.records import FORMAT, CaseRecord, FieldRecord, MapRecord
from ebpf.errors import InputError
from ebpf.isa.insn import decode
from ebpf.maps import MapField, MapFieldKind, MapSpec, MapType
from ebpf.program import Case, Input, LoadFlag, Program
from ebpf.program_types import AttachType, ProgramType


def loads(text: bytes | str, source: str = "case") -> Case:
    """A case from JSON.  Raises :class:`InputError` naming ``source``, the place in it and the reason."""
    try:
        raw = msgspec.json.decode(text)
    except msgspec.DecodeError as error:
        raise InputError(f"{source}: not JSON: {error}") from None
    return from_plain(raw, source)


def from_plain(raw: Any, source: str = "case") -> Case:
    """A case from already decoded JSON.  Raises :class:`InputError` as :func:`loads` does."""
    version = raw.get("format") if isinstance(raw, dict) else None
    if version != FORMAT:
        raise InputError(f"{source}: $.format: expected {FORMAT!r}, found {version!r}")
    try:
        record = msgspec.convert(raw, CaseRecord)
    except msgspec.ValidationError as error:
        raise InputError(f"{source}: {error}") from None
    return _case(record, source)


_E = TypeVar("_E", MapType, ProgramType, AttachType)


def _member(kind: type[_E], name: str | int, at: str) -> _E:
    try:
        return kind(name) if isinstance(name, int) else kind[name.upper()]
    except (KeyError, ValueError):
        raise InputError(f"{at}: unknown {kind.__name__} {name!r}") from None


def _hex(text: str, at: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        odd = " (odd number of digits: truncated?)" if len(text.strip()) % 2 else ""
        raise InputError(f"{at}: not hexadecimal{odd}: {text[:40]!r}") from None


def _at(at: str, build: Callable[[], Assembled]) -> Assembled:
    try:
        return build()
    except InputError as error:
        raise InputError(f"{at}: {error}") from None


def _case(record: CaseRecord, source: str) -> Case:
    program = record.program
    here = f"{source}: $.program"
    code = program.instructions
    if isinstance(code, str):
        raw = _hex(code, f"{here}.instructions")
        assembled = _at(f"{here}.instructions", lambda: Assembled(decode(raw, record.byte_order)))
    else:
        assembled = _at(f"{here}.instructions", lambda: assemble(code))
    insns = assembled.instructions
    kfuncs = dict(assembled.kfuncs) | {
        _number(at, f"{here}.kfuncs"): name for at, name in program.kfuncs.items()
    }
    if not insns:
        raise InputError(f"{here}.instructions: empty")
    flags = LoadFlag(0)
    for name in program.flags:
        if name.upper() not in LoadFlag.__members__:
            raise InputError(f"{here}.flags: unknown load flag {name!r}")
        flags |= LoadFlag[name.upper()]
    return Case(
        program=Program(
            type=_member(ProgramType, program.type, f"{here}.type"),
            instructions=insns,
            maps=tuple(_map(m, f"{here}.maps[{i}]") for i, m in enumerate(program.maps)),
            attach_type=None
            if program.attach_type is None
            else _member(AttachType, program.attach_type, f"{here}.attach_type"),
            attach_to=program.attach_to,
            license=program.license,
            flags=flags,
            btf=None if program.btf is None else _hex(program.btf, f"{here}.btf"),
            func_info=None if program.func_info is None else _hex(program.func_info, f"{here}.func_info"),
            kfuncs=tuple(sorted(kfuncs.items())),
            byte_order=record.byte_order,
        ),
        inputs=tuple(
            Input(
                _hex(i.packet, f"{source}: $.inputs[{n}].packet"),
                _hex(i.context, f"{source}: $.inputs[{n}].context"),
                tuple(i.helpers),
            )
            for n, i in enumerate(record.inputs)
        ),
        capabilities=None if record.capabilities is None else tuple(record.capabilities),
        name=record.name,
    )


def _number(text: str, at: str) -> int:
    if not re.fullmatch("[0-9]{1,9}", text):
        raise InputError(f"{at}: {text!r} is not an instruction number")
    return int(text)


_WORD = (1 << 32) - 1


def _map(record: MapRecord, at: str) -> MapSpec:
    for name in ("key_size", "value_size", "max_entries", "flags", "btf_key", "btf_value"):
        if not 0 <= getattr(record, name) <= _WORD:
            raise InputError(f"{at}.{name}: {getattr(record, name)} is not a 32-bit number")
    if not 0 <= record.map_extra < 1 << 64:
        raise InputError(f"{at}.map_extra: {record.map_extra} is not a 64-bit number")
    contents = []
    for key, value in record.contents.items():
        pair = _hex(key, f"{at}.contents"), _hex(value, f"{at}.contents[{key}]")
        for what, data, size in zip(
            ("key", "value"), pair, (record.key_size, record.value_size), strict=True
        ):
            if len(data) != size:
                raise InputError(f"{at}.contents[{key}]: {what} has {len(data)} bytes, {what}_size is {size}")
        contents.append(pair)
    return MapSpec(
        _member(MapType, record.type, f"{at}.type"),
        record.key_size,
        record.value_size,
        record.max_entries,
        record.flags,
        record.name,
        record.btf_key,
        record.btf_value,
        None if record.inner is None else _map(record.inner, f"{at}.inner"),
        tuple(sorted(contents)),
        tuple(_field(f, f"{at}.fields[{i}]") for i, f in enumerate(record.fields)),
        record.map_extra,
    )


def _field(record: FieldRecord, at: str) -> MapField:
    try:
        return MapField(record.offset, MapFieldKind(record.kind), record.to)
    except ValueError:
        raise InputError(f"{at}: unknown kind of field {record.kind!r}") from None
