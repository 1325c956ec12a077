"""Map types by how their elements come to be, and the flags that say who may use them."""

from __future__ import annotations

from ebpf.maps import MapSpec, MapType
from ebpf.program import Program
from oracles.reference.values import RegionKind, SymbolicRegion

ARRAYS = frozenset({MapType.ARRAY, MapType.PERCPU_ARRAY})
HASHES = frozenset({MapType.HASH, MapType.PERCPU_HASH, MapType.LRU_HASH, MapType.LRU_PERCPU_HASH})
READ_ONLY_PROGRAM, WRITE_ONLY_PROGRAM = 1 << 7, 1 << 8
"""BPF_F_RDONLY_PROG and BPF_F_WRONLY_PROG, include/uapi/linux/bpf.h."""


def every_map(program: Program) -> tuple[MapSpec, ...]:
    """The program's maps, then the inner maps that lookups in them give."""
    return (*program.maps, *(spec.inner for spec in program.maps if spec.inner is not None))


def inner_map(program: Program, outer: int) -> int | None:
    """Which of every map is inside map number ``outer``."""
    if program.maps[outer].inner is None:
        return None
    return len(program.maps) + sum(spec.inner is not None for spec in program.maps[:outer])


def value_region(number: int, index: int, spec: MapSpec, key: str = "") -> SymbolicRegion:
    """A value of map number ``index``, as region ``number``."""
    return SymbolicRegion(
        RegionKind.MAP_VALUE,
        number,
        spec.value_size,
        index,
        not spec.flags & WRITE_ONLY_PROGRAM,
        not spec.flags & READ_ONLY_PROGRAM,
        key=key,
    )
