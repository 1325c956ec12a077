"""Chaining backwards: a call, and before it the calls that give what it takes."""

from __future__ import annotations

from ebpf.helpers.prototype import Arg, Prototype, ResultKind
from ebpf.helpers.prototype import ArgKind as A
from ebpf.isa import opcodes as o
from ebpf.isa.build import R0, R1, R10, REGISTERS, Register, load, load_map, load_map_value, mov64, store
from ebpf.kernel_variables import PER_CPU
from ebpf.kfuncs import KernelFunction
from ebpf.maps import MapSpec, MapType
from generators.attempts import DoesNotFit
from generators.builder import Builder
from generators.constants import immediate
from generators.goals.called_back import CALLED_BACK
from generators.goals.callees import Giver, caller_of, givers
from generators.goals.chain import Place
from generators.goals.kernel_functions import KernelSupply
from generators.goals.map_templates import add_map, templates_for
from generators.goals.wishes import ContextPointer, Wish, wish_of
from generators.layout import INPUT_BASE, INPUT_BYTES, INPUT_SLOTS, KEY_SLOT
from generators.maps import READ_ONLY
from generators.productions.helpers import FIXED, MEMORY, VALUES
from generators.releasing import fetch
from generators.steps import anything_in, constant_key, map_and_key, to_stack

FITTING: dict[tuple[str, int], tuple[int, ...]] = {
    ("ringbuf_reserve", 3): (0,), ("ringbuf_submit", 2): (0, 1, 2), ("ringbuf_discard", 2): (0, 1, 2),
    ("ringbuf_output", 4): (0, 1, 2), ("ringbuf_query", 2): (0, 1, 2, 3),
    ("map_update_elem", 4): (0, 1, 2), ("map_push_elem", 3): (0, 2), ("map_lookup_percpu_elem", 3): (0, 1),
    **{(name, 4): (-1, 0) for name in ("sk_lookup_tcp", "sk_lookup_udp", "skc_lookup_tcp")},
    **{(name, 5): (0,) for name in ("sk_lookup_tcp", "sk_lookup_udp", "skc_lookup_tcp")},
    ("sk_storage_get", 4): (0, 1), ("redirect_map", 3): (0, 1, 2),
    ("get_local_storage", 2): (0,), ("get_stackid", 3): (0, 1 << 8, 1 << 9), ("tail_call", 3): (0, 1, 5),
    ("get_stack", 4): (0, 1 << 8), ("get_task_stack", 4): (0, 1 << 8),
    **{(f"{owner}_storage_get", 4): (0, 1) for owner in ("task", "cgrp", "inode")},
    ("find_vma", 5): (0,), ("user_ringbuf_drain", 4): (0, 1, 2),
    ("per_cpu_ptr", 2): (0, 1),
    # Since 7.3 no kernel takes another number for certain.
    ("set_retval", 1): (0, -1, -22),
    # A signal of number 0 reaches nobody.
    ("send_signal", 1): (0,), ("send_signal_thread", 1): (0,),
}  # fmt: skip
"""By helper and argument: numbers that mean something."""
LAST = ("tail_call",)
"""What may end the program: nothing may be held."""
TUPLE_SIZES = (12, 36)
"""Of struct bpf_sock_tuple: ports and addresses of IPv4, or of IPv6."""


FORMATS = (b"plain", b"n %d", b"%x and %llu", b"%c%%")
"""Texts that printing helpers take, with at most two conversions."""
PEEK_POISONED_SINCE = "7.1"
"""Since then a value that only a look into a Bloom filter reads must be written in the same block
(docs/known-issues.md, bloom-peek-poisoned)."""
_SIZE_OF_FORMAT, _ARGUMENTS = 16, 16
PRINTING = {"trace_printk": 1, "trace_vprintk": 1, "seq_printf": 2}
"""By helper: which argument is such a text, on the stack."""


