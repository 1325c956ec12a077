"""What a kernel function takes, gives and does to what a program holds: its BTF, and what its KF_ flags add
(include/linux/btf.h: KF_ACQUIRE, KF_RELEASE, KF_RET_NULL, KF_SLEEPABLE; Linux 6.12)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from ebpf.kfuncs.hooks import Hook


class KernelArgKind(Enum):
    """What a kernel function asks of an argument (kernel/bpf/verifier.c: get_kfunc_ptr_arg_type)."""

    NUMBER = "number"
    OBJECT = "kernel structure"
    MEMORY = "memory of fixed size"
    BUFFER = "memory"
    SIZE = "size"
    MAP = "map"
    IGNORED = "anything"
    OBJECT_OR_NULL = "kernel structure or null"
    NEW_FLAGS = "room for saved flags"
    FLAGS = "saved flags"
    NEW_ITERATOR = "room for an iterator"
    ITERATOR = "iterator"
    CONTEXT = "context"
    BUFFER_OR_NULL = "memory or null"
    CONSTANT_SIZE = "constant size"
    NEW_DYNPTR = "room for a dynptr"
    DYNPTR = "dynptr"
    LOCAL_TYPE = "constant id of a struct of the program's"
    LOCAL_OBJECT = "object of the program's"
    LIST_HEAD = "head of a list"
    LIST_NODE = "node of a list"
    RB_ROOT = "root of a tree"
    RB_NODE = "node of a tree"
    CALLBACK = "function of the program"
    WORKQUEUE = "work queue in a map's value"


class CodeSection(Enum):
    """A section of code that one kernel function begins and another ends; nothing in it may sleep."""

    RCU = "RCU read-side critical section"
    PREEMPTION = "section without preemption"
    INTERRUPTS = "section without interrupts"


class IteratorStep(Enum):
    """What a kernel function does to an iterator (KF_ITER_NEW, KF_ITER_NEXT, KF_ITER_DESTROY)."""

    NEW = "make"
    NEXT = "advance"
    DESTROY = "destroy"


class DynptrUse(Enum):
    """What a kernel function does with a dynptr."""

    SIZE = "say its size"
    IS_NULL = "say whether it is null"
    IS_READ_ONLY = "say whether it is read-only"
    ADJUST = "narrow it"
    CLONE = "copy it"
    SLICE = "give a part of it, to be read"
    SLICE_TO_WRITE = "give a part of it"
    FROM_PACKET = "make it of the packet"


class ObjectUse(Enum):
    """What a kernel function does with an object of the program's own."""

    NEW = "make it"
    DROP = "give it back"
    COUNT = "hold it once more"
    PUSH_FRONT = "put it first in a list"
    PUSH_BACK = "put it last in a list"
    POP_FRONT = "take the first of a list"
    POP_BACK = "take the last of a list"
    ADD = "put it into a tree"
    FIRST = "find the first of a tree"
    REMOVE = "take it out of a tree"


@dataclass(frozen=True, slots=True)
class KernelArg:
    """One argument.

    ``struct``: which kernel structure an OBJECT or what lies on the stack is.  ``size`` in bytes, of MEMORY
    and of what lies on the stack; that of a BUFFER is the SIZE that follows it.  Memory is read and may be
    written.  An IGNORED argument (its name ends in ``__ign``) is not looked at, whatever the register holds.
    """

    kind: KernelArgKind
    struct: str = ""
    size: int = 0


@dataclass(frozen=True, slots=True)
class KernelFunction:
    """A kernel function that programs may call."""

    name: str
    args: tuple[KernelArg, ...] = ()
    hook: Hook = Hook.NONE
    since: str = "6.12"
    """The first kernel whose BTF has it, of those that were asked: 6.12, 6.18, 7.1, 7.3."""
    gives: str = ""
    """The structure that it returns a pointer to; empty for a number."""
    nullable: bool = False
    """Whether that pointer may be null (KF_RET_NULL)."""
    acquires: bool = False
    """Whether that pointer must be released (KF_ACQUIRE)."""
    releases: int | None = None
    """The argument (1 to 5) that it gives back (KF_RELEASE)."""
    void: bool = False
    sleeps: bool = False
    """KF_SLEEPABLE."""
    begins: CodeSection | None = None
    ends: CodeSection | None = None
    step: IteratorStep | None = None
    dynptr: DynptrUse | None = None
    object: ObjectUse | None = None
    throws: bool = False
    """Whether the program ends there, with its first argument for a result."""
    defers: bool = False
    """Whether the function that it is given is called later."""

    @property
    def is_generated(self) -> bool:
        """Whether programs of some type may call it that generators make."""
        return self.hook is not Hook.NONE
