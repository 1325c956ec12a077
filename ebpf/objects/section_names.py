"""Section names: which program type and attach type ``SEC("...")`` stands for, in each generation of loaders.

The tables are ``section_defs`` of libbpf.c (libbpf 1.4, with what 1.5 added; and Linux 5.10.13's
tools/lib/bpf, of which Debian 11's 0.3 was made), and the prefixes that ``load_and_attach`` of Linux 5.10's
samples/bpf/bpf_load.c compares, each in its order.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from ebpf.objects.generation import Generation
from ebpf.program import NO_FLAGS, LoadFlag
from ebpf.program_types import AttachType as A
from ebpf.program_types import ProgramType as P


@dataclass(frozen=True, slots=True)
class SectionName:
    """A row.  In libbpf 1 a ``name`` that ends in "+" matches alone or before a "/", any other matches whole;
    in the older ones every name is a prefix.  ``since``: the libbpf that brought it."""

    name: str
    type: P
    attach_type: A | None = None
    flags: LoadFlag = NO_FLAGS
    since: tuple[int, int] = (1, 0)

    def matches(self, section: str, generation: Generation) -> bool:
        """``sec_def_matches`` of libbpf 1.4; ``find_sec_def`` of 0.3."""
        if not generation.strict_names:
            return section.startswith(self.name)
        if not self.name.endswith("+"):
            return section == self.name
        stem = self.name[:-1]
        return section == stem or section.startswith(stem + "/")


@dataclass(frozen=True, slots=True)
class Resolved:
    """``autoload``: whether ``bpf_object__load`` loads the program without being asked.  ``target``: what
    follows the name."""

    row: SectionName | None
    target: str
    autoload: bool


@lru_cache(maxsize=256)
def resolve(section: str, generation: Generation = Generation.LIBBPF_1) -> Resolved:
    """The row for a section; None when its name says nothing.  A leading "?" keeps a program from loading by
    itself."""
    autoload = not (generation.strict_names and section.startswith("?"))
    name = section if autoload else section[1:]
    row = next((row for row in SECTION_NAMES[generation] if row.matches(name, generation)), None)
    if row is None:
        return Resolved(None, "", autoload)
    return Resolved(row, name[len(row.name.rstrip("+/")) :].removeprefix("/"), autoload)


_LIBBPF_1 = (
    SectionName("socket", P.SOCKET_FILTER),
    SectionName("sk_reuseport/migrate", P.SK_REUSEPORT, A.SK_REUSEPORT_SELECT_OR_MIGRATE),
    SectionName("sk_reuseport", P.SK_REUSEPORT, A.SK_REUSEPORT_SELECT),
    SectionName("kprobe+", P.KPROBE),
    SectionName("uprobe+", P.KPROBE),
    SectionName("uprobe.s+", P.KPROBE, flags=LoadFlag.SLEEPABLE),
    SectionName("kretprobe+", P.KPROBE),
    SectionName("uretprobe+", P.KPROBE),
    SectionName("uretprobe.s+", P.KPROBE, flags=LoadFlag.SLEEPABLE),
    SectionName("kprobe.multi+", P.KPROBE, A.TRACE_KPROBE_MULTI),
    SectionName("kretprobe.multi+", P.KPROBE, A.TRACE_KPROBE_MULTI),
    SectionName("kprobe.session+", P.KPROBE, A.TRACE_KPROBE_SESSION, since=(1, 5)),
    SectionName("uprobe.multi+", P.KPROBE, A.TRACE_UPROBE_MULTI, since=(1, 3)),
    SectionName("uretprobe.multi+", P.KPROBE, A.TRACE_UPROBE_MULTI, since=(1, 3)),
    SectionName("uprobe.multi.s+", P.KPROBE, A.TRACE_UPROBE_MULTI, flags=LoadFlag.SLEEPABLE, since=(1, 3)),
    SectionName("uretprobe.multi.s+", P.KPROBE, A.TRACE_UPROBE_MULTI, flags=LoadFlag.SLEEPABLE, since=(1, 3)),
    SectionName("ksyscall+", P.KPROBE),
    SectionName("kretsyscall+", P.KPROBE),
    SectionName("usdt+", P.KPROBE),
    SectionName("usdt.s+", P.KPROBE, flags=LoadFlag.SLEEPABLE, since=(1, 3)),
    SectionName("tc/ingress", P.SCHED_CLS, A.TCX_INGRESS, since=(1, 3)),
    SectionName("tc/egress", P.SCHED_CLS, A.TCX_EGRESS, since=(1, 3)),
    SectionName("tcx/ingress", P.SCHED_CLS, A.TCX_INGRESS, since=(1, 3)),
    SectionName("tcx/egress", P.SCHED_CLS, A.TCX_EGRESS, since=(1, 3)),
    SectionName("tc", P.SCHED_CLS),
    SectionName("classifier", P.SCHED_CLS),
    SectionName("action", P.SCHED_ACT),
    SectionName("netkit/primary", P.SCHED_CLS, A.NETKIT_PRIMARY, since=(1, 3)),
    SectionName("netkit/peer", P.SCHED_CLS, A.NETKIT_PEER, since=(1, 3)),
    SectionName("tracepoint+", P.TRACEPOINT),
    SectionName("tp+", P.TRACEPOINT),
    SectionName("raw_tracepoint+", P.RAW_TRACEPOINT),
    SectionName("raw_tp+", P.RAW_TRACEPOINT),
    SectionName("raw_tracepoint.w+", P.RAW_TRACEPOINT_WRITABLE),
    SectionName("raw_tp.w+", P.RAW_TRACEPOINT_WRITABLE),
    SectionName("tp_btf+", P.TRACING, A.TRACE_RAW_TP),
    SectionName("fentry+", P.TRACING, A.TRACE_FENTRY),
    SectionName("fmod_ret+", P.TRACING, A.MODIFY_RETURN),
    SectionName("fexit+", P.TRACING, A.TRACE_FEXIT),
    SectionName("fentry.s+", P.TRACING, A.TRACE_FENTRY, flags=LoadFlag.SLEEPABLE),
    SectionName("fmod_ret.s+", P.TRACING, A.MODIFY_RETURN, flags=LoadFlag.SLEEPABLE),
    SectionName("fexit.s+", P.TRACING, A.TRACE_FEXIT, flags=LoadFlag.SLEEPABLE),
    SectionName("freplace+", P.EXT),
    SectionName("lsm+", P.LSM, A.LSM_MAC),
    SectionName("lsm.s+", P.LSM, A.LSM_MAC, flags=LoadFlag.SLEEPABLE),
    SectionName("lsm_cgroup+", P.LSM, A.LSM_CGROUP),
    SectionName("iter+", P.TRACING, A.TRACE_ITER),
    SectionName("iter.s+", P.TRACING, A.TRACE_ITER, flags=LoadFlag.SLEEPABLE),
    SectionName("syscall", P.SYSCALL, flags=LoadFlag.SLEEPABLE),
    SectionName("xdp.frags/devmap", P.XDP, A.XDP_DEVMAP, flags=LoadFlag.XDP_HAS_FRAGS),
    SectionName("xdp/devmap", P.XDP, A.XDP_DEVMAP),
    SectionName("xdp.frags/cpumap", P.XDP, A.XDP_CPUMAP, flags=LoadFlag.XDP_HAS_FRAGS),
    SectionName("xdp/cpumap", P.XDP, A.XDP_CPUMAP),
    SectionName("xdp.frags", P.XDP, A.XDP, flags=LoadFlag.XDP_HAS_FRAGS),
    SectionName("xdp", P.XDP, A.XDP),
    SectionName("perf_event", P.PERF_EVENT),
    SectionName("lwt_in", P.LWT_IN),
    SectionName("lwt_out", P.LWT_OUT),
    SectionName("lwt_xmit", P.LWT_XMIT),
    SectionName("lwt_seg6local", P.LWT_SEG6LOCAL),
    SectionName("sockops", P.SOCK_OPS, A.CGROUP_SOCK_OPS),
    SectionName("sk_skb/stream_parser", P.SK_SKB, A.SK_SKB_STREAM_PARSER),
    SectionName("sk_skb/stream_verdict", P.SK_SKB, A.SK_SKB_STREAM_VERDICT),
    SectionName("sk_skb/verdict", P.SK_SKB, A.SK_SKB_VERDICT, since=(1, 5)),
    SectionName("sk_skb", P.SK_SKB),
    SectionName("sk_msg", P.SK_MSG, A.SK_MSG_VERDICT),
    SectionName("lirc_mode2", P.LIRC_MODE2, A.LIRC_MODE2),
    SectionName("flow_dissector", P.FLOW_DISSECTOR, A.FLOW_DISSECTOR),
    SectionName("cgroup_skb/ingress", P.CGROUP_SKB, A.CGROUP_INET_INGRESS),
    SectionName("cgroup_skb/egress", P.CGROUP_SKB, A.CGROUP_INET_EGRESS),
    SectionName("cgroup/skb", P.CGROUP_SKB),
    SectionName("cgroup/sock_create", P.CGROUP_SOCK, A.CGROUP_INET_SOCK_CREATE),
    SectionName("cgroup/sock_release", P.CGROUP_SOCK, A.CGROUP_INET_SOCK_RELEASE),
    SectionName("cgroup/sock", P.CGROUP_SOCK, A.CGROUP_INET_SOCK_CREATE),
    SectionName("cgroup/post_bind4", P.CGROUP_SOCK, A.CGROUP_INET4_POST_BIND),
    SectionName("cgroup/post_bind6", P.CGROUP_SOCK, A.CGROUP_INET6_POST_BIND),
    SectionName("cgroup/bind4", P.CGROUP_SOCK_ADDR, A.CGROUP_INET4_BIND),
    SectionName("cgroup/bind6", P.CGROUP_SOCK_ADDR, A.CGROUP_INET6_BIND),
    SectionName("cgroup/connect4", P.CGROUP_SOCK_ADDR, A.CGROUP_INET4_CONNECT),
    SectionName("cgroup/connect6", P.CGROUP_SOCK_ADDR, A.CGROUP_INET6_CONNECT),
    SectionName("cgroup/connect_unix", P.CGROUP_SOCK_ADDR, A.CGROUP_UNIX_CONNECT, since=(1, 3)),
    SectionName("cgroup/sendmsg4", P.CGROUP_SOCK_ADDR, A.CGROUP_UDP4_SENDMSG),
    SectionName("cgroup/sendmsg6", P.CGROUP_SOCK_ADDR, A.CGROUP_UDP6_SENDMSG),
    SectionName("cgroup/sendmsg_unix", P.CGROUP_SOCK_ADDR, A.CGROUP_UNIX_SENDMSG, since=(1, 3)),
    SectionName("cgroup/recvmsg4", P.CGROUP_SOCK_ADDR, A.CGROUP_UDP4_RECVMSG),
    SectionName("cgroup/recvmsg6", P.CGROUP_SOCK_ADDR, A.CGROUP_UDP6_RECVMSG),
    SectionName("cgroup/recvmsg_unix", P.CGROUP_SOCK_ADDR, A.CGROUP_UNIX_RECVMSG, since=(1, 3)),
    SectionName("cgroup/getpeername4", P.CGROUP_SOCK_ADDR, A.CGROUP_INET4_GETPEERNAME),
    SectionName("cgroup/getpeername6", P.CGROUP_SOCK_ADDR, A.CGROUP_INET6_GETPEERNAME),
    SectionName("cgroup/getpeername_unix", P.CGROUP_SOCK_ADDR, A.CGROUP_UNIX_GETPEERNAME, since=(1, 3)),
    SectionName("cgroup/getsockname4", P.CGROUP_SOCK_ADDR, A.CGROUP_INET4_GETSOCKNAME),
    SectionName("cgroup/getsockname6", P.CGROUP_SOCK_ADDR, A.CGROUP_INET6_GETSOCKNAME),
    SectionName("cgroup/getsockname_unix", P.CGROUP_SOCK_ADDR, A.CGROUP_UNIX_GETSOCKNAME, since=(1, 3)),
    SectionName("cgroup/sysctl", P.CGROUP_SYSCTL, A.CGROUP_SYSCTL),
    SectionName("cgroup/getsockopt", P.CGROUP_SOCKOPT, A.CGROUP_GETSOCKOPT),
    SectionName("cgroup/setsockopt", P.CGROUP_SOCKOPT, A.CGROUP_SETSOCKOPT),
    SectionName("cgroup/dev", P.CGROUP_DEVICE, A.CGROUP_DEVICE),
    SectionName("struct_ops+", P.STRUCT_OPS),
    SectionName("struct_ops.s+", P.STRUCT_OPS, flags=LoadFlag.SLEEPABLE, since=(1, 2)),
    SectionName("sk_lookup", P.SK_LOOKUP, A.SK_LOOKUP),
    SectionName("netfilter", P.NETFILTER, A.NETFILTER, since=(1, 3)),
)

_LIBBPF_0_3 = (
    SectionName("socket", P.SOCKET_FILTER),
    SectionName("sk_reuseport", P.SK_REUSEPORT),
    SectionName("kprobe/", P.KPROBE),
    SectionName("uprobe/", P.KPROBE),
    SectionName("kretprobe/", P.KPROBE),
    SectionName("uretprobe/", P.KPROBE),
    SectionName("classifier", P.SCHED_CLS),
    SectionName("action", P.SCHED_ACT),
    SectionName("tracepoint/", P.TRACEPOINT),
    SectionName("tp/", P.TRACEPOINT),
    SectionName("raw_tracepoint/", P.RAW_TRACEPOINT),
    SectionName("raw_tp/", P.RAW_TRACEPOINT),
    SectionName("tp_btf/", P.TRACING, A.TRACE_RAW_TP),
    SectionName("fentry/", P.TRACING, A.TRACE_FENTRY),
    SectionName("fmod_ret/", P.TRACING, A.MODIFY_RETURN),
    SectionName("fexit/", P.TRACING, A.TRACE_FEXIT),
    SectionName("fentry.s/", P.TRACING, A.TRACE_FENTRY, flags=LoadFlag.SLEEPABLE),
    SectionName("fmod_ret.s/", P.TRACING, A.MODIFY_RETURN, flags=LoadFlag.SLEEPABLE),
    SectionName("fexit.s/", P.TRACING, A.TRACE_FEXIT, flags=LoadFlag.SLEEPABLE),
    SectionName("freplace/", P.EXT),
    SectionName("lsm/", P.LSM, A.LSM_MAC),
    SectionName("lsm.s/", P.LSM, A.LSM_MAC, flags=LoadFlag.SLEEPABLE),
    SectionName("iter/", P.TRACING, A.TRACE_ITER),
    SectionName("xdp_devmap/", P.XDP, A.XDP_DEVMAP),
    SectionName("xdp_cpumap/", P.XDP, A.XDP_CPUMAP),
    SectionName("xdp", P.XDP, A.XDP),
    SectionName("perf_event", P.PERF_EVENT),
    SectionName("lwt_in", P.LWT_IN),
    SectionName("lwt_out", P.LWT_OUT),
    SectionName("lwt_xmit", P.LWT_XMIT),
    SectionName("lwt_seg6local", P.LWT_SEG6LOCAL),
    SectionName("cgroup_skb/ingress", P.CGROUP_SKB, A.CGROUP_INET_INGRESS),
    SectionName("cgroup_skb/egress", P.CGROUP_SKB, A.CGROUP_INET_EGRESS),
    SectionName("cgroup/skb", P.CGROUP_SKB),
    SectionName("cgroup/sock_create", P.CGROUP_SOCK, A.CGROUP_INET_SOCK_CREATE),
    SectionName("cgroup/sock_release", P.CGROUP_SOCK, A.CGROUP_INET_SOCK_RELEASE),
    SectionName("cgroup/sock", P.CGROUP_SOCK, A.CGROUP_INET_SOCK_CREATE),
    SectionName("cgroup/post_bind4", P.CGROUP_SOCK, A.CGROUP_INET4_POST_BIND),
    SectionName("cgroup/post_bind6", P.CGROUP_SOCK, A.CGROUP_INET6_POST_BIND),
    SectionName("cgroup/dev", P.CGROUP_DEVICE, A.CGROUP_DEVICE),
    SectionName("sockops", P.SOCK_OPS, A.CGROUP_SOCK_OPS),
    SectionName("sk_skb/stream_parser", P.SK_SKB, A.SK_SKB_STREAM_PARSER),
    SectionName("sk_skb/stream_verdict", P.SK_SKB, A.SK_SKB_STREAM_VERDICT),
    SectionName("sk_skb", P.SK_SKB),
    SectionName("sk_msg", P.SK_MSG, A.SK_MSG_VERDICT),
    SectionName("lirc_mode2", P.LIRC_MODE2, A.LIRC_MODE2),
    SectionName("flow_dissector", P.FLOW_DISSECTOR, A.FLOW_DISSECTOR),
    SectionName("cgroup/bind4", P.CGROUP_SOCK_ADDR, A.CGROUP_INET4_BIND),
    SectionName("cgroup/bind6", P.CGROUP_SOCK_ADDR, A.CGROUP_INET6_BIND),
    SectionName("cgroup/connect4", P.CGROUP_SOCK_ADDR, A.CGROUP_INET4_CONNECT),
    SectionName("cgroup/connect6", P.CGROUP_SOCK_ADDR, A.CGROUP_INET6_CONNECT),
    SectionName("cgroup/sendmsg4", P.CGROUP_SOCK_ADDR, A.CGROUP_UDP4_SENDMSG),
    SectionName("cgroup/sendmsg6", P.CGROUP_SOCK_ADDR, A.CGROUP_UDP6_SENDMSG),
    SectionName("cgroup/recvmsg4", P.CGROUP_SOCK_ADDR, A.CGROUP_UDP4_RECVMSG),
    SectionName("cgroup/recvmsg6", P.CGROUP_SOCK_ADDR, A.CGROUP_UDP6_RECVMSG),
    SectionName("cgroup/getpeername4", P.CGROUP_SOCK_ADDR, A.CGROUP_INET4_GETPEERNAME),
    SectionName("cgroup/getpeername6", P.CGROUP_SOCK_ADDR, A.CGROUP_INET6_GETPEERNAME),
    SectionName("cgroup/getsockname4", P.CGROUP_SOCK_ADDR, A.CGROUP_INET4_GETSOCKNAME),
    SectionName("cgroup/getsockname6", P.CGROUP_SOCK_ADDR, A.CGROUP_INET6_GETSOCKNAME),
    SectionName("cgroup/sysctl", P.CGROUP_SYSCTL, A.CGROUP_SYSCTL),
    SectionName("cgroup/getsockopt", P.CGROUP_SOCKOPT, A.CGROUP_GETSOCKOPT),
    SectionName("cgroup/setsockopt", P.CGROUP_SOCKOPT, A.CGROUP_SETSOCKOPT),
    SectionName("struct_ops", P.STRUCT_OPS),
    SectionName("sk_lookup/", P.SK_LOOKUP, A.SK_LOOKUP),
)

_SAMPLES = (
    SectionName("socket", P.SOCKET_FILTER),
    SectionName("kprobe/", P.KPROBE),
    SectionName("kretprobe/", P.KPROBE),
    SectionName("tracepoint/", P.TRACEPOINT),
    SectionName("raw_tracepoint/", P.RAW_TRACEPOINT),
    SectionName("xdp", P.XDP),
    SectionName("perf_event", P.PERF_EVENT),
    SectionName("cgroup/skb", P.CGROUP_SKB),
    SectionName("cgroup/sock", P.CGROUP_SOCK),
    SectionName("sockops", P.SOCK_OPS),
    SectionName("sk_skb", P.SK_SKB),
    SectionName("sk_msg", P.SK_MSG),
)

SECTION_NAMES = {
    Generation.LIBBPF_1: _LIBBPF_1,
    Generation.LIBBPF_0_3: _LIBBPF_0_3,
    Generation.SAMPLES: _SAMPLES,
}
