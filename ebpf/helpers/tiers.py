"""The helpers of bpf_base_func_proto (kernel/bpf/helpers.c), by the capability they need, and the groups that
program types share.

A name may carry the first kernel series that has it there: "get_current_pid_tgid>6.10"; without one, 6.1 has
it.
"""

from __future__ import annotations

from ebpf.helper_names import HELPER_NUMBERS

Group = dict[int, str]
"""Helper numbers, each with the series that brought it into the group."""


def group(*texts: str) -> Group:
    """The group that the words of ``texts`` name."""
    found: Group = {}
    for word in " ".join(texts).split():
        name, _, since = word.partition(">")
        found[HELPER_NUMBERS[name]] = since or "6.1"
    return found


ANYONE: Group = group(
    "map_lookup_elem map_update_elem map_delete_elem map_push_elem map_pop_elem map_peek_elem "
    "map_lookup_percpu_elem",
    "get_prandom_u32 get_smp_processor_id get_numa_node_id tail_call ktime_get_ns ktime_get_boot_ns "
    "ktime_get_tai_ns",
    "ringbuf_output ringbuf_reserve ringbuf_submit ringbuf_discard ringbuf_query strncmp strtol strtoul",
    "get_current_pid_tgid>6.10 get_ns_current_pid_tgid>6.10 get_current_uid_gid>6.16",
    "get_cgroup_classid>6.13",
)
WITH_BPF: Group = group(
    "spin_lock spin_unlock jiffies64 per_cpu_ptr this_cpu_ptr timer_init timer_set_callback timer_start "
    "timer_cancel kptr_xchg",
    "for_each_map_elem loop user_ringbuf_drain ringbuf_reserve_dynptr ringbuf_submit_dynptr "
    "ringbuf_discard_dynptr",
    "dynptr_from_mem dynptr_read dynptr_write dynptr_data",
    "cgrp_storage_get>6.2 cgrp_storage_delete>6.2 get_current_cgroup_id>6.4 "
    "get_current_ancestor_cgroup_id>6.4",
    "current_task_under_cgroup>6.16",
)
WITH_PERFMON: Group = group(
    "trace_printk get_current_task get_current_task_btf probe_read_user probe_read_kernel "
    "probe_read_user_str",
    "probe_read_kernel_str snprintf_btf snprintf task_pt_regs trace_vprintk perf_event_read_value>6.15",
    "get_current_comm>6.16 copy_from_user>6.16 copy_from_user_task>6.16 perf_event_read>6.16 "
    "send_signal>6.16",
    "send_signal_thread>6.16 get_task_stack>6.16 task_storage_get>6.16 task_storage_delete>6.16 "
    "get_branch_snapshot>6.16",
    "find_vma>6.16",
)
SOCKET_CASTS: Group = group(
    "skc_to_tcp6_sock skc_to_tcp_sock skc_to_tcp_timewait_sock skc_to_tcp_request_sock skc_to_udp6_sock "
    "skc_to_unix_sock",
    "skc_to_mptcp_sock",
)
"""For all types of net/core/filter.c that have a packet or a socket (bpf_sk_base_func_proto), with
CAP_PERFMON."""
COARSE: Group = group("ktime_get_coarse_ns")

CGROUP: Group = group("get_local_storage get_retval set_retval")
"""cgroup_common_func_proto, kernel/bpf/cgroup.c."""
CURRENT: Group = group(
    "get_current_uid_gid get_current_pid_tgid get_current_comm get_current_cgroup_id "
    "get_current_ancestor_cgroup_id",
    "get_cgroup_classid current_task_under_cgroup>6.11",
)
"""cgroup_current_func_proto, kernel/bpf/cgroup.c."""
LOOKUPS: Group = group("sk_lookup_tcp sk_lookup_udp sk_release skc_lookup_tcp")
STORAGE: Group = group("sk_storage_get sk_storage_delete")
SYNCOOKIES: Group = group(
    "tcp_check_syncookie tcp_gen_syncookie tcp_raw_gen_syncookie_ipv4 tcp_raw_gen_syncookie_ipv6 "
    "tcp_raw_check_syncookie_ipv4",
    "tcp_raw_check_syncookie_ipv6",
)
TRACING: Group = group(
    "map_lookup_elem map_update_elem map_delete_elem map_push_elem map_pop_elem map_peek_elem "
    "map_lookup_percpu_elem",
    "ktime_get_ns ktime_get_boot_ns tail_call get_current_pid_tgid get_current_task get_current_task_btf "
    "task_pt_regs",
    "get_current_uid_gid get_current_comm trace_printk get_smp_processor_id get_numa_node_id perf_event_read",
    "current_task_under_cgroup get_prandom_u32 probe_write_user probe_read_user probe_read_kernel "
    "probe_read_user_str",
    "probe_read_kernel_str probe_read probe_read_str get_current_cgroup_id get_current_ancestor_cgroup_id",
    "cgrp_storage_get>6.2 cgrp_storage_delete>6.2 send_signal send_signal_thread perf_event_read_value "
    "get_ns_current_pid_tgid",
    "ringbuf_output ringbuf_reserve ringbuf_submit ringbuf_discard ringbuf_query jiffies64 get_task_stack "
    "copy_from_user",
    "copy_from_user_task snprintf_btf per_cpu_ptr this_cpu_ptr task_storage_get task_storage_delete "
    "for_each_map_elem snprintf",
    "get_func_ip get_branch_snapshot find_vma trace_vprintk",
)
"""bpf_tracing_func_proto, kernel/trace/bpf_trace.c: whoever may load such a program may call them."""
STACKS: Group = group("perf_event_output get_stackid get_stack")
BTF_TRACING: Group = group(
    "skb_output xdp_output sk_storage_get sk_storage_delete sock_from_file get_socket_cookie "
    "xdp_get_buff_len d_path",
    "get_func_arg get_func_ret get_func_arg_cnt get_attach_cookie seq_printf seq_write seq_printf_btf",
)
"""tracing_prog_func_proto, kernel/trace/bpf_trace.c."""
