"""What kinds of maps there are to productions."""

from __future__ import annotations

from functools import cache

from ebpf.maps import MapSpec, MapType
from ebpf.program import NO_FLAGS, LoadFlag, Program
from ebpf.program_rules import map_refusal
from ebpf.program_types import ProgramType
from generators.builder import Builder

READ_ONLY, WRITE_ONLY = 1 << 7, 1 << 8
"""BPF_F_RDONLY_PROG, BPF_F_WRONLY_PROG (include/uapi/linux/bpf.h)."""
_PLAIN = frozenset({
    MapType.ARRAY, MapType.HASH, MapType.LRU_HASH, MapType.PERCPU_ARRAY, MapType.PERCPU_HASH,
    MapType.LRU_PERCPU_HASH, MapType.QUEUE, MapType.STACK,
})  # fmt: skip


def is_plain(spec: MapSpec) -> bool:
    """Whether its values are memory that any program may read and write as it likes."""
    return spec.type in _PLAIN and not spec.flags & (READ_ONLY | WRITE_ONLY) and not spec.fields


def takes(b: Builder, spec: MapSpec) -> bool:
    """Whether the program may use such a map."""
    return _takes(b.type, b.sleepable, spec, b.profile.release)


@cache
def _takes(program_type: ProgramType, sleepable: bool, spec: MapSpec, release: str) -> bool:
    flags = LoadFlag.SLEEPABLE if sleepable else NO_FLAGS
    return map_refusal(Program(program_type, (), flags=flags), spec, release) is None
