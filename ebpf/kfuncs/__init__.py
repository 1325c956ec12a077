"""Kernel functions: what programs may call of the kernel by name.

Each kernel's own BTF says whether it has a function, and of what types its arguments are; the tables here say
what BTF does not.
"""

from __future__ import annotations

from ebpf.kfuncs import dynptrs, iterators, local_objects, objects, sections, strings, workqueues
from ebpf.kfuncs.calls import moved_calls
from ebpf.kfuncs.hooks import Hook
from ebpf.kfuncs.objects import KEPT_IN_MAPS, PROTECTED_BY_RCU, TAKE_PROTECTED, is_a
from ebpf.kfuncs.prototype import (
    CodeSection,
    DynptrUse,
    IteratorStep,
    KernelArg,
    KernelArgKind,
    KernelFunction,
    ObjectUse,
)

__all__ = [
    "KEPT_IN_MAPS", "KFUNCS", "PROTECTED_BY_RCU", "TAKE_PROTECTED",
    "CodeSection", "DynptrUse", "Hook", "IteratorStep", "KernelArg", "KernelArgKind",
    "KernelFunction", "ObjectUse", "is_a", "moved_calls",
]  # fmt: skip

_ROWS = (
    *objects.ROWS,
    *strings.ROWS,
    *sections.ROWS,
    *iterators.ROWS,
    *dynptrs.ROWS,
    *local_objects.ROWS,
    *workqueues.ROWS,
)
KFUNCS: dict[str, KernelFunction] = {function.name: function for function in _ROWS}
"""By name."""
