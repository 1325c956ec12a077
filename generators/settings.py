"""Settings: the program types that are generated, what each is loaded for, and where it gets its input
from."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from ebpf.program import NO_FLAGS, LoadFlag
from ebpf.program_types import AttachType, ProgramType

T, A = ProgramType, AttachType


class PacketEntry(Enum):
    """How the first instructions get at bytes that nobody knows."""

    COPIED = "packet bytes that bpf_skb_load_bytes copied"
    DIRECT = "packet pointers"
    LOOKED_UP = "the value of a map"


@dataclass(frozen=True, slots=True)
class Setting:
    """``weight`` is relative; ``attached``: attach types to choose from; ``helpers_in``: one program in so
    many calls any helpers, of whose results little is known.  ``since``: the first kernel that has the type.
    """

    type: ProgramType
    entries: tuple[PacketEntry, ...]
    weight: int = 1
    helpers_in: int = 2
    attached: tuple[AttachType | None, ...] = (None,)
    flags: LoadFlag = NO_FLAGS
    since: str = "4.20"
    attach_to: str | None = None
    """What of the kernel's it is loaded for, as :class:`ebpf.program.Program` names it."""


_SKB = (PacketEntry.COPIED, PacketEntry.DIRECT)
_MAP = (PacketEntry.LOOKED_UP,)
SETTINGS: tuple[Setting, ...] = (
    Setting(T.SOCKET_FILTER, (PacketEntry.COPIED,), 18, 5),
    Setting(T.XDP, (PacketEntry.DIRECT,), 18, 5),
    Setting(T.SCHED_CLS, _SKB, 9, 3),
    Setting(T.CGROUP_SKB, (PacketEntry.COPIED,), 4, attached=(A.CGROUP_INET_INGRESS, A.CGROUP_INET_EGRESS)),
    Setting(T.SCHED_ACT, _SKB),
    Setting(T.LWT_IN, _SKB),
    Setting(T.LWT_XMIT, _SKB),
    Setting(T.SK_SKB, _SKB),
    Setting(T.KPROBE, _MAP),
    Setting(T.TRACEPOINT, _MAP),
    Setting(T.PERF_EVENT, _MAP),
    Setting(T.RAW_TRACEPOINT, _MAP, 3),
    Setting(T.SYSCALL, _MAP, 3, flags=LoadFlag.SLEEPABLE, since="5.14"),
    Setting(
        T.CGROUP_SOCK_ADDR,
        _MAP,
        attached=(A.CGROUP_INET4_BIND, A.CGROUP_INET4_CONNECT, A.CGROUP_UDP6_SENDMSG, A.CGROUP_UDP4_RECVMSG),
    ),
    Setting(T.CGROUP_SOCK, _MAP, attached=(A.CGROUP_INET_SOCK_CREATE, A.CGROUP_INET4_POST_BIND)),
    Setting(T.CGROUP_DEVICE, _MAP, attached=(A.CGROUP_DEVICE,)),
    Setting(T.CGROUP_SYSCTL, _MAP, attached=(A.CGROUP_SYSCTL,)),
    Setting(T.CGROUP_SOCKOPT, _MAP, attached=(A.CGROUP_GETSOCKOPT, A.CGROUP_SETSOCKOPT)),
    Setting(T.SOCK_OPS, _MAP, attached=(A.CGROUP_SOCK_OPS,)),
    Setting(T.SK_LOOKUP, _MAP, attached=(A.SK_LOOKUP,)),
    Setting(T.SK_REUSEPORT, _MAP, attached=(A.SK_REUSEPORT_SELECT,)),
    Setting(T.SK_MSG, _MAP),
    Setting(T.FLOW_DISSECTOR, _MAP),
    Setting(T.LWT_OUT, _SKB),
    Setting(T.LWT_SEG6LOCAL, _SKB),
    Setting(T.RAW_TRACEPOINT_WRITABLE, _MAP, since="5.2"),
    Setting(
        T.TRACING, _MAP, attached=(A.TRACE_FENTRY, A.TRACE_FEXIT), attach_to="bpf_fentry_test1", since="5.5"
    ),
    *(
        Setting(T.TRACING, _MAP, attached=(A.TRACE_FENTRY,), attach_to=name, since="6.1")
        for name in ("ip_rcv", "xdp_do_redirect", "filp_close")
    ),
    Setting(T.TRACING, _MAP, attached=(A.TRACE_ITER,), attach_to="task", since="6.1"),
    Setting(T.LSM, _MAP, attached=(A.LSM_MAC,), attach_to="file_open", since="5.7"),
    *(
        Setting(T.LSM, _MAP, attached=(A.LSM_MAC,), flags=LoadFlag.SLEEPABLE, attach_to=name, since="6.1")
        for name in ("file_open", "bprm_creds_for_exec", "inode_unlink")
    ),
    Setting(T.LSM, _MAP, attached=(A.LSM_MAC,), attach_to="socket_sock_rcv_skb", since="6.1"),
    Setting(T.KPROBE, _MAP, flags=LoadFlag.SLEEPABLE, since="6.1"),
    Setting(
        T.TRACING,
        _MAP,
        attached=(A.TRACE_FENTRY, A.TRACE_FEXIT),
        flags=LoadFlag.SLEEPABLE,
        attach_to="bpf_fentry_test1",
        since="6.12",
    ),
    Setting(T.NETFILTER, _MAP, attached=(A.NETFILTER,), since="6.4"),
    Setting(T.STRUCT_OPS, _MAP, attach_to="tcp_congestion_ops", since="5.6"),
)
"""Every type but those that extend another program or decode infrared light; those that the kernel also runs,
oftener.  bpf_fentry_test1 is there to be traced (net/bpf/test_run.c); of tcp_congestion_ops it is the first
operation, ssthresh."""

UNPRIVILEGED: tuple[Setting, ...] = (
    Setting(T.SOCKET_FILTER, (PacketEntry.COPIED,), 5, 5),
    Setting(T.CGROUP_SKB, (PacketEntry.COPIED,), attached=(A.CGROUP_INET_INGRESS, A.CGROUP_INET_EGRESS)),
)
"""What loads without capabilities (kernel/bpf/syscall.c, bpf_prog_load)."""
