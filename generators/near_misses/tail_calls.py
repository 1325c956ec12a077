"""Near misses with functions that kernels take under conditions only: tail calls and legacy packet loads."""

from __future__ import annotations

from ebpf.isa import opcodes as o
from ebpf.isa.build import R0, R1, R2, R3, R6, R10, call, call_local, leave, load_map, mov64, store
from ebpf.isa.insn import Insn
from ebpf.maps import MapSpec, MapType
from ebpf.program_rules import LEGACY_LOADS
from generators.builder import Builder
from generators.dice import Dice
from generators.goals.map_templates import add_map
from generators.maps import takes
from generators.scopes import StaticFunction, is_callback
from generators.state import PointerKind
from generators.steps import anything_in

_PROGRAMS = MapSpec(MapType.PROG_ARRAY, 4, 4, 4)
_IN_PACKET = (PointerKind.PACKET, PointerKind.PACKET_END)


def tail_call_under_stack(b: Builder, dice: Dice) -> int | None:
    """The callers of a function that makes a tail call have 256 bytes of stack together, or more."""
    function = _with_tail_call(b, dice)
    if function is None:
        return None
    depth = 256 + 8 * dice.pick(32)
    if dice.pick(2):
        # Neither has as many alone: rounded up by every kernel, 128 bytes each.
        depth = 128
        function = StaticFunction((store(o.DW, R10, -128, 0), call_local(), leave()), inner=((1, function),))
    b.emit(store(o.DW, R10, -depth, 0))
    at = _call_with_context(b, function)
    b.drop_slot(-depth)
    return at


def untyped_function(b: Builder, dice: Dice) -> int | None:
    """A function makes a tail call or a legacy packet load, and no function has types.

    Where what comes later asks for them, it breaks nothing (:func:`generators.programs.build`).
    """
    if b.makes_objects or any(is_callback(each) for each in b.functions):
        return None
    loads = b.type in LEGACY_LOADS and dice.pick(2)
    function = _with_packet_load(dice) if loads else _with_tail_call(b, dice)
    return None if function is None else _call_with_context(b, function)


def _with_tail_call(b: Builder, dice: Dice) -> StaticFunction | None:
    """A function of the context that makes a tail call to a program that is not there."""
    if not b.has_helper("tail_call") or not takes(b, _PROGRAMS):
        return None
    programs = load_map(R2, add_map(b, _PROGRAMS))
    return StaticFunction((*programs, mov64(R3, dice.pick(4)), call("tail_call"), mov64(R0, 0), leave()))


def _with_packet_load(dice: Dice) -> StaticFunction:
    """A function of the context that loads from the packet, or gives 0."""
    return StaticFunction((mov64(R6, R1), Insn(o.LD | o.ABS | o.B, imm=dice.pick(64)), leave()))


def _call_with_context(b: Builder, function: StaticFunction) -> int | None:
    """What it may change of the packet, kernels forget in every frame."""
    contexts = [register for register in b.state.pointers(PointerKind.CONTEXT) if register > 5]
    if not contexts or not b.privileged or b.open or b.state.held:
        return None
    b.emit(mov64(R1, contexts[0]))
    b.call_static(function)
    at = len(b.insns) - 1
    anything_in(b, R0)
    b.drop(*(register for kind in _IN_PACKET for register in b.state.pointers(kind)))
    return at
