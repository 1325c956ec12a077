"""A tracepoint's ``format`` file: the record a program sees through its context
(Documentation/trace/events.rst, section 2.2)."""

from __future__ import annotations

import re
from dataclasses import dataclass

HIDDEN = 8
"""Bytes before the fields: the kernel keeps a pointer there, and programs may not read it
(perf_call_bpf_enter, kernel/trace/trace_syscalls.c; tp_prog_is_valid_access, kernel/trace/bpf_trace.c; Linux
6.12)."""

_FIELD = re.compile(
    r"^\tfield:(.*?)\s*\b(\w+)(\[\w*\])?;\toffset:(\d+);\tsize:(\d+);(?:\tsigned:([01]);)?$", re.MULTILINE
)
_NAME = re.compile(r"^name: (\S+)$", re.MULTILINE)
_ID = re.compile(r"^ID: (\d+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class TraceField:
    """``offset`` and ``size`` in bytes; ``type`` is C text, an array's bound included."""

    name: str
    type: str
    offset: int
    size: int
    signed: bool


@dataclass(frozen=True, slots=True)
class TraceFormat:
    """``fields`` in order, without the common ones, which hide from programs."""

    name: str
    id: int
    fields: tuple[TraceField, ...]

    def offsets(self) -> dict[str, int]:
        """Where each field begins."""
        return {field.name: field.offset for field in self.fields}

    @property
    def size(self) -> int:
        """Bytes up to the end of the last field."""
        return max([field.offset + field.size for field in self.fields], default=HIDDEN)


def parse_format(text: str) -> TraceFormat | None:
    """None for text that is no format file."""
    name, number = _NAME.search(text), _ID.search(text)
    if name is None or number is None:
        return None
    rows = [
        TraceField(field, kind + bound, int(offset), int(size), signed == "1")
        for kind, field, bound, offset, size, signed in _FIELD.findall(text)
    ]
    return TraceFormat(name[1], int(number[1]), tuple([row for row in rows if row.offset >= HIDDEN]))
