"""Map types by how their elements come to be, and the flags that say who may use them."""

from __future__ import annotations

from ebpf.maps import MapSpec, MapType
from oracles.reference.values import RegionKind, SymbolicRegion

ARRAYS = frozenset({MapType.ARRAY, MapType.PERCPU_ARRAY})
HASHES = frozenset({MapType.HASH, MapType.PERCPU_HASH, MapType.LRU_HASH, MapType.LRU_PERCPU_HASH})
READ_ONLY_PROGRAM, WRITE_ONLY_PROGRAM = 1 << 7, 1 << 8
"""BPF_F_RDONLY_PROG and BPF_F_WRONLY_PROG, include/uapi/linux/bpf.h."""


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
