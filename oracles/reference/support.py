"""What is modelled and what is not, from the code's own tables: ``python -m oracles.reference.support``
prints the matrix that docs/reference-verifier.md shows.
"""

from __future__ import annotations

from collections.abc import Iterator

from ebpf.contexts import CONTEXTS
from ebpf.helpers import PROTOTYPES, ArgKind, Prototype, ResultKind
from ebpf.isa.table import FORMS
from ebpf.kfuncs import KFUNCS
from ebpf.maps import MapType
from oracles.reference.argument_kinds import CHECKS
from oracles.reference.argument_memory import SIZED
from oracles.reference.helpers import SPECIAL
from oracles.reference.map_kinds import ARRAYS, HASHES
from oracles.reference.results import INNER, LOOKED_UP, OBJECTS

UNMODELLED_FORMS: dict[str, str] = {
    "addr_space_cast_0_1": "arenas", "addr_space_cast_1_0": "arenas", "gotox": "indirect jumps",
    "callx": "indirect calls",
    "call_kfunc": "kernel functions",
}  # fmt: skip
"""Instruction forms at which a path ends as unknown, and the feature that is missing."""
_ARGUMENTS = (
    CHECKS.keys() | SIZED | {ArgKind.ANYTHING, ArgKind.SIZE, ArgKind.SIZE_OR_ZERO, ArgKind.ALLOC_SIZE_OR_ZERO}
)
_RESULTS = OBJECTS.keys() | {
    ResultKind.VOID,
    ResultKind.INTEGER,
    ResultKind.MAP_VALUE,
    ResultKind.MAP_VALUE_OR_NULL,
    ResultKind.ALLOC_MEM_OR_NULL,
    ResultKind.BTF_ID,
    ResultKind.MEM_OR_BTF_ID,
    ResultKind.MEM_OR_BTF_ID_OR_NULL,
    ResultKind.BTF_ID_OR_NULL,
    ResultKind.DYNPTR_MEM_OR_NULL,
}


def lacking(prototype: Prototype) -> str:
    """What keeps a helper from being modelled; empty for one that is."""
    for arg in prototype.args:
        if arg.kind not in _ARGUMENTS:
            return f"argument: {arg.kind.value}"
        if arg.kind is ArgKind.FUNC and prototype.name not in SPECIAL:
            return "callback"
    return "" if prototype.result in _RESULTS else f"result: {prototype.result.value}"


def matrix() -> Iterator[str]:
    """The matrix as lines of Markdown."""
    yield "| what | modelled | not modelled |"
    yield "|---|---|---|"
    yield _row(
        "program types",
        {
            kind.name.lower(): "a kernel function's arguments" if context.kernel_btf else ""
            for kind, context in CONTEXTS.items()
        },
    )
    forms = {form.name: UNMODELLED_FORMS.get(form.name, "") for form in FORMS}
    modelled = sum(not why for why in forms.values())
    yield f"| instruction forms | {modelled} of {len(forms)} | {_missing(forms)} |"
    yield _row(
        "lookups in maps",
        {
            kind.name.lower(): "" if kind in ARRAYS | HASHES | LOOKED_UP | INNER else "lookup"
            for kind in MapType
            if kind not in _WITHOUT_LOOKUP
        },
    )
    functions = "static, and global as they are called"
    yield f"| functions of the program | {functions} | reads through arguments that may be untrusted |"
    yield f"| kernel functions | {' '.join(sorted(KFUNCS))} | all others |"
    helpers = {prototype.name: lacking(prototype) for prototype in PROTOTYPES.values()}
    yield f"| helpers | {sum(not why for why in helpers.values())} of {len(helpers)} | {_missing(helpers)} |"


_WITHOUT_LOOKUP = frozenset({
    MapType.PROG_ARRAY, MapType.PERF_EVENT_ARRAY, MapType.STACK_TRACE, MapType.CGROUP_ARRAY, MapType.RINGBUF,
    MapType.USER_RINGBUF,
    MapType.STRUCT_OPS, MapType.BLOOM_FILTER, MapType.QUEUE, MapType.STACK, MapType.ARENA, MapType.INSN_ARRAY,
    MapType.CPUMAP,
    MapType.REUSEPORT_SOCKARRAY,
})  # fmt: skip
"""Maps that no program looks up in, or whose other use is what matters."""


def _row(what: str, rows: dict[str, str]) -> str:
    modelled = " ".join(sorted(name for name, why in rows.items() if not why))
    return f"| {what} | {modelled} | {_missing(rows)} |"


def _missing(rows: dict[str, str]) -> str:
    by_reason: dict[str, list[str]] = {}
    for name, why in rows.items():
        if why:
            by_reason.setdefault(why, []).append(name)
    return "; ".join(f"{why}: {' '.join(sorted(names))}" for why, names in sorted(by_reason.items())) or "—"


if __name__ == "__main__":
    print("\n".join(matrix()))
