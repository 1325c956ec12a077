"""Calls about objects of the program's own: what they give, and whose those are that they take."""

from __future__ import annotations

from dataclasses import replace

from ebpf.isa.build import R1, R2
from ebpf.kfuncs import ObjectUse
from ebpf.maps import CONTAINERS
from generators.local_types import BY_ID, LOCAL_TYPES
from generators.state import ANY, Content, GenerationState, K, KnownPointer, Number, PointerKind
from generators.transfer.world import World

_LINKS = (ObjectUse.PUSH_FRONT, ObjectUse.PUSH_BACK, ObjectUse.ADD)


def object_given(state: GenerationState, use: ObjectUse, world: World) -> Content | None:
    """R0 after the call."""
    if use in _LINKS:
        return ANY
    if use is ObjectUse.DROP:
        return None
    given = state.registers.get(R1)
    number = world.fresh()
    if use is ObjectUse.NEW:
        if type(given) is not Number or given.low not in BY_ID:
            return None
        kind = BY_ID[given.low]
        return KnownPointer(
            PointerKind.OBJECT, kind.size, nullable=True, id=number, reference=number, struct=kind.name
        )
    if type(given) is not KnownPointer:
        return None
    if use is ObjectUse.COUNT:
        return replace(given, nullable=not given.reference, id=number, reference=number, trusted=True)
    return _found(given, use, number, world)


def _found(place: KnownPointer, use: ObjectUse, number: int, world: World) -> Content | None:
    """The link of what is in the list or tree to which R1 points."""
    spec = world.maps[place.map] if place.map >= 0 else None
    field = next((f for f in spec.fields if f.kind in CONTAINERS), None) if spec is not None else None
    if field is None:
        return None
    struct, _, member = field.to.partition(":")
    kind = LOCAL_TYPES[struct]
    link = kind.offset(member) or 0
    held = use is not ObjectUse.FIRST
    return KnownPointer(
        PointerKind.OBJECT,
        kind.size - link,
        nullable=True,
        offset=link,
        id=number,
        reference=number if held else 0,
        trusted=held,
        struct=struct,
    )


def lend(state: GenerationState, use: ObjectUse) -> None:
    """What is put into a list or tree is not held any more, and known until its lock is given back."""
    given = state.registers.get(R2)
    if use not in _LINKS or type(given) is not KnownPointer or not given.reference:
        return
    state.held = tuple(resource for resource in state.held if resource.id != given.reference)
    _lend(state.registers, given.reference)
    _lend(state.slots, given.reference)


def _lend(contents: dict[K, Content], reference: int) -> None:
    for key, content in contents.items():
        if type(content) is KnownPointer and content.reference == reference:
            contents[key] = replace(content, reference=0, trusted=False)


def forget_borrowed(state: GenerationState, kind: PointerKind) -> None:
    """What is not held is kept no longer."""
    _forget(state.registers, kind)
    _forget(state.slots, kind)


def _forget(contents: dict[K, Content], kind: PointerKind) -> None:
    for key in [
        k for k, c in contents.items() if type(c) is KnownPointer and c.kind is kind and not c.trusted
    ]:
        del contents[key]
