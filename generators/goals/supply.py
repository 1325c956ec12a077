"""Chaining backwards: a call, and before it the calls that give what it takes."""

from __future__ import annotations

from dataclasses import dataclass, field

from ebpf.helpers.prototype import Arg, Prototype, ResultKind
from ebpf.helpers.prototype import ArgKind as A
from ebpf.isa import opcodes as o
from ebpf.isa.build import R0, R10, REGISTERS, Register, goto, jump, load_map, mov64, store
from generators.attempts import DoesNotFit
from generators.builder import Builder
from generators.constants import immediate
from generators.dice import Dice
from generators.goals.callees import WANTED, givers
from generators.goals.map_templates import add_map, templates_for
from generators.layout import INPUT_BASE, INPUT_BYTES, INPUT_SLOTS, KEPT_SLOTS, KEY_SLOT
from generators.productions.helpers import FIXED, MEMORY, VALUES
from generators.releasing import fetch, release_all
from generators.resources import Resource
from generators.scopes import PendingJump
from generators.state import KnownPointer, PointerKind
from generators.steps import anything_in, to_stack

Place = Register | int
"""A register, or a slot's offset from R10."""
FITTING: dict[tuple[str, int], tuple[int, ...]] = {
    ("ringbuf_reserve", 3): (0,), ("ringbuf_submit", 2): (0, 1, 2), ("ringbuf_discard", 2): (0, 1, 2),
    ("ringbuf_output", 4): (0, 1, 2), ("ringbuf_query", 2): (0, 1, 2, 3),
    ("map_update_elem", 4): (0, 1, 2), ("map_push_elem", 3): (0, 2), ("map_lookup_percpu_elem", 3): (0, 1),
    **{(name, 4): (-1, 0) for name in ("sk_lookup_tcp", "sk_lookup_udp", "skc_lookup_tcp")},
    **{(name, 5): (0,) for name in ("sk_lookup_tcp", "sk_lookup_udp", "skc_lookup_tcp")},
    ("sk_storage_get", 4): (0, 1), ("redirect_map", 3): (0, 1, 2),
}  # fmt: skip
"""By helper and argument: numbers that mean something."""
TUPLE_SIZES = (12, 36)
"""Of struct bpf_sock_tuple: ports and addresses of IPv4, or of IPv6."""


