"""What a case file holds, field by field."""

from __future__ import annotations

import msgspec

from ebpf.byte_order import ByteOrder

FORMAT = "veridiff-case/1"


class FieldRecord(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """A special field of a map's value as a case file holds it."""

    offset: int
    kind: str
    to: str = ""


class MapRecord(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """A map as a case file holds it."""

    type: str
    key_size: int
    value_size: int
    max_entries: int
    flags: int = 0
    name: str = ""
    btf_key: int = 0
    btf_value: int = 0
    inner: MapRecord | None = None
    contents: dict[str, str] = {}
    fields: list[FieldRecord] = []
    map_extra: int = 0


class ProgramRecord(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """A program as a case file holds it; ``instructions`` is hex or lines of assembly."""

    type: str
    instructions: str | list[str]
    maps: list[MapRecord] = []
    attach_type: str | int | None = None
    attach_to: str | None = None
    license: str = "GPL"
    flags: list[str] = []
    btf: str | None = None
    func_info: str | None = None
    kfuncs: dict[str, str] = {}


class InputRecord(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """One run's input; packet and context in hex."""

    packet: str = ""
    context: str = ""
    helpers: list[int] = []


class CaseRecord(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """The whole file."""

    format: str
    program: ProgramRecord
    name: str = ""
    capabilities: list[str] | None = None
    byte_order: ByteOrder = ByteOrder.LITTLE
    inputs: list[InputRecord] = msgspec.field(default_factory=lambda: [InputRecord()])
