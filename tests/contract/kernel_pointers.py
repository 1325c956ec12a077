"""Rows for kernel pointers in map values: exchanged, and looked at."""

from __future__ import annotations

from ebpf import rules
from ebpf.maps import MapField, MapFieldKind, MapSpec, MapType
from ebpf.program_types import ProgramType
from tests.contract.rows import Returns, Row, Traps

_VALUE = MapSpec(MapType.ARRAY, 4, 16, 1, fields=(MapField(8, MapFieldKind.KPTR, "task_struct"),))
_TAKE = "r1 = map[0][0]+8; r2 = 0; call bpf_kptr_xchg#194; r6 = r0; "
"""R6 is what the value held; five slots."""
_PUT = "r1 = map[0][0]+8; r2 = r6; call bpf_kptr_xchg#194; "
_LOOK = "r1 = map[0][0]+0; r0 = *(u64 *)(r1 +8); "
_RELEASE = "r1 = r6; call kfunc bpf_task_release; "


def _row(name: str, text: str, expected: Returns | Traps, *script: int) -> Row:
    return Row(name, text, expected, (_VALUE,), ProgramType.TRACEPOINT, helpers=script)


ROWS = (
    _row("a value held nothing", _TAKE + "if r6 == 0 goto pc+2; " + _RELEASE + "r0 = 3; exit", Returns(3), 0),
    _row("what a value held is released", _TAKE + "if r6 == 0 goto pc+2; " + _RELEASE + "r0 = 3; exit",
         Returns(3), 1),
    _row("what a value held is lost", _TAKE + "r0 = 0; exit", Traps(rules.REFERENCE_LEAK, 6), 1),
    _row("what is put back is held no more",
         _TAKE + "if r6 == 0 goto pc+10; " + _PUT + "if r0 == 0 goto pc+5; r6 = r0; " + _RELEASE
         + "r0 = 5; exit; r0 = 4; exit",
         Returns(4), 1, 0),
    _row("what was put into a value is released",
         _TAKE + "if r6 == 0 goto pc+7; " + _PUT + "if r0 != 0 goto pc+0; " + _RELEASE + "r0 = 5; exit",
         Traps(rules.USE_AFTER_RELEASE, 12), 1, 0),
    _row("what a value holds is read", _LOOK + "if r0 == 0 goto pc+1; r0 = 1; exit", Returns(1), 1),
    _row("a value that holds nothing is read", _LOOK + "if r0 == 0 goto pc+1; r0 = 1; exit", Returns(0), 0),
    _row("what a value holds is put there again",
         _LOOK + "if r0 == 0 goto pc+4; r2 = r0; r1 = map[0][0]+8; call bpf_kptr_xchg#194; r0 = 1; exit",
         Traps(rules.RELEASE_UNREFERENCED, 7), 1),
    _row("a part of a kernel pointer", "r1 = map[0][0]+0; r0 = *(u32 *)(r1 +12); exit",
         Traps(rules.SPECIAL_FIELD, 2)),
    _row("a kernel pointer and what is before it", "r1 = map[0][0]+0; *(u64 *)(r1 +4) = 0; r0 = 0; exit",
         Traps(rules.SPECIAL_FIELD, 2)),
    _row("a task is put where there is no kernel pointer",
         _TAKE + "if r6 == 0 goto pc+4; r1 = map[0][0]+0; r2 = r6; call bpf_kptr_xchg#194; r0 = 0; exit",
         Traps(rules.HELPER_ARGUMENT, 9), 1),
)  # fmt: skip
