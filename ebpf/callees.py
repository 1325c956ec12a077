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


@cache
def callees_of(program_type: ProgramType, release: str) -> frozenset[str]:
    """Everything that a program with all privileges may call, wherever it is attached; nothing for types
    whose helpers are those of what they are attached to (``struct_ops``, ``ext``)."""
    if program_type in UNLISTED:
        return frozenset()
    helpers = {HELPER_NAMES[number] for number in PROTOTYPES if is_offered(program_type, number, release)}
    functions = {
        function.name
        for function in KFUNCS.values()
        if function.hook.allows(program_type, release) and release in Since(function.since)
    }
    return frozenset(helpers | functions)
