"""Types of a program's functions, which a kernel asks for where one is a callback."""

from __future__ import annotations

from collections.abc import Sequence

from ebpf.btf.builder import BtfBuilder
from ebpf.btf.types import Linkage
from ebpf.splicing import FUNCTION
from generators.local_types import declare_local_types


def function_types(starts: Sequence[int], *, objects: bool) -> tuple[bytes, bytes]:
    """BTF and func_info that say of the functions that begin at these slots that they give an int; all but
    the first are static.  ``objects``: the structs come first of which the program makes objects."""
    types = BtfBuilder()
    if objects:
        declare_local_types(types)
    prototype = types.prototype(types.integer("int", 4, True))
    records = b""
    for number, start in enumerate(starts):
        linkage = Linkage.STATIC if number else Linkage.GLOBAL
        records += FUNCTION.pack(start, types.function(f"f{number}", prototype, linkage))
    return types.build(), records
