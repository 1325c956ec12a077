"""Which helper a program may call: each type's get_func_proto, and the capabilities behind it (Linux 6.1 to
7.3).

Built as Debian builds its kernels: cgroups, classids, IPv6, XFRM, SYN cookies, kprobe overrides and lockdown
off.
"""

from __future__ import annotations

from functools import lru_cache

from ebpf import rules
from ebpf.helper_names import HELPER_NUMBERS
from ebpf.helpers.by_type import ATTACHED, BASE_ONLY, BY_TYPE, NOT_ATTACHED, SOCKET_TYPES, UNCERTAIN, UNLISTED
from ebpf.helpers.prototype import Prototype
from ebpf.helpers.tiers import ANYONE, COARSE, SOCKET_CASTS, WITH_BPF, WITH_PERFMON, Group
from ebpf.program import LoadFlag
from ebpf.program_types import AttachType, ProgramType
from ebpf.releases import Release, Since
from ebpf.rules import Rule

ALL: None = None
"""As ``capabilities``: everything root has."""
PROBE_WRITE_USER = HELPER_NUMBERS["probe_write_user"]
GPL_COMPATIBLE = frozenset(
    {"GPL", "GPL v2", "GPL and additional rights", "Dual BSD/GPL", "Dual MIT/GPL", "Dual MPL/GPL"}
)
"""include/linux/license.h."""


def has(capabilities: tuple[str, ...] | None, capability: str) -> bool:
    """bpf_capable, perfmon_capable (include/linux/capability.h): CAP_SYS_ADMIN includes both."""
    return capabilities is ALL or capability in capabilities or "CAP_SYS_ADMIN" in capabilities


@lru_cache(maxsize=1 << 14)
def refusal(
    program_type: ProgramType,
    attach_type: AttachType | None,
    number: int,
    release: Release | str,
    capabilities: tuple[str, ...] | None,
) -> Rule | None:
    """The rule that a call of helper ``number`` breaks, or None where the program may make it.

    A type whose helpers are those of what it is attached to (``struct_ops``, ``ext``) is never refused one
    that exists.
    """
    if not 0 < number <= max(HELPER_NUMBERS.values()):
        return rules.HELPER_UNKNOWN
    if program_type in UNLISTED:
        return None
    if not _attached(program_type, attach_type, number):
        return rules.HELPER_UNKNOWN
    if number == PROBE_WRITE_USER and not has(capabilities, "CAP_SYS_ADMIN"):
        return rules.HELPER_UNKNOWN
    return None if _is_listed(program_type, number, release, capabilities) else rules.HELPER_UNKNOWN


def is_offered(program_type: ProgramType, number: int, release: Release | str) -> bool:
    """Whether a program of the type, with every capability, may call the helper wherever it is attached, or
    at some place."""
    return (
        _is_listed(program_type, number, release, ALL) and ATTACHED.get((program_type, number)) != frozenset()
    )


def is_certain(
    program_type: ProgramType,
    attach_type: AttachType | None,
    number: int,
    release: Release | str,
    capabilities: tuple[str, ...] | None,
) -> bool:
    """Whether a program may call the helper whatever it is attached to: of ``struct_ops``, whose structures
    add to them, what every program may (the get_func_proto of each ends in bpf_base_func_proto)."""
    if (program_type, number) in UNCERTAIN:
        return False
    known = _AS_LITTLE_AS.get(program_type, program_type)
    return refusal(known, attach_type, number, release, capabilities) is None


_AS_LITTLE_AS = {ProgramType.STRUCT_OPS: ProgramType.NETFILTER}
"""A type that adds nothing to the base."""


def _is_listed(
    program_type: ProgramType, number: int, release: Release | str, capabilities: tuple[str, ...] | None
) -> bool:
    groups = [*BY_TYPE.get(program_type, ()), *_base(program_type, capabilities)]
    return any(_in(group, number, release) for group in groups)


def gpl_refusal(prototype: Prototype, license: str) -> Rule | None:
    """The rule that calling a GPL-only helper from a program under another licence breaks."""
    return rules.HELPER_GPL if prototype.gpl_only and license not in GPL_COMPATIBLE else None


def sleep_refusal(prototype: Prototype, flags: LoadFlag) -> Rule | None:
    """The rule that calling a helper that may sleep breaks, in a program that is not loaded as one that
    may."""
    return rules.HELPER_SLEEPS if prototype.sleepable and LoadFlag.SLEEPABLE not in flags else None


def _attached(program_type: ProgramType, attach_type: AttachType | None, number: int) -> bool:
    where = AttachType(0) if attach_type is None else attach_type
    only = ATTACHED.get((program_type, number))
    return (only is None or where in only) and where not in NOT_ATTACHED.get(number, ())


def _base(program_type: ProgramType, capabilities: tuple[str, ...] | None) -> list[Group]:
    """The groups of bpf_base_func_proto and, for types that have sockets, of bpf_sk_base_func_proto."""
    if program_type not in BASE_ONLY and program_type not in SOCKET_TYPES:
        return []
    groups = [ANYONE]
    if program_type in SOCKET_TYPES:
        groups.append(COARSE)
    if has(capabilities, "CAP_BPF"):
        groups.append(WITH_BPF)
        if has(capabilities, "CAP_PERFMON"):
            groups.append(WITH_PERFMON)
    if program_type in SOCKET_TYPES and has(capabilities, "CAP_PERFMON"):
        groups.append(SOCKET_CASTS)
    return groups


def _in(group: Group, number: int, release: Release | str) -> bool:
    since = group.get(number)
    return since is not None and release in Since(since)
