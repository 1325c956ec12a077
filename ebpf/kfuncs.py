"""Kernel functions by name: what they take and give, as their BTF and their KF_ flags say
(include/linux/btf.h: KF_ACQUIRE, KF_RELEASE, KF_RET_NULL; Linux 6.12, and the test functions of 6.1)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class KernelArgKind(Enum):
    """What a kernel function asks of an argument."""

    NUMBER = "number"
    OBJECT = "kernel structure"
    MEMORY = "memory of fixed size"


@dataclass(frozen=True, slots=True)
class KernelArg:
    """``struct``: which kernel structure an OBJECT is.  ``size`` of MEMORY, which is read and may be
    written."""

    kind: KernelArgKind
    struct: str = ""
    size: int = 0


@dataclass(frozen=True, slots=True)
class KernelFunction:
    """``gives``: the structure it returns a pointer to, which may be null and must be released; empty for a
    number.  ``releases``: the argument (1 to 5) that it gives back."""

    name: str
    args: tuple[KernelArg, ...]
    gives: str = ""
    releases: int | None = None
    void: bool = False


_NUMBER = KernelArg(KernelArgKind.NUMBER)


def _object(struct: str) -> KernelArg:
    return KernelArg(KernelArgKind.OBJECT, struct)


def _acquiring(struct: str, name: str, *args: KernelArg) -> KernelFunction:
    return KernelFunction(name, args, gives=struct)


def _releasing(struct: str, name: str) -> KernelFunction:
    return KernelFunction(name, (_object(struct),), releases=1, void=True)


KFUNCS: dict[str, KernelFunction] = {
    function.name: function
    for function in (
        _acquiring("bpf_key", "bpf_lookup_user_key", _NUMBER, _NUMBER),
        _acquiring("bpf_key", "bpf_lookup_system_key", _NUMBER),
        _releasing("bpf_key", "bpf_key_put"),
        _acquiring("task_struct", "bpf_task_from_pid", _NUMBER),
        _acquiring("task_struct", "bpf_task_acquire", _object("task_struct")),
        _releasing("task_struct", "bpf_task_release"),
        _acquiring("cgroup", "bpf_cgroup_from_id", _NUMBER),
        _acquiring("cgroup", "bpf_cgroup_acquire", _object("cgroup")),
        _acquiring("cgroup", "bpf_cgroup_ancestor", _object("cgroup"), _NUMBER),
        _releasing("cgroup", "bpf_cgroup_release"),
        _acquiring("bpf_cpumask", "bpf_cpumask_create"),
        _releasing("bpf_cpumask", "bpf_cpumask_release"),
        _acquiring("prog_test_ref_kfunc", "bpf_kfunc_call_test_acquire",
                   KernelArg(KernelArgKind.MEMORY, size=8)),
        _releasing("prog_test_ref_kfunc", "bpf_kfunc_call_test_release"),
        KernelFunction("bpf_kfunc_call_test_ref", (_object("prog_test_ref_kfunc"),), void=True),
    )
}  # fmt: skip
"""Functions that no other table has."""
