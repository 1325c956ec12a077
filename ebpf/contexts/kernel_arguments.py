"""Pointers among the arguments of functions that programs are attached to: which structure each points to.

The kernel's BTF says so of every function; here stands what stays the same from 6.1 to 7.3
(net/ipv4/ip_input.c, net/core/filter.c, fs/open.c, include/linux/lsm_hook_defs.h, kernel/bpf/task_iter.c).
"""

from __future__ import annotations

from ebpf.program_types import ProgramType

T = ProgramType
ARGUMENTS: dict[tuple[ProgramType, str], dict[int, str]] = {
    (T.TRACING, "ip_rcv"): {0: "sk_buff"},
    (T.TRACING, "xdp_do_redirect"): {8: "xdp_buff"},
    (T.TRACING, "filp_close"): {0: "file"},
    (T.TRACING, "task"): {0: "bpf_iter_meta"},
    (T.LSM, "file_open"): {0: "file"},
    (T.LSM, "bprm_creds_for_exec"): {0: "linux_binprm"},
    (T.LSM, "inode_unlink"): {0: "inode"},
    (T.LSM, "socket_sock_rcv_skb"): {0: "sock", 8: "sk_buff"},
}
"""By what a program is attached to: structures by offset in the context."""
MEMBERS: dict[tuple[str, int], str] = {("bpf_iter_meta", 0): "seq_file"}
"""By structure and offset in it: the structure that a pointer there points to (include/linux/bpf.h)."""


def argument(program_type: ProgramType, attach_to: str | None, offset: int) -> str:
    """The structure that the context has a pointer to there; empty where it has none."""
    return ARGUMENTS.get((program_type, attach_to or ""), {}).get(offset, "")
