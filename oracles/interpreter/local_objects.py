"""Objects of the program's own, and the lists and trees that hold them (kernel/bpf/helpers.c:
bpf_obj_new_impl, bpf_list_push_front_impl, bpf_rbtree_add_impl; Linux 6.12).

What was put into a list or tree is not held any more, though it may be looked at until the lock is given
back; what is found there is another view of the same bytes.  What a list held when the run began is unknown:
nothing as a rule.
"""

from __future__ import annotations

from collections.abc import Callable
from errno import EINVAL

from ebpf import rules
from ebpf.btf.local_types import LocalType, contained, local_types
from ebpf.kfuncs import ObjectUse
from ebpf.maps import MapField, MapFieldKind
from oracles.interpreter.arithmetic import U64
from oracles.interpreter.machine import Machine
from oracles.interpreter.memory import UNDEFINED, Pointer, Region, Value
from oracles.interpreter.objects import ObjectRegion
from oracles.interpreter.signals import Abstain


def use(m: Machine, use_: ObjectUse, values: list[Value]) -> Value:
    """R0 after the call."""
    return _USES[use_](m, use_, values)


def type_of(m: Machine, region: ObjectRegion) -> LocalType:
    """The struct that the object is made of."""
    return next(each for each in local_types(m.program.btf) if each.id == region.type)


def _present(m: Machine, *, usual: bool, known: bool | None = None) -> bool:
    """Whether there is one: by the script, as it is known, or drawn."""
    scripted = m.scripted()
    if scripted is not None:
        return scripted != 0
    return m.environment.chance(usual) if known is None else known


def _fresh(m: Machine, kind: LocalType) -> ObjectRegion:
    return ObjectRegion(kind.name, kind.id, kind.size, kind.fields, m.environment)


def _new(m: Machine, use_: ObjectUse, values: list[Value]) -> Value:
    number = m.number(values[0])
    kind = next((each for each in local_types(m.program.btf) if each.id == number), None)
    if kind is None:
        m.trap(rules.HELPER_ARGUMENT, f"R1: type {number} is no struct of the program's")
    if not _present(m, usual=True):
        return 0
    region = _fresh(m, kind)
    m.resources.acquire(region)
    return Pointer(region, 0)


def _object(m: Machine, value: Value, register: int) -> tuple[ObjectRegion, int]:
    region = value.region if isinstance(value, Pointer) else None
    if region is not None and region.gone is not None:
        m.trap(region.gone, f"R{register}: {region.name} is not the program's any more")
    if not isinstance(region, ObjectRegion) or not isinstance(value, Pointer):
        m.trap(rules.HELPER_ARGUMENT, f"R{register} is no object of the program's")
    return region, value.offset


def _drop(m: Machine, use_: ObjectUse, values: list[Value]) -> Value:
    region, offset = _object(m, values[0], 1)
    if offset:
        m.trap(rules.HELPER_ARGUMENT, f"R1 is {offset} bytes into {region.name}")
    m.resources.release(region)
    return UNDEFINED


def _count(m: Machine, use_: ObjectUse, values: list[Value]) -> Value:
    region, offset = _object(m, values[0], 1)
    if not type_of(m, region).is_counted():
        m.trap(rules.HELPER_ARGUMENT, f"R1: a {region.name} counts no references")
    if offset:
        m.trap(rules.HELPER_ARGUMENT, f"R1 is {offset} bytes into {region.name}")
    if m.resources.reference_of(region) is None and not _present(m, usual=True):
        return 0
    view = region.view(m.environment)
    region.shared = view.shared = True
    m.resources.acquire(view)
    return Pointer(view, 0)


def _container(m: Machine, value: Value, kind: MapFieldKind) -> tuple[Region, MapField, LocalType, int]:
    """The list or tree that R1 points to, and what it holds, linked where."""
    region = value.region if isinstance(value, Pointer) else None
    field = None
    if region is not None and isinstance(value, Pointer):
        field = next((f for f in region.special if f.kind is kind and f.offset == value.offset), None)
    if region is None or field is None:
        m.trap(rules.HELPER_ARGUMENT, f"R1 is no {kind.value}")
    locked = m.resources.lock
    if locked is None or locked[0] is not region:
        m.trap(rules.UNLOCKED, f"the lock of {region.name} is not held")
    held = contained(field, local_types(m.program.btf))
    if held is None:
        raise Abstain("a list or tree of which nothing is known")
    return region, field, *held


