"""Objects of the program's own: made, held, put into lists and trees beside a lock, taken out, dropped
(kernel/bpf/verifier.c: check_kfunc_args, check_special_kfunc, ref_convert_owning_non_owning; Linux 6.12).

A pointer to one holds a reference, or the object is in a list or tree, and the pointer is good until the lock
is given back.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from ebpf import rules
from ebpf.btf.local_types import LocalType, contained
from ebpf.kfuncs import KernelFunction, ObjectUse
from ebpf.maps import MapFieldKind
from oracles.reference import callbacks
from oracles.reference.callbacks import Comparison
from oracles.reference.explorer import Explorer
from oracles.reference.registers import number
from oracles.reference.releasing import release
from oracles.reference.results import or_null
from oracles.reference.signals import Unmodelled
from oracles.reference.state import Loop, SymbolicState
from oracles.reference.values import UNDEFINED, RegionKind, SymbolicPointer, SymbolicRegion, Value
from oracles.terms.term import equal

HELD_REMOVED_SINCE = (6, 16)
"""What is held may be looked for in a tree; before, only what was found there (seen: 6.12 and 6.16)."""


@dataclass(slots=True)
class _Use:
    """One call."""

    x: Explorer
    s: SymbolicState
    function: KernelFunction
    use: ObjectUse
    values: list[Value]

    def refuse(self, register: int, why: str) -> None:
        self.x.refuse(self.s, rules.HELPER_ARGUMENT, f"R{register} {why}")

    def violation(self, register: int, why: str) -> None:
        self.x.violation(self.s, rules.HELPER_ARGUMENT, f"R{register} {why}")

    def pointer(self, register: int, kind: str) -> SymbolicPointer:
        """The argument as a pointer that is not null."""
        value = self.values[register - 1]
        if not isinstance(value, SymbolicPointer):
            self.x.violation(self.s, rules.HELPER_ARGUMENT, f"R{register} is no {kind}")
        if value.check is not None:
            self.x.unchecked(self.s, value.check, rules.NULL_CHECK, f"R{register}")
        return value

    def object(self, register: int) -> SymbolicPointer:
        """The argument as a pointer to an object of the program's."""
        value = self.pointer(register, "object of the program's")
        if value.region.kind is not RegionKind.OBJECT:
            self.violation(register, "is no object of the program's")
        return value

    def type_of(self, value: SymbolicPointer) -> LocalType:
        """The struct that the object is made of."""
        return next(each for each in self.x.facts.types if each.name == value.region.struct)

    def at_start(self, register: int, value: SymbolicPointer) -> None:
        """The argument points to the object's first byte."""
        self.x.require(
            self.s, equal(value.offset, 0), rules.HELPER_ARGUMENT, f"R{register} points into the object"
        )

    def container(self, kind: MapFieldKind) -> tuple[LocalType, int]:
        """What the list or tree that R1 points to holds, and where its link is; the lock is held."""
        x, s, value = self.x, self.s, self.pointer(1, kind.value)
        region, place = value.region, x.constant(s, value.offset)
        if region.kind is RegionKind.OBJECT:
            raise Unmodelled("lists and trees in objects of the program's")
        if region.kind is not RegionKind.MAP_VALUE or region.map is None:
            self.violation(1, f"is no {kind.value}")
        assert region.map is not None
        if place is None:
            self.refuse(1, "is not at a constant offset")
            raise Unmodelled("a list or tree at a place that is not known")
        fields = x.facts.maps[region.map].fields
        field = next((f for f in fields if f.kind is kind and f.offset == place), None)
        if field is None:
            x.violation(s, rules.HELPER_ARGUMENT, f"R1: no {kind.value} is there")
        if s.lock is None:
            x.violation(s, rules.UNLOCKED, kind.value)
        if s.lock != (region.map, region.id):
            x.refuse(s, rules.UNLOCKED, f"a {kind.value} of another value, or of one found by another lookup")
            raise Unmodelled("the lock of another value")
        held = contained(field, x.facts.types)
        if held is None:
            raise Unmodelled("a list or tree of which nothing is known")
        return held

    def node(self, held: tuple[LocalType, int]) -> SymbolicPointer:
        """R2 as the link of an object that the list or tree may hold."""
        value, (kind, link) = self.object(2), held
        if value.region.struct != kind.name:
            self.violation(2, f"is a {value.region.struct}, not a {kind.name}")
        self.x.require(
            self.s, equal(value.offset, link), rules.HELPER_ARGUMENT, "R2 is not the object's link"
        )
        return value


def step(
    x: Explorer, s: SymbolicState, function: KernelFunction, use: ObjectUse, values: list[Value]
) -> list[SymbolicState]:
    """The paths after the call, R0 set, or in its callback."""
    asked = _Use(x, s, function, use, values)
    if use is ObjectUse.ADD:
        return _add(asked)
    paths = _USES[use](asked)
    for path in paths:
        path.pc += 1
    return paths


def _made(use: _Use, kind: LocalType) -> SymbolicRegion:
    return SymbolicRegion(RegionKind.OBJECT, use.s.number(), kind.size, struct=kind.name)


