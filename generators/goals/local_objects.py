"""Objects of the program's own: made, filled, held twice, put into lists and trees, taken out, dropped."""

from __future__ import annotations

from dataclasses import dataclass

from ebpf.btf.local_types import LocalType
from ebpf.isa import opcodes as o
from ebpf.isa.build import R0, R1, R2, R3, R4, R5, Register, add64, goto, jump, leave, load, mov64, store
from ebpf.kfuncs.hooks import Hook
from ebpf.maps import MapField, MapFieldKind, MapSpec, MapType
from ebpf.program_rules import TRACING
from ebpf.program_types import ProgramType
from generators import conditions as needs
from generators.builder import Builder
from generators.constants import immediate
from generators.dice import Dice
from generators.goals.chain import Chain, Place
from generators.goals.map_templates import add_map
from generators.local_types import ITEM, LEAF, LOCAL_TYPES, PLAIN, SHARED
from generators.maps import takes
from generators.productions.table import Production
from generators.releasing import fetch
from generators.scopes import StaticFunction
from generators.steps import anything_in, constant_key, map_and_key

CONTAINER_AT = 8
"""Where in a value the list or tree is; its lock comes first."""


@dataclass(frozen=True, slots=True)
class Container:
    """A list or tree in a map's value, of objects linked by ``member``."""

    kind: MapFieldKind
    holds: LocalType
    member: str

    @property
    def link(self) -> int:
        """Where the link is in what it holds."""
        offset = self.holds.offset(self.member)
        assert offset is not None
        return offset

    def spec(self, kind: MapType) -> MapSpec:
        """A map of values that hold one."""
        fields = (
            MapField(0, MapFieldKind.SPIN_LOCK),
            MapField(CONTAINER_AT, self.kind, f"{self.holds.name}:{self.member}"),
        )
        return MapSpec(kind, 4, 24, 2, fields=fields)


LISTS = tuple(Container(MapFieldKind.LIST_HEAD, *held) for held in ((ITEM, "link"), (SHARED, "item")))
TREES = tuple(Container(MapFieldKind.RB_ROOT, *held) for held in ((LEAF, "link"), (SHARED, "leaf")))
_MAPS = (MapType.ARRAY, MapType.HASH)


def may_have_objects(b: Builder) -> bool:
    """Whether the program may make objects."""
    return b.profile.kernel_functions and Hook.GENERIC.allows(b.type, b.profile.release)


def may_link(b: Builder) -> bool:
    """Whether it may put them into lists and trees."""
    spec = LISTS[0].spec(MapType.ARRAY)
    return may_have_objects(b) and b.has_helper("spin_lock") and takes(b, spec) and not _interrupts(b)


def _interrupts(b: Builder) -> bool:
    """Whether the program may interrupt anything, and so not give back what takes a lock (seen: 7.3.4; 6.12
    is not so strict to those attached to functions)."""
    return b.type in TRACING or (b.type is ProgramType.TRACING and b.profile.knows("6.13"))


