"""Helper prototypes, map compatibility and availability: by example from the kernel, and what must hold of
every row."""

from __future__ import annotations

import pytest

from ebpf.helper_names import HELPER_NAMES, HELPER_NUMBERS
from ebpf.helpers import PROTOTYPES, ArgKind, Prototype, ResultKind, prototype_for
from ebpf.helpers.availability import gpl_refusal, refusal, sleep_refusal
from ebpf.helpers.by_type import BY_TYPE
from ebpf.helpers.ownership import VIEWS, Found, found_by_lookup
from ebpf.helpers.result_ranges import U32_RESULTS, given_range, result_range, size_argument
from ebpf.helpers.script import consumes
from ebpf.helpers.variants import VARIANTS
from ebpf.maps import MapSpec, MapType
from ebpf.program import LoadFlag
from ebpf.program_types import AttachType, ProgramType
from ebpf.releases import at_least, release_key

N, T = HELPER_NUMBERS, ProgramType
SIZES = {ArgKind.SIZE, ArgKind.SIZE_OR_ZERO}
SIZED = {ArgKind.MEM, ArgKind.MEM_OR_NULL, ArgKind.MEM_RDONLY, ArgKind.MEM_OR_NULL_RDONLY, ArgKind.MEM_UNINIT}
EVERY = [*PROTOTYPES.values(), *VARIANTS.values()]


def test_every_helper_has_a_prototype() -> None:
    assert set(PROTOTYPES) == set(range(1, len(HELPER_NAMES)))


@pytest.mark.parametrize("helper", EVERY, ids=lambda helper: helper.name)
def test_a_prototype_is_consistent(helper: Prototype) -> None:
    assert HELPER_NAMES[helper.number] == helper.name
    kinds = [arg.kind for arg in helper.args]
    assert len(kinds) <= 5
    for at, kind in enumerate(kinds):
        # check_mem_size_reg: a size belongs to the memory before it, and such memory has a size behind it.
        assert (kind in SIZES) == (at > 0 and kinds[at - 1] in SIZED)
        if kind in SIZED:
            assert kinds[at + 1] in SIZES
        if kind.name.startswith("FIXED") or "DYNPTR" in kind.name:
            assert helper.args[at].size
    assert (helper.maps is not None) == (ArgKind.CONST_MAP in kinds)
    assert kinds.count(ArgKind.CONST_MAP) <= 1
    if helper.releases is not None:
        assert kinds[helper.releases - 1] not in (ArgKind.ANYTHING, ArgKind.CTX)
    if helper.acquires:
        assert helper.result.nullable
    assert len(release_key(helper.since)) == 2


def test_prototypes_by_example() -> None:
    """kernel/bpf/helpers.c, ringbuf.c; net/core/filter.c (Linux 6.1)."""
    reserve = PROTOTYPES[N["ringbuf_reserve"]]
    assert (reserve.result, reserve.acquires) == (ResultKind.ALLOC_MEM_OR_NULL, True)
    assert PROTOTYPES[N["ringbuf_submit"]].releases == PROTOTYPES[N["sk_release"]].releases == 1
    assert PROTOTYPES[N["kptr_xchg"]].releases == 2
    strtol = PROTOTYPES[N["strtol"]].args[3]
    assert (strtol.kind, strtol.size, strtol.aligned) == (ArgKind.FIXED_MEM_UNINIT, 8, True)
    assert {p.name for p in PROTOTYPES.values() if p.sleepable} == {
        "copy_from_user",
        "copy_from_user_task",
        "ima_inode_hash",
        "ima_file_hash",
    }
    assert PROTOTYPES[N["trace_printk"]].gpl_only
    assert len(PROTOTYPES[N["get_branch_snapshot"]].args) == 2
    assert not PROTOTYPES[N["ktime_get_ns"]].gpl_only


def test_helpers_that_change_the_packet() -> None:
    """net/core/filter.c: bpf_helper_changes_pkt_data."""
    assert {p.name for p in PROTOTYPES.values() if p.changes_packet} == {
        "skb_vlan_push",
        "skb_vlan_pop",
        "skb_store_bytes",
        "skb_change_proto",
        "skb_change_head",
        "skb_change_tail",
        "skb_adjust_room",
        "skb_pull_data",
        "clone_redirect",
        "l3_csum_replace",
        "l4_csum_replace",
        "xdp_adjust_head",
        "xdp_adjust_meta",
        "xdp_adjust_tail",
        "msg_pull_data",
        "msg_push_data",
        "msg_pop_data",
        "lwt_seg6_store_bytes",
        "lwt_seg6_adjust_srh",
        "lwt_seg6_action",
        "lwt_push_encap",
        "store_hdr_opt",
    }