@dataclass(slots=True)
class Supply:
    """One goal being reached."""

    b: Builder
    dice: Dice
    stays: bool
    """Whether what is acquired is left to the epilogue; where it was not to be had, the program then
    leaves."""
    before: tuple[Resource, ...] = field(init=False)
    """What was held before the goal."""
    nothing: list[PendingJump] = field(default_factory=list)
    """Taken where a call gave null."""

    def __post_init__(self) -> None:
        self.before = self.b.state.held

    def call(self, prototype: Prototype, budget: int) -> Place | None:
        """Call it; where the pointer is that it gave."""
        b = self.b
        if budget == 0:
            raise DoesNotFit
        places = {
            at: self._have(arg.kind, prototype.releases == at, budget)
            for at, arg in enumerate(prototype.args, 1)
            if arg.kind in WANTED
        }
        self._pass(prototype, places)
        b.call_helper(prototype.name)
        if prototype.result in (ResultKind.INTEGER, ResultKind.VOID):
            if prototype.result is ResultKind.VOID or _sign_is_lost(b, prototype):
                anything_in(b, R0)
            return None
        self.check_null()
        return self._keep()

    def finish(self) -> None:
        """Give back what is not to stay, and come together with the paths on which there was nothing."""
        b = self.b
        if not self.stays:
            release_all(b, self.before, self.dice.pick(2))
        for taken in self.nothing:
            if taken.state.held == b.state.held:
                b.land(taken)
                continue
            over = b.skip(goto())
            b.resume(taken)
            release_all(b, self.before)
            b.land(over)

    def check_null(self) -> None:
        """Where R0 is null the goal ends, or the program."""
        null = jump(o.JEQ, R0, 0)
        if self.stays:
            self.b.leave_to_exit(null)
        else:
            self.nothing.append(self.b.branch(null))

    def _keep(self) -> Place:
        """Take the pointer in R0 to where calls leave it."""
        b = self.b
        free = [register for register in b.state.free() if register > 5]
        slots = [slot for slot in KEPT_SLOTS if slot not in b.state.slots]
        if not free and not slots:
            raise DoesNotFit
        place: Place = free[-1] if free and (not slots or self.dice.pick(2)) else slots[0]
        b.emit(mov64(place, R0) if isinstance(place, Register) else store(o.DW, R10, place, R0))
        b.drop(R0)
        return place

    def _have(self, kind: A, referenced: bool, budget: int) -> Place:
        """Where such a pointer is: there is one already, or a call gives it."""
        kinds = WANTED[kind]
        found = self._find(kinds, referenced)
        if found is not None:
            return found
        b = self.b
        options = givers(kinds, referenced, b.type, b.attach_type, b.profile.linux)
        if not options:
            raise DoesNotFit
        place = self.call(self.dice.of(options), budget - 1)
        if place is None:
            raise DoesNotFit
        return place

    def _find(self, kinds: frozenset[PointerKind], referenced: bool) -> Place | None:
        state = self.b.state
        places: list[tuple[Place, object]] = [(r, c) for r, c in state.registers.items() if r > 5]
        places += list(state.slots.items())
        ours = {resource.id for resource in state.held if resource not in self.before}
        for place, content in places:
            if not isinstance(content, KnownPointer) or content.nullable or content.kind not in kinds:
                continue
            if not referenced or (content.reference == content.id and content.reference in ours):
                return place
        return None

    def _pass(self, prototype: Prototype, places: dict[int, Place]) -> None:
        """Put what it takes into R1 to R5."""
        b, dice = self.b, self.dice
        index = self._map(prototype)
        size = 0
        for slot in INPUT_SLOTS:
            if slot not in b.state.slots:
                b.emit(store(o.DW, R10, slot, dice.pick(256)))
        if any(arg.kind is A.MAP_KEY for arg in prototype.args):
            self._key(b.maps[index].key_size)
        for at, arg in enumerate(prototype.args, 1):
            register = REGISTERS[at]
            if at in places:
                fetch(b, register, places[at])
            elif arg.kind in (A.CTX, A.CTX_OR_NULL):
                self._context(register)
            elif arg.kind is A.CONST_MAP:
                b.emit_wide(load_map(register, index))
            elif arg.kind is A.MAP_KEY:
                to_stack(b, register, KEY_SLOT)
            elif arg.kind in MEMORY | FIXED | VALUES:
                to_stack(b, register, INPUT_BASE)
                size = self._size(prototype)
            elif arg.kind in (A.SIZE, A.SIZE_OR_ZERO):
                b.emit(mov64(register, size))
            else:
                b.emit(mov64(register, self._number(prototype, at, arg)))

    def _map(self, prototype: Prototype) -> int:
        if prototype.maps is None:
            return 0
        b = self.b
        return add_map(
            b, self.dice.of(templates_for(prototype.name, prototype.maps, b.type, b.profile.linux))
        )

    def _key(self, size: int) -> None:
        b = self.b
        if size > 4:
            # Of a trie, the length of the prefix in bits comes first.
            b.emit(store(o.DW, R10, KEY_SLOT, self.dice.pick(33)))
            b.drop_slot(KEY_SLOT)
        else:
            b.emit(store(o.W, R10, KEY_SLOT, self.dice.pick(5)))

    def _context(self, register: Register) -> None:
        contexts = [r for r in self.b.state.pointers(PointerKind.CONTEXT) if r > 5]
        if not contexts:
            raise DoesNotFit
        self.b.emit(mov64(register, contexts[0]))

    def _size(self, prototype: Prototype) -> int:
        if "lookup" in prototype.name:
            return self.dice.of(TUPLE_SIZES)
        return 1 + self.dice.pick(INPUT_BYTES // 2)

    def _number(self, prototype: Prototype, at: int, arg: Arg) -> int:
        if arg.kind is A.ALLOC_SIZE_OR_ZERO:
            return 8 << self.dice.pick(4)
        fitting = FITTING.get((prototype.name, at))
        return self.dice.of(fitting) if fitting else self.dice.of((0, immediate(self.dice)))


def _sign_is_lost(b: Builder, prototype: Prototype) -> bool:
    """Before Linux 6.4 operations on maps return an int, of which the JIT keeps no sign (d7ba4cc900bf)."""
    return prototype.name.startswith("map_") and not b.profile.knows("6.4")
