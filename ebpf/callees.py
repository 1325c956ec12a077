"""What programs of a type may call on a kernel, by our tables: helpers and kernel functions by name.

``tests/pipeline/`` asks kernels for every pair.
"""

from __future__ import annotations

from functools import cache

from ebpf.helper_names import HELPER_NAMES
from ebpf.helpers import PROTOTYPES
from ebpf.helpers.availability import is_offered
from ebpf.helpers.by_type import UNLISTED
from ebpf.kfuncs import KFUNCS
from ebpf.program_types import ProgramType
from ebpf.releases import Since

SLEEPABLE = frozenset({
    ProgramType.TRACING, ProgramType.LSM, ProgramType.KPROBE, ProgramType.STRUCT_OPS, ProgramType.SYSCALL,
})  # fmt: skip
"""Types of which programs may be loaded as such that sleep (can_be_sleepable, kernel/bpf/verifier.c)."""


@cache
def callees_of(program_type: ProgramType, release: str) -> frozenset[str]:
    """Everything that a program with all privileges may call, wherever it is attached; nothing for types
    whose helpers are those of what they are attached to (``struct_ops``, ``ext``)."""
    if program_type in UNLISTED:
        return frozenset()
    may_sleep = program_type in SLEEPABLE
    helpers = {
        HELPER_NAMES[number]
        for number, prototype in PROTOTYPES.items()
        if is_offered(program_type, number, release) and (may_sleep or not prototype.sleepable)
    }
    functions = {
        function.name
        for function in KFUNCS.values()
        if function.hook.allows(program_type, release)
        and release in Since(function.since)
        and (may_sleep or not function.sleeps)
    }
    return frozenset(helpers | functions)