def maps(name: str) -> frozenset[MapType]:
    found = PROTOTYPES[N[name]].maps
    assert found is not None
    return found


def test_map_compatibility() -> None:
    """kernel/bpf/verifier.c: check_map_func_compatibility."""
    assert maps("tail_call") == {MapType.PROG_ARRAY}
    assert maps("ringbuf_reserve") == {MapType.RINGBUF}
    assert MapType.PROG_ARRAY not in maps("map_lookup_elem")
    assert MapType.ARRAY_OF_MAPS in maps("map_lookup_elem")
    assert MapType.ARRAY_OF_MAPS not in maps("map_update_elem")
    assert MapType.XSKMAP in maps("map_lookup_elem")
    assert MapType.CGROUP_STORAGE not in maps("map_lookup_elem")
    assert {MapType.SOCKMAP, MapType.HASH} <= maps("map_update_elem")
    assert maps("map_peek_elem") == {MapType.QUEUE, MapType.STACK, MapType.BLOOM_FILTER}


def test_variants() -> None:
    """net/core/filter.c: bpf_get_cgroup_classid_curr_proto, bpf_sk_lookup_assign_proto."""
    classid = prototype_for(N["get_cgroup_classid"], T.CGROUP_SOCK)
    assert classid is not None
    assert classid.args == ()
    assert PROTOTYPES[N["get_cgroup_classid"]].args != ()
    assert prototype_for(999, T.XDP) is None


def allowed(
    kind: ProgramType,
    name: str,
    release: str = "6.12",
    capabilities: tuple[str, ...] | None = None,
    attach: AttachType | None = None,
) -> bool:
    return refusal(kind, attach, N[name], release, capabilities) is None


def test_capabilities_of_the_common_helpers() -> None:
    """kernel/bpf/helpers.c: bpf_base_func_proto."""
    for name, needed in (
        ("map_lookup_elem", ()),
        ("spin_lock", ("CAP_BPF",)),
        ("trace_printk", ("CAP_BPF", "CAP_PERFMON")),
    ):
        assert allowed(T.SOCKET_FILTER, name, capabilities=needed)
        assert allowed(T.SOCKET_FILTER, name, capabilities=("CAP_SYS_ADMIN",))
        assert all(not allowed(T.SOCKET_FILTER, name, capabilities=needed[:n]) for n in range(len(needed)))
    assert not allowed(T.SOCKET_FILTER, "skc_to_tcp_sock", capabilities=("CAP_BPF",))


def test_helpers_by_type() -> None:
    """The get_func_proto of each type."""
    assert allowed(T.XDP, "redirect_map")
    assert not allowed(T.SCHED_CLS, "redirect_map")
    assert not allowed(T.SOCKET_FILTER, "skb_store_bytes")
    assert not allowed(T.TRACEPOINT, "ktime_get_coarse_ns")
    assert allowed(T.SOCKET_FILTER, "ktime_get_coarse_ns", capabilities=())
    assert not allowed(T.LWT_IN, "skb_store_bytes")
    assert allowed(T.LWT_XMIT, "skb_store_bytes")
    assert allowed(T.KPROBE, "probe_read")
    assert not allowed(T.SCHED_CLS, "probe_read")
    assert not allowed(T.KPROBE, "probe_write_user", capabilities=("CAP_BPF", "CAP_PERFMON"))
    assert not allowed(T.LIRC_MODE2, "get_smp_processor_id")


