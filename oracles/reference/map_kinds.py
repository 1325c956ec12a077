"""Map types by how their elements come to be, and the flags that say who may use them."""

from __future__ import annotations

from ebpf.maps import MapType

ARRAYS = frozenset({MapType.ARRAY, MapType.PERCPU_ARRAY})
HASHES = frozenset({MapType.HASH, MapType.PERCPU_HASH, MapType.LRU_HASH, MapType.LRU_PERCPU_HASH})
READ_ONLY_PROGRAM, WRITE_ONLY_PROGRAM = 1 << 7, 1 << 8
"""BPF_F_RDONLY_PROG and BPF_F_WRONLY_PROG, include/uapi/linux/bpf.h."""
