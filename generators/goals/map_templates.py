"""Maps of every type that helpers can do something with, as goals add them to a program."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache

from ebpf.maps import MapField, MapFieldKind, MapSpec, MapType
from ebpf.program import NO_FLAGS, LoadFlag, Program
from ebpf.program_rules import map_refusal
from ebpf.program_types import ProgramType
from generators.builder import Builder
from generators.maps import READ_ONLY, WRITE_ONLY

M = MapType
NO_PREALLOCATION = 1 << 0
"""BPF_F_NO_PREALLOC (include/uapi/linux/bpf.h)."""
_WRITERS = frozenset({"map_update_elem", "map_delete_elem", "map_push_elem", "map_pop_elem"})
_INNER = MapSpec(M.ARRAY, 4, 16, 2)


@dataclass(frozen=True, slots=True)
class MapTemplate:
    """A map to add."""

    spec: MapSpec
    since: str = "4.20"
    without: frozenset[str] = frozenset()
    """Helpers that take maps of this type but not this one, or need more of it than its type."""


TEMPLATES: tuple[MapTemplate, ...] = (
    MapTemplate(MapSpec(M.PERCPU_ARRAY, 4, 16, 4)),
    MapTemplate(MapSpec(M.PERCPU_HASH, 4, 16, 4)),
    MapTemplate(MapSpec(M.LRU_HASH, 4, 16, 8)),
    MapTemplate(MapSpec(M.LRU_PERCPU_HASH, 4, 16, 8)),
    MapTemplate(MapSpec(M.LPM_TRIE, 8, 16, 8, NO_PREALLOCATION)),
    MapTemplate(MapSpec(M.HASH, 8, 24, 4, NO_PREALLOCATION)),
    MapTemplate(MapSpec(M.ARRAY, 4, 24, 1, READ_ONLY), "5.2", _WRITERS),
    MapTemplate(MapSpec(M.ARRAY, 4, 24, 3, WRITE_ONLY), "5.2"),
    MapTemplate(MapSpec(M.QUEUE, 0, 16, 4)),
    MapTemplate(MapSpec(M.STACK, 0, 16, 4)),
    MapTemplate(MapSpec(M.BLOOM_FILTER, 0, 8, 16), "5.16"),
    MapTemplate(MapSpec(M.RINGBUF, 0, 0, 4096), "5.8"),
    MapTemplate(MapSpec(M.ARRAY_OF_MAPS, 4, 4, 2, inner=_INNER)),
    MapTemplate(MapSpec(M.HASH_OF_MAPS, 4, 4, 2, inner=_INNER)),
    MapTemplate(MapSpec(M.DEVMAP, 4, 4, 4), without=frozenset({"map_lookup_elem"})),
    MapTemplate(MapSpec(M.DEVMAP_HASH, 4, 4, 4), "5.4", without=frozenset({"map_lookup_elem"})),
    MapTemplate(MapSpec(M.CPUMAP, 4, 4, 4)),
    MapTemplate(MapSpec(M.XSKMAP, 4, 4, 4), "5.3", without=frozenset({"map_lookup_elem"})),
    MapTemplate(MapSpec(M.REUSEPORT_SOCKARRAY, 4, 8, 4)),
    MapTemplate(MapSpec(M.CGROUP_STORAGE, 8, 16, 0)),
    MapTemplate(MapSpec(M.PERCPU_CGROUP_STORAGE, 8, 16, 0)),
    MapTemplate(MapSpec(M.STACK_TRACE, 4, 80, 4)),
    MapTemplate(MapSpec(M.PROG_ARRAY, 4, 4, 4)),
    MapTemplate(MapSpec(M.SOCKMAP, 4, 4, 4), without=_WRITERS | {"map_lookup_elem"}),
    MapTemplate(MapSpec(M.SOCKHASH, 4, 4, 4), without=_WRITERS | {"map_lookup_elem"}),
    MapTemplate(MapSpec(M.SK_STORAGE, 4, 16, 0, NO_PREALLOCATION), "5.2"),
    MapTemplate(MapSpec(M.INODE_STORAGE, 4, 16, 0, NO_PREALLOCATION), "5.10"),
    MapTemplate(MapSpec(M.TASK_STORAGE, 4, 16, 0, NO_PREALLOCATION), "5.11"),
    MapTemplate(MapSpec(M.CGRP_STORAGE, 4, 16, 0, NO_PREALLOCATION), "6.2"),
    MapTemplate(MapSpec(M.USER_RINGBUF, 0, 0, 4096), "6.1"),
    MapTemplate(MapSpec(M.CGROUP_ARRAY, 4, 4, 2)),
    MapTemplate(MapSpec(M.PERF_EVENT_ARRAY, 4, 4, 2)),
)
LOCKED = tuple(
    replace(spec, fields=(MapField(0, MapFieldKind.SPIN_LOCK),))
    for spec in (MapSpec(M.ARRAY, 4, 24, 2), MapSpec(M.HASH, 4, 24, 4))
)
"""Values that begin with a spin lock."""
FOUND_SOCKETS = frozenset({M.XSKMAP, M.SOCKMAP, M.SOCKHASH})
"""Maps in which lookups find sockets."""
DEFERRED_AT = 8
"""Where in such a value the timer or work queue is."""


@cache
def deferring(kind: MapFieldKind) -> tuple[MapSpec, ...]:
    """Maps whose values have a timer or a work queue, among plain bytes."""
    fields = (MapField(DEFERRED_AT, kind),)
    return tuple(
        replace(spec, fields=fields)
        for spec in (MapSpec(M.ARRAY, 4, 32, 2), MapSpec(M.HASH, 4, 32, 4), MapSpec(M.LRU_HASH, 4, 32, 4))
    )


KERNEL_POINTER_AT = 8
"""Where in such a value the kernel pointer is."""


@cache
def holding(struct: str, kind: MapFieldKind) -> tuple[MapSpec, ...]:
    """Maps whose values hold a pointer to that structure, among plain bytes."""
    fields = (MapField(KERNEL_POINTER_AT, kind, struct),)
    return tuple(
        replace(spec, fields=fields)
        for spec in (MapSpec(M.ARRAY, 4, 24, 2), MapSpec(M.HASH, 4, 24, 4), MapSpec(M.PERCPU_ARRAY, 4, 24, 2))
    )


_PREFIX = "g"
"""Of the names of maps that goals want."""


@cache
def templates_for(
    helper: str,
    takes: frozenset[MapType],
    program_type: ProgramType,
    release: tuple[int, int],
    sleepable: bool = False,
    *,
    sockets: bool = False,
) -> tuple[MapSpec, ...]:
    """Maps that such a program may give to the helper; ``sockets``: whether a lookup may find a socket."""
    flags = LoadFlag.SLEEPABLE if sleepable else NO_FLAGS
    program, version = Program(program_type, (), flags=flags), ".".join(map(str, release))
    return tuple(
        template.spec
        for template in TEMPLATES
        if template.spec.type in takes
        and (helper not in template.without or (sockets and template.spec.type in FOUND_SOCKETS))
        and tuple(map(int, template.since.split("."))) <= release
        and map_refusal(program, template.spec, version) is None
    )


def add_map(b: Builder, spec: MapSpec) -> int:
    """The index of such a map, which the program has from now on, under a name that no other has."""
    for index, known in enumerate(b.maps):
        if known.name.startswith(_PREFIX) and replace(known, name=spec.name) == spec:
            return index
    kind = spec.type.name.lower().replace("_", "")[:8]
    b.maps.append(replace(spec, name=f"{_PREFIX}{kind}{len(b.maps)}"))
    return len(b.maps) - 1
