"""What R0 must be when a program exits: check_return_code, kernel/bpf/verifier.c (Linux 6.1 to 7.3)."""

from __future__ import annotations

from ebpf.program_types import AttachType, ProgramType

T, A = ProgramType, AttachType
Range = tuple[int, int]
"""The lowest and the highest value, as signed 64-bit numbers."""
BOOLEAN: Range = (0, 1)
ZERO: Range = (0, 0)

_TYPES: dict[ProgramType, Range] = dict.fromkeys(
    (T.CGROUP_SKB, T.CGROUP_SOCK, T.CGROUP_SOCK_ADDR, T.SOCK_OPS, T.CGROUP_DEVICE, T.CGROUP_SYSCTL,
     T.CGROUP_SOCKOPT, T.SK_LOOKUP,
     T.NETFILTER),
    BOOLEAN,
)  # fmt: skip
"""Types with a range whatever they are attached to; the rest of the table differs by attach type."""
_ALLOW: Range = (1, 1)
_WITH_FLAGS: Range = (0, 3)
_ATTACHED: dict[tuple[ProgramType, AttachType], Range] = {
    **{(T.CGROUP_SOCK_ADDR, attach): _ALLOW for attach in (
        A.CGROUP_UDP4_RECVMSG, A.CGROUP_UDP6_RECVMSG, A.CGROUP_UNIX_RECVMSG, A.CGROUP_INET4_GETPEERNAME,
        A.CGROUP_INET6_GETPEERNAME, A.CGROUP_UNIX_GETPEERNAME, A.CGROUP_INET4_GETSOCKNAME,
        A.CGROUP_INET6_GETSOCKNAME,
        A.CGROUP_UNIX_GETSOCKNAME)},
    **{(T.CGROUP_SOCK_ADDR, attach): _WITH_FLAGS for attach in (A.CGROUP_INET4_BIND, A.CGROUP_INET6_BIND)},
    (T.CGROUP_SKB, A.CGROUP_INET_EGRESS): _WITH_FLAGS,
    (T.TRACING, A.TRACE_FENTRY): ZERO,
    (T.TRACING, A.TRACE_FEXIT): ZERO,
    (T.TRACING, A.TRACE_ITER): BOOLEAN,
    (T.LSM, A.LSM_CGROUP): BOOLEAN,
    (T.KPROBE, A.TRACE_KPROBE_SESSION): BOOLEAN,
}  # fmt: skip


def return_range(program_type: ProgramType, attach_type: AttachType | None, release: str) -> Range | None:
    """The values that R0 may have at the exit of the main function, or None for any.

    Where there is a range, R0 must also be a number.  A raw tracepoint with a BTF type must return 0 and a
    plain one may return anything: only the latter is meant here.  An LSM hook has the range of its own result
    since 6.12, as a 32-bit number: -4095..0, 0..1, or any (LSM_CGROUP: exactly 1 where there is none), which
    only the kernel's BTF tells.
    """
    if attach_type is not None and (program_type, attach_type) in _ATTACHED:
        return _ATTACHED[program_type, attach_type]
    return _TYPES.get(program_type)


def foreseen_range(program_type: ProgramType, attach_type: AttachType | None, release: str) -> Range | None:
    """What a program may return wherever it is attached: of LSM hooks zero, which lies in the range of each
    that gives a number (bpf_lsm_get_retval_range, kernel/bpf/bpf_lsm.c); else as :func:`return_range`."""
    if program_type is T.LSM and attach_type is A.LSM_MAC:
        return ZERO
    return return_range(program_type, attach_type, release)