def test_helpers_by_attach_type_and_release() -> None:
    """net/core/filter.c: sock_addr_func_proto; kernel/bpf/cgroup.c: cgroup_common_func_proto."""
    assert allowed(T.CGROUP_SOCK_ADDR, "bind", attach=AttachType.CGROUP_INET4_CONNECT)
    assert not allowed(T.CGROUP_SOCK_ADDR, "bind", attach=AttachType.CGROUP_INET4_BIND)
    assert not allowed(T.CGROUP_SKB, "set_retval")
    assert allowed(T.CGROUP_DEVICE, "set_retval", attach=AttachType.CGROUP_DEVICE)
    assert not allowed(T.SOCKET_FILTER, "get_current_pid_tgid", "6.1")
    assert allowed(T.SOCKET_FILTER, "get_current_pid_tgid", "6.12")
    assert not allowed(T.TRACING, "seq_printf", attach=AttachType.TRACE_FENTRY)


def test_every_helper_is_somebodys() -> None:
    kinds = [kind for kind in T if kind is not T.UNSPEC]
    attached = [None, *AttachType]
    for number, name in enumerate(HELPER_NAMES):
        if number:
            assert any(
                refusal(kind, attach, number, "7.3", None) is None for kind in kinds for attach in attached
            ), name
    assert set(BY_TYPE) <= set(T)


def test_unknown_numbers_and_licences() -> None:
    for number in (0, -1, 212, 1 << 31):
        assert refusal(T.XDP, None, number, "7.3", None) is not None
    assert gpl_refusal(PROTOTYPES[N["trace_printk"]], "Proprietary") is not None
    assert gpl_refusal(PROTOTYPES[N["trace_printk"]], "Dual BSD/GPL") is None


def test_what_a_script_decides() -> None:
    array, trie = MapSpec(MapType.ARRAY, 4, 8, 2), MapSpec(MapType.LPM_TRIE, 8, 8, 2)
    huge = MapSpec(MapType.ARRAY, 4, 1 << 20, 1 << 20)
    lookup = PROTOTYPES[N["map_lookup_elem"]]
    assert [consumes(lookup, spec) for spec in (array, trie, huge)] == [False, True, True]
    for name in ("get_prandom_u32", "sk_lookup_tcp", "ringbuf_reserve", "sk_release"):
        assert consumes(PROTOTYPES[N[name]])
    for name in ("ringbuf_submit", "tail_call", "loop", "skb_load_bytes", "get_local_storage", "spin_lock"):
        assert not consumes(PROTOTYPES[N[name]])


def test_results_that_are_known_to_be_small() -> None:
    """kernel/bpf/verifier.c: do_refine_retval_range."""
    get_stack = PROTOTYPES[N["get_stack"]]
    assert size_argument(get_stack) == 3
    assert result_range(get_stack, 64) == (-4095, 64)
    assert result_range(PROTOTYPES[N["get_smp_processor_id"]], 0) == (0, 0)
    assert result_range(PROTOTYPES[N["get_prandom_u32"]], 0) is None


def test_what_helpers_give_is_no_wider_than_their_type() -> None:
    assert given_range(PROTOTYPES[N["get_prandom_u32"]], 0) == (0, 0xFFFF_FFFF)
    assert given_range(PROTOTYPES[N["get_retval"]], 0) == (-4095, 0)
    assert given_range(PROTOTYPES[N["get_stack"]], 64) == (-4095, 64)
    assert given_range(PROTOTYPES[N["ktime_get_ns"]], 0) is None
    assert {prototype.name for prototype in PROTOTYPES.values()} >= U32_RESULTS


def test_ownership() -> None:
    """kernel/bpf/verifier.c: is_acquire_function, is_ptr_cast_function."""
    assert found_by_lookup(MapType.SOCKHASH) is Found.SOCKET
    assert found_by_lookup(MapType.HASH) is Found.VALUE
    assert found_by_lookup(MapType.HASH_OF_MAPS) is Found.MAP
    assert {name for name in VIEWS if PROTOTYPES[N[name]].acquires} == set()


def test_helpers_that_sleep() -> None:
    copy = PROTOTYPES[N["copy_from_user"]]
    assert sleep_refusal(copy, LoadFlag(0)) is not None
    assert sleep_refusal(copy, LoadFlag.SLEEPABLE) is None
    assert sleep_refusal(PROTOTYPES[N["get_prandom_u32"]], LoadFlag(0)) is None


def test_releases() -> None:
    assert at_least("6.12.107-1", "6.12")
    assert at_least("6.12", "6.2")
    assert not at_least("6.1", "6.2")
    assert not at_least("5.10.0", "6.1")
