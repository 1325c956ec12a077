"""Capability names and their bits (include/uapi/linux/capability.h, Linux 6.12)."""

from __future__ import annotations

from ebpf.errors import InputError

NAMES = (
    "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL",
    "CAP_SETGID", "CAP_SETUID",
    "CAP_SETPCAP", "CAP_LINUX_IMMUTABLE", "CAP_NET_BIND_SERVICE", "CAP_NET_BROADCAST", "CAP_NET_ADMIN",
    "CAP_NET_RAW",
    "CAP_IPC_LOCK", "CAP_IPC_OWNER", "CAP_SYS_MODULE", "CAP_SYS_RAWIO", "CAP_SYS_CHROOT", "CAP_SYS_PTRACE",
    "CAP_SYS_PACCT",
    "CAP_SYS_ADMIN", "CAP_SYS_BOOT", "CAP_SYS_NICE", "CAP_SYS_RESOURCE", "CAP_SYS_TIME", "CAP_SYS_TTY_CONFIG",
    "CAP_MKNOD",
    "CAP_LEASE", "CAP_AUDIT_WRITE", "CAP_AUDIT_CONTROL", "CAP_SETFCAP", "CAP_MAC_OVERRIDE", "CAP_MAC_ADMIN",
    "CAP_SYSLOG",
    "CAP_WAKE_ALARM", "CAP_BLOCK_SUSPEND", "CAP_AUDIT_READ", "CAP_PERFMON", "CAP_BPF",
    "CAP_CHECKPOINT_RESTORE",
)  # fmt: skip
ALL = (1 << 64) - 1
_BIT = {name: 1 << number for number, name in enumerate(NAMES)}


def mask(capabilities: tuple[str, ...] | None) -> int:
    """The effective set as bits: None is :data:`ALL`.  Raises :class:`InputError` for an unknown name."""
    if capabilities is None:
        return ALL
    bits = 0
    for name in capabilities:
        try:
            bits |= _BIT[name]
        except KeyError:
            raise InputError(
                f"unknown capability {name!r}; they are named as in capability.h, for example CAP_BPF"
            ) from None
    return bits


def names(bits: int) -> tuple[str, ...] | None:
    """The inverse of :func:`mask`, in numeric order."""
    return None if bits == ALL else tuple([name for name, bit in _BIT.items() if bits & bit])
