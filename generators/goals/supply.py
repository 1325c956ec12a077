"""Chaining backwards: a call, and before it the calls that give what it takes."""

from __future__ import annotations

from ebpf.helpers.prototype import Arg, Prototype, ResultKind
from ebpf.helpers.prototype import ArgKind as A
from ebpf.isa import opcodes as o
from ebpf.isa.build import R0, R10, REGISTERS, load_map, mov64, store
from generators.attempts import DoesNotFit
from generators.builder import Builder
from generators.constants import immediate
from generators.goals.callees import WANTED, givers
from generators.goals.chain import Chain, Place
from generators.goals.map_templates import add_map, templates_for
from generators.layout import INPUT_BASE, INPUT_BYTES, KEY_SLOT
from generators.productions.helpers import FIXED, MEMORY, VALUES
from generators.releasing import fetch
from generators.steps import anything_in, to_stack

FITTING: dict[tuple[str, int], tuple[int, ...]] = {
    ("ringbuf_reserve", 3): (0,), ("ringbuf_submit", 2): (0, 1, 2), ("ringbuf_discard", 2): (0, 1, 2),
    ("ringbuf_output", 4): (0, 1, 2), ("ringbuf_query", 2): (0, 1, 2, 3),
    ("map_update_elem", 4): (0, 1, 2), ("map_push_elem", 3): (0, 2), ("map_lookup_percpu_elem", 3): (0, 1),
    **{(name, 4): (-1, 0) for name in ("sk_lookup_tcp", "sk_lookup_udp", "skc_lookup_tcp")},
    **{(name, 5): (0,) for name in ("sk_lookup_tcp", "sk_lookup_udp", "skc_lookup_tcp")},
    ("sk_storage_get", 4): (0, 1), ("redirect_map", 3): (0, 1, 2),
    ("get_local_storage", 2): (0,), ("get_stackid", 3): (0, 1 << 8, 1 << 9), ("tail_call", 3): (0, 1, 5),
}  # fmt: skip
"""By helper and argument: numbers that mean something."""
LAST = ("tail_call",)
"""What may end the program: nothing may be held."""
TUPLE_SIZES = (12, 36)
"""Of struct bpf_sock_tuple: ports and addresses of IPv4, or of IPv6."""


class Supply(Chain):
    """A goal that helpers reach."""

    __slots__ = ()

    def call(self, prototype: Prototype, budget: int) -> Place | None:
        """Call it; where the pointer is that it gave."""
        b = self.b
        if budget == 0 or (b.state.held and prototype.name in LAST):
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
        if prototype.result.nullable:
            self.check_null()
        return self.keep()

    def _have(self, kind: A, referenced: bool, budget: int) -> Place:
        """Where such a pointer is: there is one already, or a call gives it."""
        kinds = WANTED[kind]
        found = self.find(lambda pointer: pointer.kind in kinds, referenced)
        if found is not None:
            return found
        b = self.b
        options = givers(kinds, referenced, b.type, b.attach_type, b.profile.linux, b.may_sleep)
        if not options:
            raise DoesNotFit
        place = self.call(self.dice.of(options), budget - 1)
        if place is None:
            raise DoesNotFit
        return place

    def _pass(self, prototype: Prototype, places: dict[int, Place]) -> None:
        """Put what it takes into R1 to R5."""
        b = self.b
        index = self._map(prototype)
        size = 0
        self.fill_input()
        if any(arg.kind is A.MAP_KEY for arg in prototype.args):
            self._key(b.maps[index].key_size)
        for at, arg in enumerate(prototype.args, 1):
            register = REGISTERS[at]
            if at in places:
                fetch(b, register, places[at])
            elif arg.kind in (A.CTX, A.CTX_OR_NULL):
                self.context(register)
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
