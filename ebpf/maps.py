"""Maps as a program sees them: a type, two sizes, a count, and the contents a case starts from.

Numbers are ``enum bpf_map_type`` of include/uapi/linux/bpf.h (Linux 6.12).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, IntEnum


class MapType(IntEnum):
    """``enum bpf_map_type``; a case file names the members in lower case."""

    HASH = 1
    ARRAY = 2
    PROG_ARRAY = 3
    PERF_EVENT_ARRAY = 4
    PERCPU_HASH = 5
    PERCPU_ARRAY = 6
    STACK_TRACE = 7
    CGROUP_ARRAY = 8
    LRU_HASH = 9
    LRU_PERCPU_HASH = 10
    LPM_TRIE = 11
    ARRAY_OF_MAPS = 12
    HASH_OF_MAPS = 13
    DEVMAP = 14
    SOCKMAP = 15
    CPUMAP = 16
    XSKMAP = 17
    SOCKHASH = 18
    CGROUP_STORAGE = 19
    REUSEPORT_SOCKARRAY = 20
    PERCPU_CGROUP_STORAGE = 21
    QUEUE = 22
    STACK = 23
    SK_STORAGE = 24
    DEVMAP_HASH = 25
    STRUCT_OPS = 26
    RINGBUF = 27
    INODE_STORAGE = 28
    TASK_STORAGE = 29
    BLOOM_FILTER = 30
    USER_RINGBUF = 31
    CGRP_STORAGE = 32
    ARENA = 33
    INSN_ARRAY = 34


class MapFieldKind(Enum):
    """A kind of special field in a map's value, which only its own helpers may touch (``enum
    btf_field_type``, Linux 6.12)."""

    SPIN_LOCK = "spin_lock"
    TIMER = "timer"
    KPTR = "kptr"
    KPTR_UNTRUSTED = "kptr_untrusted"
    DYNPTR = "dynptr"
    WORKQUEUE = "wq"
    LIST_HEAD = "list_head"
    RB_ROOT = "rb_root"
    LIST_NODE = "list_node"
    RB_NODE = "rb_node"
    REFCOUNT = "refcount"

    @property
    def size(self) -> int:
        """In bytes."""
        return _SIZES.get(self, 16)


_SIZES = {
    MapFieldKind.SPIN_LOCK: 4, MapFieldKind.KPTR: 8, MapFieldKind.KPTR_UNTRUSTED: 8,
    MapFieldKind.LIST_NODE: 24, MapFieldKind.RB_NODE: 32, MapFieldKind.REFCOUNT: 4,
}  # fmt: skip
"""Of those that have not two words; of nodes since Linux 6.5."""


KERNEL_POINTERS = frozenset({MapFieldKind.KPTR, MapFieldKind.KPTR_UNTRUSTED})
"""Fields that hold a pointer to a structure of the kernel's, or null: they are also loaded, as a whole."""
CONTAINERS = frozenset({MapFieldKind.LIST_HEAD, MapFieldKind.RB_ROOT})
"""Fields that objects of the program's own are put into."""


@dataclass(frozen=True, slots=True)
class MapField:
    """A special field at ``offset`` of a value, or of an object of the program's.  ``to`` names the
    struct that a kptr points to, or, as "struct:member", what a list or tree holds and what links it."""

    offset: int
    kind: MapFieldKind
    to: str = ""


@dataclass(frozen=True, slots=True)
class MapSpec:
    """A map to create and, before each run, to fill.

    Sizes are in bytes; ``contents`` holds (key, value) pairs of exactly ``key_size`` and ``value_size``
    bytes, and of a program array what the program there returns.  ``flags`` are BPF_F_* of map creation.
    ``btf_key`` and ``btf_value`` are type ids in the program's BTF (0: none). ``inner`` is the template of a
    map-in-map.  ``fields`` are the special fields that the value's BTF type declares, by offset.
    """

    type: MapType
    key_size: int
    value_size: int
    max_entries: int
    flags: int = 0
    name: str = ""
    btf_key: int = 0
    btf_value: int = 0
    inner: MapSpec | None = None
    contents: tuple[tuple[bytes, bytes], ...] = ()
    fields: tuple[MapField, ...] = ()
    extra: int = 0
    """``map_extra``: where an arena lies in user space (0: anywhere), a Bloom filter's hashes."""
