"""Probes of program types, map types and load flags: for each the plainest one that a kernel which has it
takes."""

from __future__ import annotations

from conformance.kernel.architecture import Architecture
from ebpf.btf.builder import BtfBuilder
from ebpf.isa import opcodes as o
from ebpf.isa.insn import Insn
from ebpf.maps import MapSpec, MapType
from ebpf.program import LoadFlag, Program
from ebpf.program_types import AttachType, ProgramType

CODE = (Insn(o.MOV | o.K | o.ALU64), Insn(o.EXIT | o.JMP))

ATTACH_TYPES = {
    ProgramType.CGROUP_SOCK: AttachType.CGROUP_INET_SOCK_CREATE,
    ProgramType.CGROUP_SOCK_ADDR: AttachType.CGROUP_INET4_BIND,
    ProgramType.CGROUP_SOCKOPT: AttachType.CGROUP_GETSOCKOPT,
    ProgramType.CGROUP_SKB: AttachType.CGROUP_INET_INGRESS,
    ProgramType.CGROUP_DEVICE: AttachType.CGROUP_DEVICE,
    ProgramType.CGROUP_SYSCTL: AttachType.CGROUP_SYSCTL,
    ProgramType.SOCK_OPS: AttachType.CGROUP_SOCK_OPS,
    ProgramType.SK_LOOKUP: AttachType.SK_LOOKUP,
    ProgramType.SK_REUSEPORT: AttachType.SK_REUSEPORT_SELECT,
    ProgramType.LSM: AttachType.LSM_MAC,
    ProgramType.TRACING: AttachType.TRACE_FENTRY,
    ProgramType.NETFILTER: AttachType.NETFILTER,
}


def _btf_of_an_int() -> bytes:
    types = BtfBuilder()
    types.integer("int", 4, signed=True)
    return types.build()


BTF_OF_AN_INT = _btf_of_an_int()
"""Of one type, id 1 (Documentation/bpf/btf.rst): what local storage wants of keys."""

MAPS = {
    MapType.HASH: (4, 8, 4), MapType.ARRAY: (4, 8, 4), MapType.PROG_ARRAY: (4, 4, 4),
    MapType.PERF_EVENT_ARRAY: (4, 4, 4),
    MapType.PERCPU_HASH: (4, 8, 4), MapType.PERCPU_ARRAY: (4, 8, 4), MapType.STACK_TRACE: (4, 80, 4),
    MapType.CGROUP_ARRAY: (4, 4, 4), MapType.LRU_HASH: (4, 8, 4), MapType.LRU_PERCPU_HASH: (4, 8, 4),
    MapType.LPM_TRIE: (8, 8, 4),
    MapType.ARRAY_OF_MAPS: (4, 4, 4), MapType.HASH_OF_MAPS: (4, 4, 4), MapType.DEVMAP: (4, 4, 4),
    MapType.SOCKMAP: (4, 4, 4),
    MapType.CPUMAP: (4, 4, 1), MapType.XSKMAP: (4, 4, 4), MapType.SOCKHASH: (4, 4, 4),
    MapType.CGROUP_STORAGE: (8, 8, 0),
    MapType.REUSEPORT_SOCKARRAY: (4, 8, 4), MapType.PERCPU_CGROUP_STORAGE: (8, 8, 0),
    MapType.QUEUE: (0, 8, 4),
    MapType.STACK: (0, 8, 4), MapType.SK_STORAGE: (4, 4, 0), MapType.DEVMAP_HASH: (4, 4, 4),
    MapType.RINGBUF: (0, 0, 4096),
    MapType.INODE_STORAGE: (4, 4, 0), MapType.TASK_STORAGE: (4, 4, 0), MapType.BLOOM_FILTER: (0, 8, 4),
    MapType.USER_RINGBUF: (0, 0, 4096), MapType.CGRP_STORAGE: (4, 4, 0), MapType.ARENA: (0, 0, 1),
    MapType.INSN_ARRAY: (4, 16, 1),
}  # fmt: skip
"""Key size, value size, entries.  STRUCT_OPS is missing: its size is a kernel structure's."""
LOCAL_STORAGE = {MapType.SK_STORAGE, MapType.INODE_STORAGE, MapType.TASK_STORAGE, MapType.CGRP_STORAGE}
NO_PREALLOC, MMAPABLE = 1, 1 << 10
FLAGS = dict.fromkeys((MapType.LPM_TRIE, *LOCAL_STORAGE), NO_PREALLOC) | {MapType.ARENA: MMAPABLE}


def program_of(kind: ProgramType) -> Program:
    """return 0, of that type."""
    flags = LoadFlag.SLEEPABLE if kind is ProgramType.SYSCALL else LoadFlag(0)
    return Program(kind, CODE, attach_type=ATTACH_TYPES.get(kind), flags=flags)


def program_with_map(kind: MapType) -> Program:
    """return 0, with such a map beside it."""
    key, value, entries = MAPS[kind]
    ids = (1, 1) if kind in LOCAL_STORAGE else (0, 0)
    inner = MapSpec(MapType.ARRAY, 4, 8, 1) if kind in (MapType.ARRAY_OF_MAPS, MapType.HASH_OF_MAPS) else None
    spec = MapSpec(kind, key, value, entries, FLAGS.get(kind, 0), "", *ids, inner)
    return Program(
        ProgramType.SOCKET_FILTER, CODE, (spec,), btf=BTF_OF_AN_INT if kind in LOCAL_STORAGE else None
    )


def program_with_flag(flag: LoadFlag, architecture: Architecture) -> Program:
    """return 0, loaded with the flag, of a type that may have it."""
    if flag in (LoadFlag.XDP_HAS_FRAGS, LoadFlag.XDP_DEV_BOUND_ONLY):
        return Program(ProgramType.XDP, CODE, flags=flag)
    if flag is LoadFlag.SLEEPABLE:
        return Program(
            ProgramType.TRACING,
            CODE,
            attach_type=AttachType.TRACE_FENTRY,
            flags=flag,
            attach_to=f"{architecture.syscall_prefix}getpgid",
        )
    return Program(ProgramType.SOCKET_FILTER, CODE, flags=flag)