def _or_null(use: _Use, region: SymbolicRegion, offset: int, *, acquires: bool) -> list[SymbolicState]:
    paths = or_null(use.x, use.s, region, acquires, None)
    for path in paths:
        found = path.registers[0]
        if isinstance(found, SymbolicPointer):
            path.registers[0] = replace(found, offset=offset)
    return paths


def _new(use: _Use) -> list[SymbolicState]:
    x, s = use.x, use.s
    id_ = x.constant(s, number(s, use.values[0]))
    if id_ is None:
        use.refuse(1, "is not a constant")
        raise Unmodelled("an object of an unknown type")
    kind = next((each for each in x.facts.types if each.id == id_), None)
    if kind is None:
        x.violation(s, rules.HELPER_ARGUMENT, f"R1: type {id_} is no struct of the program's")
    if not kind.is_plain():
        raise Unmodelled("an object of more than numbers and links")
    if x.facts.program.func_info is None:
        x.ledger.leave_open("an object of a program whose BTF no kernel looks at")
    s.scratch()
    return _or_null(use, _made(use, kind), 0, acquires=True)


def _drop(use: _Use) -> list[SymbolicState]:
    value = use.object(1)
    use.at_start(1, value)
    release(use.x, use.s, value)
    use.s.scratch()
    use.s.registers[0] = UNDEFINED
    return [use.s]


def _count(use: _Use) -> list[SymbolicState]:
    value = use.object(1)
    kind = use.type_of(value)
    if not kind.is_counted():
        use.violation(1, f"is a {kind.name}, which counts no references")
    use.at_start(1, value)
    use.s.scratch()
    region = replace(value.region, id=use.s.number())
    if value.reference is None:
        return _or_null(use, region, 0, acquires=True)
    reference = use.s.number()
    use.s.references[reference] = (region, use.s.pc)
    use.s.registers[0] = SymbolicPointer(region, 0, reference=reference)
    return [use.s]


def _push(use: _Use) -> list[SymbolicState]:
    _lend(use.x, use.s, use.node(use.container(MapFieldKind.LIST_HEAD)))
    use.s.scratch()
    callbacks.set_linked(use.s, use.function.name)
    return [use.s]


def _lend(x: Explorer, s: SymbolicState, node: SymbolicPointer) -> None:
    """What was held is in a list or tree: pointers to it are good until the lock is given back."""
    reference = node.reference
    if reference is None or reference not in s.references:
        x.violation(s, rules.RELEASE_UNREFERENCED, "the object is not held")
    del s.references[reference]

    def lent(value: Value) -> Value:
        if isinstance(value, SymbolicPointer) and value.reference == reference:
            return replace(value, reference=None)
        return value

    s.rewrite(lent)


def _pop(use: _Use) -> list[SymbolicState]:
    kind, link = use.container(MapFieldKind.LIST_HEAD)
    use.s.scratch()
    return _or_null(use, _made(use, kind), link, acquires=True)


def _add(use: _Use) -> list[SymbolicState]:
    x, s = use.x, use.s
    kind, link = use.container(MapFieldKind.RB_ROOT)
    node = use.node((kind, link))
    less = use.pointer(3, "function")
    if less.region.kind is not RegionKind.CODE or not isinstance(less.offset, int):
        use.violation(3, "is no function")
    assert isinstance(less.offset, int)
    _lend(x, s, node)
    comparison = Comparison(use.function.name, kind.name, kind.size, link, node.region)
    return callbacks.call_next(x, s, Loop(s.pc, less.offset, 0, UNDEFINED, comparison))


def _first(use: _Use) -> list[SymbolicState]:
    kind, link = use.container(MapFieldKind.RB_ROOT)
    use.s.scratch()
    return _or_null(use, _made(use, kind), link, acquires=False)


def _remove(use: _Use) -> list[SymbolicState]:
    kind, link = use.container(MapFieldKind.RB_ROOT)
    node = use.node((kind, link))
    if node.reference is not None:
        # What counts its references may be held and in a tree.
        use.x.refuse(use.s, rules.HELPER_ARGUMENT, "R2 is held", before=HELD_REMOVED_SINCE)
    use.s.scratch()
    return _or_null(use, _made(use, kind), link, acquires=True)


def take_back(s: SymbolicState) -> None:
    """The lock is given back: what was seen of lists and trees is any number from now on
    (invalidate_non_owning_refs)."""

    def gone(value: Value) -> Value:
        if (
            isinstance(value, SymbolicPointer)
            and value.region.kind is RegionKind.OBJECT
            and value.reference is None
        ):
            return number(s, value)
        return value

    s.rewrite(gone)


_USES: dict[ObjectUse, Callable[[_Use], list[SymbolicState]]] = {
    ObjectUse.NEW: _new, ObjectUse.DROP: _drop, ObjectUse.COUNT: _count, ObjectUse.PUSH_FRONT: _push,
    ObjectUse.PUSH_BACK: _push, ObjectUse.POP_FRONT: _pop, ObjectUse.POP_BACK: _pop,
    ObjectUse.FIRST: _first, ObjectUse.REMOVE: _remove,
}  # fmt: skip
