"""Rows for objects of the program's own: held, dropped, and put into a list beside a lock."""

from __future__ import annotations

from ebpf import rules
from ebpf.maps import MapField, MapFieldKind, MapSpec, MapType
from ebpf.program_types import ProgramType
from generators.local_types import ITEM, PLAIN, SHARED
from tests.contract.rows import Returns, Row, Traps

_LIST = MapSpec(
    MapType.ARRAY,
    4,
    24,
    1,
    fields=(MapField(0, MapFieldKind.SPIN_LOCK), MapField(8, MapFieldKind.LIST_HEAD, f"{ITEM.name}:link")),
)
_NEW = "r1 = {}; call kfunc bpf_obj_new_impl; r6 = r0; if r0 == 0 goto pc+{}; "
"""R6 is a new object of a type, or null and the program goes on so many slots later; four slots."""
_DROP = "r1 = r6; call kfunc bpf_obj_drop_impl; "
_COUNT = "r1 = r6; call kfunc bpf_refcount_acquire_impl; "
_LOCK, _UNLOCK = ("r1 = map[0][0]+0; call bpf_spin_" + call + "; " for call in ("lock#93", "unlock#94"))
_PUSH = "r1 = map[0][0]+8; r2 = r6; r4 = 0; call kfunc bpf_list_push_front_impl; "
_POP = "r1 = map[0][0]+8; call kfunc bpf_list_pop_back; r7 = r0; "


def _row(name: str, text: str, expected: Returns | Traps, *script: int) -> Row:
    return Row(name, text, expected, (_LIST,), ProgramType.SCHED_CLS, helpers=script, objects=True)


ROWS = (
    _row("an object is dropped", _NEW.format(PLAIN.id, 2) + _DROP + "r0 = 7; exit", Returns(7), 1),
    _row("there is no object", _NEW.format(PLAIN.id, 2) + _DROP + "r0 = 7; exit", Returns(7), 0),
    _row("an object is lost", _NEW.format(PLAIN.id, 0) + "r0 = 0; exit", Traps(rules.REFERENCE_LEAK, 5), 1),
    _row("an object is dropped twice", _NEW.format(PLAIN.id, 4) + 2 * _DROP + "r0 = 7; exit",
         Traps(rules.USE_AFTER_RELEASE, 7), 1),
    _row("an object is dropped by a pointer into it",
         _NEW.format(PLAIN.id, 3) + "r1 = r6; r1 += 8; call kfunc bpf_obj_drop_impl; r0 = 7; exit",
         Traps(rules.HELPER_ARGUMENT, 6), 1),
    _row("an object of no type", _NEW.format(4, 0) + "r0 = 0; exit", Traps(rules.HELPER_ARGUMENT, 1)),
    _row("an object is filled", _NEW.format(ITEM.id, 4)
         + "*(u64 *)(r6 +24) = 3; r7 = *(u32 *)(r6 +24); " + _DROP + "r0 = 7; exit", Returns(7), 1),
    _row("what links an object is read", _NEW.format(ITEM.id, 2) + "r0 = *(u64 *)(r6 +16); exit; r0 = 0; exit",
         Traps(rules.SPECIAL_FIELD, 4), 1),
    _row("beyond an object", _NEW.format(ITEM.id, 1) + "*(u64 *)(r6 +40) = 0; r0 = 0; exit",
         Traps(rules.MEMORY_BOUNDS, 4), 1),
    _row("an object is held twice", _NEW.format(SHARED.id, 8) + _COUNT + "r7 = r0; " + _DROP
         + "r6 = r7; " + _DROP + "r0 = 5; exit", Returns(5), 1),
    _row("an object is held twice and dropped once", _NEW.format(SHARED.id, 4) + _COUNT + _DROP
         + "r0 = 5; exit", Traps(rules.REFERENCE_LEAK, 9), 1),
    _row("an object that counts nothing is held twice", _NEW.format(ITEM.id, 4) + _COUNT + _DROP
         + "r0 = 5; exit", Traps(rules.HELPER_ARGUMENT, 5), 1),
    _row("an object is held by a pointer into it", _NEW.format(SHARED.id, 5)
         + "r1 = r6; r1 += 8; call kfunc bpf_refcount_acquire_impl; " + _DROP + "r0 = 5; exit",
         Traps(rules.HELPER_ARGUMENT, 6), 1),
    _row("an object is put into a list", _NEW.format(ITEM.id, 11) + _LOCK + _PUSH + _UNLOCK + "r0 = 3; exit",
         Returns(3), 1, 0),
    _row("an object is put into a list without its lock", _NEW.format(ITEM.id, 5) + _PUSH + "r0 = 3; exit",
         Traps(rules.UNLOCKED, 8), 1),
    _row("an object of another type is put into a list",
         _NEW.format(PLAIN.id, 11) + _LOCK + _PUSH + _UNLOCK + "r0 = 3; exit",
         Traps(rules.HELPER_ARGUMENT, 11), 1),
    _row("an object is put into a list twice",
         _NEW.format(ITEM.id, 16) + _LOCK + 2 * _PUSH + _UNLOCK + "r0 = 3; exit",
         Traps(rules.RELEASE_UNREFERENCED, 16), 1, 0),
    _row("what was put into a list is written under its lock",
         _NEW.format(ITEM.id, 12) + _LOCK + _PUSH + "*(u64 *)(r6 +24) = 1; " + _UNLOCK + "r0 = 3; exit",
         Returns(3), 1, 0),
    _row("what was put into a list is read without its lock",
         _NEW.format(ITEM.id, 12) + _LOCK + _PUSH + _UNLOCK + "r0 = *(u64 *)(r6 +24); r0 = 3; exit",
         Traps(rules.USE_AFTER_RELEASE, 15), 1, 0),
    _row("what was put into a list is taken out",
         _NEW.format(ITEM.id, 19) + _LOCK + _PUSH + _POP + _UNLOCK
         + "if r7 == 0 goto pc+3; r6 = r7; " + _DROP + "r0 = 3; exit", Returns(3), 1, 0, 1),
    _row("what was taken out of a list is lost", _LOCK + _POP + _UNLOCK + "r0 = 3; exit",
         Traps(rules.REFERENCE_LEAK, 11), 1),
    _row("a list is not where it is looked for", _LOCK
         + "r1 = map[0][0]+16; call kfunc bpf_list_pop_front; r0 = 3; exit", Traps(rules.HELPER_ARGUMENT, 5)),
)  # fmt: skip
