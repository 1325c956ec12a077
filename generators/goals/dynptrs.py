"""Dynptrs: made of a map's value, of a record or of the packet, asked, narrowed, copied, read and written,
and given back where they must be."""

from __future__ import annotations

from collections.abc import Callable

from ebpf.isa import opcodes as o
from ebpf.isa.build import R0, R1, R2, R3, R4, R5, jump, load, load_map, load_map_value, mov64, store
from ebpf.maps import MapSpec, MapType
from ebpf.program_types import ProgramType
from generators import conditions as needs
from generators.builder import Builder
from generators.constants import immediate
from generators.dice import Dice
from generators.goals.kernel_functions import KernelSupply, offered
from generators.goals.map_templates import add_map
from generators.layout import CLONE_BASE, INPUT_BASE, OBJECT_BASE
from generators.productions.table import Production
from generators.state import PointerKind
from generators.steps import SIZES, anything_in, to_stack

VALUE = 24
"""Bytes of the value that a dynptr is made of, and of a record."""
_MEMORY = MapSpec(MapType.ARRAY, 4, VALUE, 1)
_RECORDS = MapSpec(MapType.RINGBUF, 0, 0, 4096)


_SKB = "bpf_dynptr_from_skb"
FROM_PACKET = {
    ProgramType.XDP: "bpf_dynptr_from_xdp",
    **dict.fromkeys((
        ProgramType.SOCKET_FILTER, ProgramType.SCHED_CLS, ProgramType.SCHED_ACT, ProgramType.CGROUP_SKB,
        ProgramType.LWT_IN, ProgramType.LWT_XMIT, ProgramType.SK_SKB,
    ), _SKB),
}  # fmt: skip
"""By type: what makes a dynptr of the packet that the context is."""


def of_value(b: Builder, dice: Dice, place: int = OBJECT_BASE) -> None:
    """Make one of the value of a map at ``place``."""
    b.emit_wide(load_map_value(R1, add_map(b, _MEMORY)))
    b.emit(mov64(R2, VALUE - dice.pick(3)))
    b.emit(mov64(R3, int(dice.pick(8) == 7)))
    to_stack(b, R4, place)
    b.call_helper("dynptr_from_mem")


def of_record(b: Builder, dice: Dice) -> None:
    """Make one of a record, which must be given back even where there was none."""
    b.emit_wide(load_map(R1, add_map(b, _RECORDS)))
    b.emit(mov64(R2, VALUE - dice.pick(3)))
    b.emit(mov64(R3, 0))
    to_stack(b, R4, OBJECT_BASE)
    b.call_helper("ringbuf_reserve_dynptr")


def _of_packet(name: str) -> Callable[[Builder, Dice], None]:
    def make(b: Builder, dice: Dice) -> None:
        KernelSupply(b, dice, stays=False).context(R1)
        b.emit(mov64(R2, 0))
        to_stack(b, R3, OBJECT_BASE)
        b.call_kfunc(name)

    return make


def sources(b: Builder) -> list[Callable[[Builder, Dice], None]]:
    """What makes a dynptr here."""
    if not (b.profile.knows("6.12") and b.profile.kernel_functions) or any(
        r.place == OBJECT_BASE for r in b.state.held
    ):
        return []
    found: list[Callable[[Builder, Dice], None]] = []
    if b.has_helper("dynptr_from_mem"):
        found += [of_value, of_record, of_record]
    if b.state.pointers(PointerKind.CONTEXT):
        names = {function.name for function in offered(b, may_sleep=False)}
        name = FROM_PACKET.get(b.type, "")
        found += [_of_packet(name)] if name in names else []
    return found


def _size(b: Builder, dice: Dice) -> None:
    to_stack(b, R1, OBJECT_BASE)
    b.call_kfunc(dice.of(("bpf_dynptr_size", "bpf_dynptr_is_null", "bpf_dynptr_is_rdonly")))
    anything_in(b, R0)


def _adjust(b: Builder, dice: Dice) -> None:
    start = dice.pick(8)
    b.emit(mov64(R2, start))
    b.emit(mov64(R3, start + dice.pick(VALUE)))
    to_stack(b, R1, OBJECT_BASE)
    b.call_kfunc("bpf_dynptr_adjust")
    anything_in(b, R0)