def _node(m: Machine, value: Value, kind: LocalType, link: int) -> ObjectRegion:
    region, offset = _object(m, value, 2)
    if region.type != kind.id or offset != link:
        m.trap(rules.HELPER_ARGUMENT, f"R2 is {value}, and no node of a {kind.name}")
    return region


def _push(m: Machine, use_: ObjectUse, values: list[Value]) -> Value:
    container, field, kind, link = _container(m, values[0], MapFieldKind.LIST_HEAD)
    return _link(m, container, field, _node(m, values[1], kind, link), first=use_ is ObjectUse.PUSH_FRONT)


def _link(m: Machine, container: Region, field: MapField, node: ObjectRegion, *, first: bool) -> Value:
    """The object is the container's, if it is in no other."""
    m.resources.lend(node)
    linked = container.linked.setdefault(field.offset, [])
    linked.insert(0 if first else len(linked), node.view(m.environment))
    return _done(m, node)


def _done(m: Machine, node: ObjectRegion) -> int:
    """0, or an error where the object is in another list or tree."""
    scripted = m.scripted()
    if scripted is not None:
        return scripted
    return 0 if not node.shared or m.environment.chance(True) else -EINVAL & U64


def _pop(m: Machine, use_: ObjectUse, values: list[Value]) -> Value:
    container, field, kind, link = _container(m, values[0], MapFieldKind.LIST_HEAD)
    linked = container.linked.setdefault(field.offset, [])
    if not _present(m, usual=False, known=True if linked else None):
        return 0
    node = linked.pop(0 if use_ is ObjectUse.POP_FRONT else -1) if linked else _fresh(m, kind)
    return _taken(m, node, link)


def _taken(m: Machine, node: Region, link: int) -> Value:
    assert isinstance(node, ObjectRegion)
    view = node.view(m.environment)
    m.resources.acquire(view)
    return Pointer(view, link)


def _add(m: Machine, use_: ObjectUse, values: list[Value]) -> Value:
    container, field, kind, link = _container(m, values[0], MapFieldKind.RB_ROOT)
    node, less = _node(m, values[1], kind, link), values[2]
    if not isinstance(less, Pointer) or less.region is not m.code_region:
        m.trap(rules.HELPER_ARGUMENT, "R3 is no function")
    linked = container.linked.setdefault(field.offset, [])
    m.resources.lend(node)
    if _present(m, usual=False, known=True if linked else None):
        other = _seen(m, linked, kind)
        m.registers[1:6] = [Pointer(node, link), Pointer(other, link), *m.scratched(3)]
        m.run_callback(less.offset)
        if m.number(m.read(0)) > 1:
            m.trap(rules.RETURN_RANGE, "the comparison returned neither 0 nor 1")
    linked.append(node.view(m.environment))
    return _done(m, node)


def _seen(m: Machine, linked: list[Region], kind: LocalType) -> Region:
    """An object of a tree, which stays in it."""
    if not linked:
        linked.append(_fresh(m, kind))
    node = linked[0]
    assert isinstance(node, ObjectRegion)
    view = node.view(m.environment)
    m.resources.borrow(view)
    return view


def _first(m: Machine, use_: ObjectUse, values: list[Value]) -> Value:
    container, field, kind, link = _container(m, values[0], MapFieldKind.RB_ROOT)
    linked = container.linked.setdefault(field.offset, [])
    if not _present(m, usual=False, known=True if linked else None):
        return 0
    if len(linked) > 1:
        m.environment.drawn = True  # which is the first the comparison says, which was not made of all
    return Pointer(_seen(m, linked, kind), link)


def _remove(m: Machine, use_: ObjectUse, values: list[Value]) -> Value:
    container, field, kind, link = _container(m, values[0], MapFieldKind.RB_ROOT)
    node = _node(m, values[1], kind, link)
    linked = container.linked.setdefault(field.offset, [])
    left = [each for each in linked if each.data is not node.data]
    if not _present(m, usual=True, known=len(left) < len(linked)):
        return 0
    container.linked[field.offset] = left
    return _taken(m, node, link)


_USES: dict[ObjectUse, Callable[[Machine, ObjectUse, list[Value]], Value]] = {
    ObjectUse.NEW: _new, ObjectUse.DROP: _drop, ObjectUse.COUNT: _count, ObjectUse.PUSH_FRONT: _push,
    ObjectUse.PUSH_BACK: _push, ObjectUse.POP_FRONT: _pop, ObjectUse.POP_BACK: _pop, ObjectUse.ADD: _add,
    ObjectUse.FIRST: _first, ObjectUse.REMOVE: _remove,
}  # fmt: skip
