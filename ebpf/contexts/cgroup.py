"""Contexts of control-group hooks other than packets (net/core/filter.c: sock_filter_is_valid_access,
sock_addr_is_valid_access; kernel/bpf/cgroup.c: cgroup_dev_is_valid_access, sysctl_is_valid_access,
cg_sockopt_is_valid_access; Linux 6.12)."""

from __future__ import annotations

from dataclasses import replace

from ebpf.contexts.field import LONG, WORD, Context, ContextField, ContextFieldKind, array, pointer, words
from ebpf.program_types import AttachType, ProgramType
from ebpf.sockets import FIELDS, SIZES, SocketKind

A = AttachType
_CREATION = frozenset({A.CGROUP_INET_SOCK_CREATE, A.CGROUP_INET_SOCK_RELEASE})
_BOUND4, _BOUND6 = frozenset({A.CGROUP_INET4_POST_BIND}), frozenset({A.CGROUP_INET6_POST_BIND})
_ATTACHED: dict[str, frozenset[AttachType]] = {
    **dict.fromkeys(("bound_dev_if", "mark", "priority"), _CREATION), "src_ip4": _BOUND4,
    **dict.fromkeys((f"src_ip6_{n}" for n in range(4)), _BOUND6), "src_port": _BOUND4 | _BOUND6,
}  # fmt: skip


def _sock_field(field: ContextField) -> ContextField:
    attached = _ATTACHED.get(field.name)
    if attached is None:
        return field
    field = replace(field, read_attach=attached)
    return field.written(attach=attached) if attached is _CREATION else field


_V4 = frozenset({
    A.CGROUP_INET4_BIND, A.CGROUP_INET4_CONNECT, A.CGROUP_INET4_GETPEERNAME, A.CGROUP_INET4_GETSOCKNAME,
    A.CGROUP_UDP4_SENDMSG,
    A.CGROUP_UDP4_RECVMSG,
})  # fmt: skip
_V6 = frozenset({
    A.CGROUP_INET6_BIND, A.CGROUP_INET6_CONNECT, A.CGROUP_INET6_GETPEERNAME, A.CGROUP_INET6_GETSOCKNAME,
    A.CGROUP_UDP6_SENDMSG,
    A.CGROUP_UDP6_RECVMSG,
})  # fmt: skip
_SEND4, _SEND6 = frozenset({A.CGROUP_UDP4_SENDMSG}), frozenset({A.CGROUP_UDP6_SENDMSG})


def _address(fields: tuple[ContextField, ...], attached: frozenset[AttachType]) -> tuple[ContextField, ...]:
    return tuple(
        replace(field, read_attach=attached).written(*(field.writes or WORD), attach=attached)
        for field in fields
    )


def _wide(name: str, offset: int, size: int) -> ContextField:
    """The field that aligned accesses of eight bytes fall into (bpf_ctx_wide_access_ok,
    include/linux/filter.h)."""
    return ContextField(name, offset, size, reads=LONG, writes=LONG)


_SOCK_ADDR = (
    *words("user_family", 0, WORD), *_address(words("user_ip4", 4), _V4),
    *_address((*array("user_ip6", 8), _wide("user_ip6", 8, 16)), _V6),
    *(field.written() for field in words("user_port", 24)), *words("family type protocol", 28, WORD),
    *_address(words("msg_src_ip4", 40), _SEND4), *_address((*array("msg_src_ip6", 44),
                                                            _wide("msg_src_ip6", 44, 16)), _SEND6),
    pointer("sk", 64, ContextFieldKind.SOCKET),
)  # fmt: skip
_SOCKOPT = (
    pointer("sk", 0, ContextFieldKind.SOCKET), pointer("optval", 8, ContextFieldKind.PACKET),
    pointer("optval_end", 16, ContextFieldKind.PACKET_END),
    *(field.written(attach=frozenset({A.CGROUP_SETSOCKOPT})) for field in words("level optname", 24, WORD)),
    *(field.written() for field in words("optlen", 32, WORD)),
    ContextField("retval", 36, reads=WORD, read_attach=frozenset({A.CGROUP_GETSOCKOPT})).written(
        attach=frozenset({A.CGROUP_GETSOCKOPT})),
)  # fmt: skip

CONTEXTS: dict[ProgramType, Context] = {
    ProgramType.CGROUP_SOCK: Context(
        "bpf_sock", SIZES[SocketKind.SOCKET], tuple(_sock_field(field) for field in FIELDS[SocketKind.SOCKET])
    ),
    ProgramType.CGROUP_SOCK_ADDR: Context("bpf_sock_addr", 72, _SOCK_ADDR),
    ProgramType.CGROUP_SOCKOPT: Context("bpf_sockopt", 40, _SOCKOPT),
    ProgramType.CGROUP_DEVICE: Context(
        "bpf_cgroup_dev_ctx", 12, (*words("access_type", 0), *words("major minor", 4, WORD))
    ),
    ProgramType.CGROUP_SYSCTL: Context(
        "bpf_sysctl", 8, (*words("write", 0), words("file_pos", 4)[0].written())
    ),
}
"""By program type."""