class ObjectSupply(Chain):
    """A goal with objects of the program's."""

    __slots__ = ("container", "value")
    container: Container
    value: Place

    def make(self, kind: LocalType) -> Place:
        """A new object, filled; where there is none the goal ends."""
        b, dice = self.b, self.dice
        b.emit(mov64(R1, kind.id))
        b.call_kfunc("bpf_obj_new_impl")
        self.check_null()
        for offset, _ in kind.words:
            if dice.pick(4):
                b.emit(store(o.DW, R0, offset, immediate(dice)))
        return self.keep()

    def count(self, place: Place) -> Place:
        """The object is held once more."""
        b = self.b
        fetch(b, R1, place)
        b.call_kfunc("bpf_refcount_acquire_impl")
        return self.keep()

    def look(self, place: Place, kind: LocalType, moved: int = 0) -> None:
        """Read or write one of its numbers; ``moved``: how far into it the pointer points."""
        b, dice = self.b, self.dice
        fetch(b, R1, place)
        offset, _ = dice.of(kind.words)
        if dice.pick(2):
            b.emit(store(o.DW, R1, offset - moved, immediate(dice)))
        else:
            b.emit(load(o.DW, R0, R1, offset - moved))
            anything_in(b, R0)
        b.drop(R1)

    def find_value(self, container: Container) -> None:
        """Look up a value with such a list or tree; where there is none the goal ends."""
        b = self.b
        self.container = container
        constant_key(b, self.dice.pick(2))
        map_and_key(b, add_map(b, container.spec(self.dice.of(_MAPS))))
        b.call_helper("map_lookup_elem")
        self.check_null()
        self.value = self.keep()

    def lock(self) -> None:
        """Take the value's lock."""
        fetch(self.b, R1, self.value)
        self.b.call_helper("spin_lock")

    def unlock(self) -> None:
        """Give it back."""
        fetch(self.b, R1, self.value)
        self.b.call_helper("spin_unlock")
        anything_in(self.b, R0)

    def point(self, register: Register = R1, offset: int = CONTAINER_AT) -> None:
        """Let the register point to the list or tree."""
        fetch(self.b, register, self.value)
        self.b.emit(add64(register, offset))

    def link(self, place: Place) -> int:
        """Put the object into the list or tree and return the call's slot; R0 is a number."""
        b, container = self.b, self.container
        fetch(b, R2, place)
        if container.link:
            b.emit(add64(R2, container.link))
        self.point()
        if container.kind is MapFieldKind.RB_ROOT:
            b.load_callback(R3, comparison(container))
            b.emit(mov64(R5, 0))
            at = b.call_kfunc("bpf_rbtree_add_impl")
        else:
            b.emit(mov64(R4, 0))
            at = b.call_kfunc(self.dice.of(("bpf_list_push_front_impl", "bpf_list_push_back_impl")))
        anything_in(b, R0)
        return at

    def pop(self) -> int:
        """R0 is the first or last of the list, or null.  The call's slot."""
        self.point()
        return self.b.call_kfunc(self.dice.of(("bpf_list_pop_front", "bpf_list_pop_back")))

    def first(self) -> int:
        """R0 is the first of the tree, or null.  The call's slot."""
        self.point()
        return self.b.call_kfunc("bpf_rbtree_first")

    def remove(self) -> int:
        """Take what R0 points to out of the tree; R0 is that, or null.  The call's slot."""
        b = self.b
        b.emit(mov64(R2, R0))
        self.point()
        return b.call_kfunc("bpf_rbtree_remove")

    def forget_value(self) -> None:
        """The value is not used any more."""
        if isinstance(self.value, Register):
            self.b.drop(self.value)
        else:
            self.b.drop_slot(self.value)


def comparison(container: Container) -> StaticFunction:
    """Which of two objects of a tree has the smaller key."""
    key = container.holds.words[0][0] - container.link
    return StaticFunction((
        load(o.DW, R1, R1, key), load(o.DW, R2, R2, key), mov64(R0, 1), jump(o.JLT, R1, R2, 1), mov64(R0, 0),
        leave(),
    ))  # fmt: skip


def _alone(supply: ObjectSupply) -> None:
    """One of any type, looked at and perhaps held twice."""
    kind = PLAIN if _interrupts(supply.b) else supply.dice.of(list(LOCAL_TYPES.values()))
    place = supply.make(kind)
    supply.look(place, kind)
    if kind.is_counted() and supply.dice.pick(2):
        supply.look(supply.count(place), kind)


def _link(supply: ObjectSupply) -> None:
    """Put one into the list or tree; one that counts is perhaps held on."""
    container, dice = supply.container, supply.dice
    place = supply.make(container.holds)
    if container.holds.is_counted() and dice.pick(2):
        supply.count(place)
    supply.lock()
    supply.link(place)
    if dice.pick(2):
        supply.look(place, container.holds)
    supply.unlock()


def _take(supply: ObjectSupply) -> None:
    """Take one out of the list or tree."""
    b, container = supply.b, supply.container
    supply.lock()
    if container.kind is MapFieldKind.LIST_HEAD:
        supply.pop()
        nothing = None
    else:
        supply.first()
        nothing = b.branch(jump(o.JEQ, R0, 0))
        supply.remove()
    place = supply.keep()
    supply.unlock()
    fetch(b, R0, place)
    supply.check_null()
    supply.look(place, container.holds, container.link)
    if nothing is not None:
        over = b.skip(goto())
        b.resume(nothing)
        supply.unlock()
        supply.nothing.append(b.skip(goto()))
        b.resume(over)


def _use_objects(b: Builder, dice: Dice) -> bool:
    if not b.gpl or not may_have_objects(b):
        return False
    with b.attempt() as attempt:
        supply = ObjectSupply(b, dice, stays=False)
        if not may_link(b) or dice.pick(5) == 4:
            _alone(supply)
        else:
            supply.find_value(dice.of((*LISTS, *TREES)))
            for use in dice.of(((_link,), (_take,), (_link, _take), (_link, _link))):
                use(supply)
            supply.forget_value()
        supply.finish()
        attempt.keep()
    return attempt.kept


_NEEDS = (needs.HAS_GOALS, needs.MAY_CALL, needs.OUTSIDE_LOOPS)
PRODUCTIONS = (Production("local-object", 4, _use_objects, _NEEDS),)