class Supply(KernelSupply):
    """A goal that helpers reach."""

    __slots__ = ()

    def call(self, prototype: Prototype, budget: int) -> Place | None:
        """Call it; where the pointer is that it gave."""
        b = self.b
        if budget == 0 or (b.state.held and prototype.name in LAST):
            raise DoesNotFit
        places = {
            at: self._have_for(wish, prototype.releases == at, budget)
            for at, arg in enumerate(prototype.args, 1)
            if (wish := wish_of(arg)) is not None
        }
        self._pass(prototype, places)
        b.call_helper(prototype.name)
        if prototype.name in CALLED_BACK:
            for slot in INPUT_SLOTS:
                b.widen_slot(slot)
        if prototype.result in (ResultKind.INTEGER, ResultKind.VOID):
            if prototype.result is ResultKind.VOID or _sign_is_lost(b, prototype):
                anything_in(b, R0)
            return None
        if prototype.result.nullable:
            self.check_null()
        return self.keep()

    def _have_for(self, wish: Wish, referenced: bool, budget: int) -> Place | None:
        """Where such a pointer is: there is one already, or something gives it; None for null."""
        nullable = self.b.profile.knows(wish.null_since)
        if nullable and self.dice.pick(3) == 2:
            return None
        found = self.find(lambda p: p.trusted and wish.takes(p.kind, p.struct), referenced)
        if found is not None:
            return found
        options = givers(wish, referenced, caller_of(self.b))
        if not options:
            if nullable:
                return None
            raise DoesNotFit
        return self._get(self.dice.of(options), budget - 1)

    def _get(self, giver: Giver, budget: int) -> Place:
        """Have the pointer given; where it is."""
        place: Place | None = None
        if isinstance(giver, Prototype):
            place = self.call(giver, budget)
        elif isinstance(giver, KernelFunction):
            place = self.call_function(giver, budget)
        elif isinstance(giver, ContextPointer):
            place = self._load_from_context(giver)
        else:
            place = self._look_up_socket(giver)
        if place is None:
            raise DoesNotFit
        return place

    def _load_from_context(self, source: ContextPointer) -> Place:
        b = self.b
        self.context(R1)
        b.emit(load(o.DW, R0, R1, source.offset))
        for offset in source.inside:
            b.emit(load(o.DW, R0, R0, offset))
        b.drop(R1)
        if source.pointer.nullable:
            self.check_null()
        return self.keep()

    def _look_up_socket(self, spec: MapSpec) -> Place:
        b = self.b
        constant_key(b, self.dice.pick(3))
        map_and_key(b, add_map(b, spec))
        b.call_helper("map_lookup_elem")
        self.check_null()
        return self.keep()

    def _pass(self, prototype: Prototype, places: dict[int, Place | None]) -> None:
        """Put what it takes into R1 to R5."""
        b = self.b
        index = self._map(prototype)
        self.fill_input()
        if prototype.name in PRINTING:
            b.emit(store(o.DW, R10, INPUT_BASE, int.from_bytes(b" %d", b.profile.byte_order.word)))
        if prototype.name == "map_peek_elem" and b.profile.knows(PEEK_POISONED_SINCE):
            b.emit(store(o.DW, R10, INPUT_BASE, self.dice.pick(256)))
        if any(arg.kind is A.MAP_KEY for arg in prototype.args):
            self._key(b.maps[index].key_size)
        memory = _Rooms()
        for at, arg in enumerate(prototype.args, 1):
            register = REGISTERS[at]
            if at in places:
                self._pass_pointer(register, places[at])
            elif arg.kind in (A.CTX, A.CTX_OR_NULL):
                self.context(register)
            elif arg.kind is A.CONST_MAP:
                b.emit_wide(load_map(register, index))
            elif arg.kind is A.MAP_KEY:
                to_stack(b, register, KEY_SLOT)
            elif arg.kind in _ROOMS:
                to_stack(b, register, memory.next())
            elif arg.kind in (A.SIZE, A.SIZE_OR_ZERO):
                b.emit(mov64(register, self._size(prototype, at, memory)))
            else:
                self._pass_other(prototype, at, arg, register)

    def _pass_pointer(self, register: Register, place: Place | None) -> None:
        if place is None:
            self.b.emit(mov64(register, 0))
        else:
            fetch(self.b, register, place)

    def _pass_other(self, prototype: Prototype, at: int, arg: Arg, register: Register) -> None:
        b, dice = self.b, self.dice
        if arg.kind is A.CONST_STR:
            b.emit_wide(load_map_value(register, add_map(b, text_map(dice.of(FORMATS)))))
        elif arg.kind is A.PERCPU_BTF_ID:
            b.load_variable(register, dice.of(tuple(PER_CPU)))
        elif arg.kind is A.FUNC:
            b.load_callback(register, CALLED_BACK[prototype.name](dice))
        elif arg.kind is A.STACK_OR_NULL:
            to_stack(b, register, INPUT_BASE)
        else:
            b.emit(mov64(register, self._number(prototype, at, arg)))

    def _map(self, prototype: Prototype) -> int:
        if prototype.maps is None:
            return 0
        b = self.b
        return add_map(
            b,
            self.dice.of(templates_for(prototype.name, prototype.maps, b.type, b.profile.linux, b.sleepable)),
        )

    def _key(self, size: int) -> None:
        b = self.b
        if size > 4:
            # Of a trie, the length of the prefix in bits comes first.
            b.emit(store(o.DW, R10, KEY_SLOT, self.dice.pick(33)))
            b.drop_slot(KEY_SLOT)
        else:
            b.emit(store(o.W, R10, KEY_SLOT, self.dice.pick(5)))

    def _size(self, prototype: Prototype, at: int, memory: _Rooms) -> int:
        if "lookup" in prototype.name:
            return self.dice.of(TUPLE_SIZES)
        if prototype.name == "snprintf" and at == len(prototype.args):
            return _ARGUMENTS  # eight bytes for each conversion
        if PRINTING.get(prototype.name) == at - 1:
            return 8
        return 1 + self.dice.pick(memory.size)

    def _number(self, prototype: Prototype, at: int, arg: Arg) -> int:
        if arg.kind is A.ALLOC_SIZE_OR_ZERO:
            return 8 << self.dice.pick(4)
        fitting = FITTING.get((prototype.name, at))
        return self.dice.of(fitting) if fitting else self.dice.of((0, immediate(self.dice)))


_ROOMS = MEMORY | FIXED | VALUES


class _Rooms:
    """Memory on the stack for two arguments that want some: what a helper writes to is nothing that it reads
    by the other."""

    size = INPUT_BYTES // 2

    def __init__(self) -> None:
        self._given = 0

    def next(self) -> int:
        """Where the next argument's memory begins, as an offset from R10."""
        place = INPUT_BASE + self.size * min(self._given, 1)
        self._given += 1
        return place


def text_map(text: bytes) -> MapSpec:
    """A map that holds nothing but this text, which nobody can change."""
    contents = ((bytes(4), text.ljust(_SIZE_OF_FORMAT, b"\0")),)
    return MapSpec(MapType.ARRAY, 4, _SIZE_OF_FORMAT, 1, READ_ONLY, contents=contents)


def _sign_is_lost(b: Builder, prototype: Prototype) -> bool:
    """Before Linux 6.4 operations on maps return an int, of which the JIT keeps no sign (d7ba4cc900bf)."""
    return prototype.name.startswith("map_") and not b.profile.knows("6.4")
