"""Open-coded iterators: an object on the stack that one kernel function makes, one advances and one destroys
(kernel/bpf/bpf_iter.c: bpf_iter_num_new; kernel/bpf/task_iter.c, cgroup_iter.c; Linux 6.12)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ebpf.kfuncs.hooks import Hook
from ebpf.kfuncs.prototype import IteratorStep, KernelArg, KernelFunction
from ebpf.kfuncs.prototype import KernelArgKind as A

MAX_ROUNDS = 8 * 1024 * 1024
"""BPF_MAX_LOOPS, include/linux/bpf.h: for more, bpf_iter_num_new gives -E2BIG."""
MAX_WORDS = 511
"""BITS_ITER_NR_WORDS_MAX, kernel/bpf/helpers.c: for more, bpf_iter_bits_new gives -E2BIG."""


@dataclass(frozen=True, slots=True)
class IteratorKind:
    """A kind of iterator, named as its structure is without ``bpf_iter_``."""

    name: str
    size: int
    """Bytes of its structure on the stack."""
    args: tuple[KernelArg, ...]
    """What the function that makes it takes after the room for it."""
    gives: str = ""
    """The structure that each step gives; empty for a number of 4 bytes, read-only."""
    since: str = "6.12"
    sleeps: bool = False


_NUMBER = KernelArg(A.NUMBER)
ITERATORS = {
    kind.name: kind
    for kind in (
        IteratorKind("num", 8, (_NUMBER, _NUMBER)),
        IteratorKind("bits", 16, (KernelArg(A.IGNORED), _NUMBER)),
        IteratorKind("kmem_cache", 8, (), "kmem_cache", "6.18", sleeps=True),
        IteratorKind("css", 24, (KernelArg(A.OBJECT, "cgroup_subsys_state"), _NUMBER), "cgroup_subsys_state"),
        IteratorKind("task", 24, (KernelArg(A.OBJECT_OR_NULL, "task_struct"), _NUMBER), "task_struct"),
    )
}
"""By name."""


def _functions(kind: IteratorKind) -> tuple[KernelFunction, KernelFunction, KernelFunction]:
    room, made = (
        KernelArg(place, f"bpf_iter_{kind.name}", kind.size) for place in (A.NEW_ITERATOR, A.ITERATOR)
    )
    prefix = f"bpf_iter_{kind.name}_"

    def step(name: str, which: IteratorStep, *args: KernelArg, **of_it: Any) -> KernelFunction:
        return KernelFunction(
            prefix + name, args, Hook.COMMON, kind.since, sleeps=kind.sleeps, step=which, **of_it
        )

    return (
        step("new", IteratorStep.NEW, room, *kind.args),
        step("next", IteratorStep.NEXT, made, gives=kind.gives, nullable=True),
        step("destroy", IteratorStep.DESTROY, made, void=True),
    )


ROWS = tuple(function for kind in ITERATORS.values() for function in _functions(kind))
