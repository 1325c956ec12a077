"""Scripted helper results: which calls take one from ``Input.helpers``, so that a witness can be replayed.

Results are consumed in the order of calls, one by every call whose R0 the program and its input do not
determine.  An integer result is the scripted number, all 64 bits of it; of a pointer that may be null, 0 is
null and anything else a valid one.  When the script is at its end, results are drawn as if there were none.
"""

from __future__ import annotations

from ebpf.helpers.prototype import Prototype, ResultKind
from ebpf.maps import MapSpec, MapType

ARRAYS = frozenset({MapType.ARRAY, MapType.PERCPU_ARRAY})
HASHES = frozenset({MapType.HASH, MapType.PERCPU_HASH, MapType.LRU_HASH, MapType.LRU_PERCPU_HASH})
QUEUES = frozenset({MapType.QUEUE, MapType.STACK})
LARGEST = 1 << 24
"""Bytes of values of the largest map that is followed."""

_DETERMINED = frozenset({
    "skb_load_bytes", "xdp_load_bytes", "skb_store_bytes", "xdp_store_bytes", "xdp_get_buff_len", "loop",
    "for_each_map_elem", "user_ringbuf_drain",
    "strncmp", "strtol", "strtoul", "get_local_storage",
})  # fmt: skip
"""Helpers whose result follows from packet, memory and arguments alone."""
_MAP_HELPERS = frozenset({
    "map_lookup_elem", "map_update_elem", "map_delete_elem", "map_push_elem", "map_pop_elem", "map_peek_elem",
})  # fmt: skip


def is_followed(spec: MapSpec) -> bool:
    """Whether lookups in such a map follow its contents."""
    small = spec.value_size * spec.max_entries <= LARGEST
    return small and (spec.type in ARRAYS or spec.type in HASHES or spec.type in QUEUES)


def consumes(prototype: Prototype, spec: MapSpec | None = None) -> bool:
    """Whether a call takes a scripted result; ``spec`` is the map it is given, where it takes one."""
    if prototype.result in (ResultKind.VOID, ResultKind.MAP_VALUE) or prototype.name in _DETERMINED:
        return False
    return not (prototype.name in _MAP_HELPERS and spec is not None and is_followed(spec))