def _clone(b: Builder, dice: Dice) -> None:
    """A copy, which is asked for its size."""
    to_stack(b, R1, OBJECT_BASE)
    to_stack(b, R2, CLONE_BASE)
    b.call_kfunc("bpf_dynptr_clone")
    to_stack(b, R1, CLONE_BASE)
    b.call_kfunc("bpf_dynptr_size")
    anything_in(b, R0)


def _read(b: Builder, dice: Dice) -> None:
    size = 8 * (1 + dice.pick(2))
    to_stack(b, R1, INPUT_BASE)
    b.emit(mov64(R2, size))
    to_stack(b, R3, OBJECT_BASE)
    b.emit(mov64(R4, dice.pick(VALUE)))
    b.emit(mov64(R5, 0))
    b.call_helper("dynptr_read")


def _write(b: Builder, dice: Dice) -> None:
    to_stack(b, R1, OBJECT_BASE)
    b.emit(mov64(R2, dice.pick(VALUE)))
    to_stack(b, R3, INPUT_BASE)
    b.emit(mov64(R4, 1 + dice.pick(8)))
    b.emit(mov64(R5, 0))
    b.call_helper("dynptr_write")


def _data(b: Builder, dice: Dice) -> None:
    """Its memory, which is written and read."""
    size = 8 * (1 + dice.pick(2))
    to_stack(b, R1, OBJECT_BASE)
    b.emit(mov64(R2, dice.pick(8)))
    b.emit(mov64(R3, size))
    b.call_helper("dynptr_data")
    _use_memory(b, dice, size, writes=True)


def _slice(b: Builder, dice: Dice) -> None:
    size = 8 * (1 + dice.pick(2))
    to_stack(b, R1, OBJECT_BASE)
    b.emit(mov64(R2, dice.pick(8)))
    to_stack(b, R3, INPUT_BASE)
    b.emit(mov64(R4, size))
    b.call_kfunc("bpf_dynptr_slice")
    _use_memory(b, dice, size, writes=False)


def _use_memory(b: Builder, dice: Dice, size: int, *, writes: bool) -> None:
    """What R0 points to, where that is not null."""
    nothing = b.branch(jump(o.JEQ, R0, 0))
    code, width = dice.of(SIZES)
    place = width * dice.pick(size // width)
    if writes and dice.pick(2):
        b.emit(store(code, R0, place, immediate(dice)))
        anything_in(b, R0)
    else:
        b.emit(load(code, R0, R0, place))
    b.land(nothing)
    anything_in(b, R0)


_OF_OURS = (_size, _adjust, _clone, _read, _write, _data, _slice)
_OF_PACKETS = (_size, _adjust, _clone, _read, _slice)


def _dynptr(b: Builder, dice: Dice) -> bool:
    possible = sources(b) if b.gpl else []
    if not possible:
        return False
    with b.attempt() as attempt:
        KernelSupply(b, dice, stays=False).fill_input()
        make = dice.of(possible)
        before = b.state.held
        make(b, dice)
        anything_in(b, R0)
        uses = list(_OF_OURS if make in (of_value, of_record) else _OF_PACKETS)
        for _ in range(1 + dice.pick(4)):
            use = dice.of(uses)
            use(b, dice)
            if use is _clone:
                uses.remove(use)  # the copy of one that must be given back may not be overwritten
        if b.state.held != before:
            give_back(b, dice)
        anything_in(b, R0)
        attempt.keep()
    return attempt.kept


def give_back(b: Builder, dice: Dice) -> int:
    """Submit or discard the record and return the call's slot."""
    to_stack(b, R1, OBJECT_BASE)
    b.emit(mov64(R2, 0))
    return b.call_helper(dice.of(("ringbuf_submit_dynptr", "ringbuf_discard_dynptr")))


_NEEDS = (needs.HAS_GOALS, needs.MAY_CALL, needs.OUTSIDE_LOOPS)
PRODUCTIONS = (Production("dynptr", 3, _dynptr, _NEEDS),)
