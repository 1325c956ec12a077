"""Which helper may be given which type of map: check_map_func_compatibility of kernel/bpf/verifier.c (Linux
6.12)."""

from __future__ import annotations

from ebpf.maps import MapType

M = MapType
_LOOKUP, _UPDATE, _DELETE = "map_lookup_elem", "map_update_elem", "map_delete_elem"
_EVENTS = frozenset(
    {"perf_event_read", "perf_event_output", "skb_output", "perf_event_read_value", "xdp_output"}
)
_RINGBUF = frozenset({"ringbuf_output", "ringbuf_reserve", "ringbuf_query", "ringbuf_reserve_dynptr",
                      "ringbuf_submit_dynptr",
                      "ringbuf_discard_dynptr"})  # fmt: skip

BY_MAP: dict[MapType, frozenset[str]] = {
    M.PROG_ARRAY: frozenset({"tail_call"}),
    M.PERF_EVENT_ARRAY: _EVENTS,
    M.RINGBUF: _RINGBUF,
    M.USER_RINGBUF: frozenset({"user_ringbuf_drain"}),
    M.STACK_TRACE: frozenset({"get_stackid"}),
    M.CGROUP_ARRAY: frozenset({"skb_under_cgroup", "current_task_under_cgroup"}),
    M.CGROUP_STORAGE: frozenset({"get_local_storage"}),
    M.PERCPU_CGROUP_STORAGE: frozenset({"get_local_storage"}),
    M.DEVMAP: frozenset({"redirect_map", _LOOKUP}),
    M.DEVMAP_HASH: frozenset({"redirect_map", _LOOKUP}),
    M.CPUMAP: frozenset({"redirect_map"}),
    M.XSKMAP: frozenset({"redirect_map", _LOOKUP}),
    M.ARRAY_OF_MAPS: frozenset({_LOOKUP}),
    M.HASH_OF_MAPS: frozenset({_LOOKUP}),
    M.SOCKMAP: frozenset({"sk_redirect_map", "sock_map_update", _DELETE, "msg_redirect_map",
                          "sk_select_reuseport", _LOOKUP,
                          _UPDATE}),
    M.SOCKHASH: frozenset({"sk_redirect_hash", "sock_hash_update", _DELETE, "msg_redirect_hash",
                           "sk_select_reuseport", _LOOKUP,
                           _UPDATE}),
    M.REUSEPORT_SOCKARRAY: frozenset({"sk_select_reuseport"}),
    M.QUEUE: frozenset({"map_peek_elem", "map_pop_elem", "map_push_elem"}),
    M.STACK: frozenset({"map_peek_elem", "map_pop_elem", "map_push_elem"}),
    M.SK_STORAGE: frozenset({"sk_storage_get", "sk_storage_delete", "kptr_xchg"}),
    M.INODE_STORAGE: frozenset({"inode_storage_get", "inode_storage_delete", "kptr_xchg"}),
    M.TASK_STORAGE: frozenset({"task_storage_get", "task_storage_delete", "kptr_xchg"}),
    M.CGRP_STORAGE: frozenset({"cgrp_storage_get", "cgrp_storage_delete", "kptr_xchg"}),
    M.BLOOM_FILTER: frozenset({"map_peek_elem", "map_push_elem"}),
    M.STRUCT_OPS: frozenset(),
    M.ARENA: frozenset(),
    M.INSN_ARRAY: frozenset(),
}  # fmt: skip
"""The helpers that a type of map allows; a type that is not here allows all but those of :data:`BY_HELPER`.

Three rows are stricter than that function because the map's own operations refuse (struct_ops, arena), or the
load does (instruction arrays).  Sockmaps are updated by some program types only:
:func:`ebpf.program_rules.may_update_sockmap`.
"""

_ITERABLE = frozenset({M.ARRAY, M.PERCPU_ARRAY, M.HASH, M.LRU_HASH, M.PERCPU_HASH, M.LRU_PERCPU_HASH})
_QUEUES = frozenset({M.QUEUE, M.STACK})
BY_HELPER: dict[str, frozenset[MapType]] = {
    "tail_call": frozenset({M.PROG_ARRAY}),
    **dict.fromkeys(_EVENTS, frozenset({M.PERF_EVENT_ARRAY})),
    **dict.fromkeys(_RINGBUF, frozenset({M.RINGBUF})),
    "user_ringbuf_drain": frozenset({M.USER_RINGBUF}),
    "get_stackid": frozenset({M.STACK_TRACE}),
    "skb_under_cgroup": frozenset({M.CGROUP_ARRAY}),
    "current_task_under_cgroup": frozenset({M.CGROUP_ARRAY}),
    "redirect_map": frozenset({M.DEVMAP, M.DEVMAP_HASH, M.CPUMAP, M.XSKMAP}),
    "sk_redirect_map": frozenset({M.SOCKMAP}),
    "msg_redirect_map": frozenset({M.SOCKMAP}),
    "sock_map_update": frozenset({M.SOCKMAP}),
    "sk_redirect_hash": frozenset({M.SOCKHASH}),
    "msg_redirect_hash": frozenset({M.SOCKHASH}),
    "sock_hash_update": frozenset({M.SOCKHASH}),
    "get_local_storage": frozenset({M.CGROUP_STORAGE, M.PERCPU_CGROUP_STORAGE}),
    "sk_select_reuseport": frozenset({M.REUSEPORT_SOCKARRAY, M.SOCKMAP, M.SOCKHASH}),
    "map_pop_elem": _QUEUES,
    "map_peek_elem": _QUEUES | {M.BLOOM_FILTER},
    "map_push_elem": _QUEUES | {M.BLOOM_FILTER},
    "map_lookup_percpu_elem": frozenset({M.PERCPU_ARRAY, M.PERCPU_HASH, M.LRU_PERCPU_HASH}),
    "sk_storage_get": frozenset({M.SK_STORAGE}),
    "sk_storage_delete": frozenset({M.SK_STORAGE}),
    "inode_storage_get": frozenset({M.INODE_STORAGE}),
    "inode_storage_delete": frozenset({M.INODE_STORAGE}),
    "task_storage_get": frozenset({M.TASK_STORAGE}),
    "task_storage_delete": frozenset({M.TASK_STORAGE}),
    "cgrp_storage_get": frozenset({M.CGRP_STORAGE}),
    "cgrp_storage_delete": frozenset({M.CGRP_STORAGE}),
    "for_each_map_elem": _ITERABLE,
}
"""The types of map that a helper takes; ``for_each_map_elem`` where the map has an iterator
(set_map_elem_callback_state)."""


def maps_for(name: str) -> frozenset[MapType]:
    """The types that the helper may be given."""
    own = BY_HELPER.get(name)
    return (
        own
        if own is not None
        else frozenset(kind for kind in MapType if kind not in BY_MAP or name in BY_MAP[kind])
    )
