"""A call of any helper that the program type has, with arguments that its prototype takes."""

from __future__ import annotations

from functools import cache

from ebpf.helpers import PROTOTYPES, prototype_for
from ebpf.helpers.availability import ALL, is_certain, refusal
from ebpf.helpers.prototype import Arg, Prototype, ResultKind
from ebpf.helpers.prototype import ArgKind as A
from ebpf.isa import opcodes as o
from ebpf.isa.build import R0, R10, REGISTERS, Register, load_map, mov64, store
from ebpf.program_rules import PACKET_HELPERS
from ebpf.program_types import AttachType, ProgramType
from ebpf.releases import at_least
from generators import conditions as needs
from generators.builder import Builder
from generators.constants import immediate
from generators.dice import Dice
from generators.layout import INPUT_BASE, INPUT_BYTES, INPUT_SLOTS, KEY_SLOT
from generators.maps import is_plain
from generators.productions.table import Production
from generators.state import KnownPointer, PointerKind
from generators.steps import anything_in, to_stack

UNWANTED = frozenset({
    # They end the agent, or reach beyond the program's run.
    "send_signal", "send_signal_thread", "probe_write_user", "override_return", "sys_bpf", "sys_close",
    "clone_redirect",
    # It has a production of its own, with flags that mean something.
    "map_update_elem",
    # What they want of their arguments is not in the prototype (kernel/bpf/verifier.c, check_helper_call).
    "tail_call", "trace_printk", "trace_vprintk", "snprintf", "seq_printf", "perf_event_output",
    "get_func_arg",
    "get_local_storage", "set_retval", "get_stackid", "get_stack", "get_task_stack", "kallsyms_lookup_name",
    "copy_from_user_task",
})  # fmt: skip
MEMORY = frozenset({A.MEM, A.MEM_OR_NULL, A.MEM_RDONLY, A.MEM_OR_NULL_RDONLY, A.MEM_UNINIT})
FIXED = frozenset({A.FIXED_MEM, A.FIXED_MEM_INOUT, A.FIXED_MEM_UNINIT})
VALUES = frozenset({A.MAP_VALUE, A.MAP_VALUE_OR_NULL, A.MAP_VALUE_UNINIT})
MODELLED = (
    MEMORY
    | FIXED
    | VALUES
    | {A.ANYTHING, A.CTX, A.CTX_OR_NULL, A.CONST_MAP, A.MAP_KEY, A.SIZE, A.SIZE_OR_ZERO}
)
RESULTS = frozenset({ResultKind.INTEGER, ResultKind.VOID})


@cache
def callable_helpers(
    kind: ProgramType,
    attach: AttachType | None,
    release: str,
    privileged: bool,
    gpl: bool,
    sleepable: bool,
    has: bool = True,
) -> tuple[Prototype, ...]:
    """Those whose arguments can be made here and whose result is a number or nothing.  ``has``: which the
    type has, or has not."""
    capabilities = ALL if privileged else ()
    prototypes = [prototype_for(number, kind) for number in sorted(PROTOTYPES)]
    return tuple(
        prototype
        for prototype in prototypes
        if prototype is not None
        and (
            is_certain(kind, attach, prototype.number, release, capabilities)
            if has
            else refusal(kind, attach, prototype.number, release, capabilities) is not None
        )
        and at_least(release, prototype.since)
        and (gpl or not prototype.gpl_only)
        and (sleepable or not prototype.sleepable)
        and prototype.name not in UNWANTED
        and prototype.result in RESULTS
        and not prototype.acquires
        and prototype.releases is None
        and {arg.kind for arg in prototype.args} <= MODELLED
    )


def offered(b: Builder, *, has: bool = True) -> tuple[Prototype, ...]:
    """The helpers that the program may call, or those it lacks."""
    return callable_helpers(b.type, b.attach_type, b.profile.release, b.privileged, b.gpl, b.may_sleep, has)


def _any(b: Builder, dice: Dice) -> bool:
    prototypes = offered(b) if b.helpers else ()
    return bool(prototypes) and call(b, dice, dice.of(prototypes))


def call_by_name(b: Builder, dice: Dice, name: str) -> bool:
    """Call the helper of that name, where the program may."""
    return any(call(b, dice, prototype) for prototype in offered(b) if prototype.name == name)


def call(b: Builder, dice: Dice, prototype: Prototype) -> bool:
    """Call it with what the program has; False, having changed nothing, when that is not enough."""
    if not arguments(b, dice, prototype):
        return False
    perform(b, prototype)
    return True


def arguments(b: Builder, dice: Dice, prototype: Prototype) -> bool:
    """Put what it takes into R1 to R5; False, having changed nothing, when the program has not enough."""
    context = next((register for register in b.state.pointers(PointerKind.CONTEXT) if register >= 6), None)
    ready = all(slot in b.state.slots for slot in INPUT_SLOTS)
    kinds = {arg.kind for arg in prototype.args}
    maps = [
        number
        for number, spec in enumerate(b.maps)
        if prototype.maps is not None
        and spec.type in prototype.maps
        and is_plain(spec)
        and spec.value_size <= INPUT_BYTES
        and spec.key_size <= 4
    ]
    if not ready or (A.CTX in kinds and context is None) or (A.CONST_MAP in kinds and not maps):
        return False
    index = dice.of(maps) if maps else 0
    if A.MAP_KEY in kinds:
        b.emit(store(o.W, R10, KEY_SLOT, dice.pick(6)))
    # Helpers may read what they write to only where both are one argument.
    half = INPUT_BYTES // 2
    apart = (
        half if kinds & MEMORY and kinds & FIXED and max(arg.size for arg in prototype.args) <= half else 0
    )
    size = 0
    for at, arg in enumerate(prototype.args):
        register = REGISTERS[at + 1]
        if arg.kind in (A.CTX, A.CTX_OR_NULL) and context is not None:
            b.emit(mov64(register, context))
        elif arg.kind is A.CONST_MAP:
            b.emit_wide(load_map(register, index))
        elif arg.kind is A.MAP_KEY:
            to_stack(b, register, KEY_SLOT)
        elif arg.kind in MEMORY:
            after = prototype.args[at + 1].kind
            size = _memory(b, dice, prototype, arg, register, 0 if after is A.SIZE_OR_ZERO else 1)
            size = min(size, apart or size)
        elif arg.kind in FIXED or arg.kind in VALUES:
            to_stack(b, register, INPUT_BASE + apart)
        elif arg.kind in (A.SIZE, A.SIZE_OR_ZERO):
            b.emit(mov64(register, size))
        else:
            _number(b, dice, register)
    return True


def perform(b: Builder, prototype: Prototype) -> int:
    """The call itself, and what it leaves; the call's slot."""
    at = b.call_helper(prototype.name)
    # Before Linux 6.4 operations on maps return an int, of which the JIT keeps no sign (d7ba4cc900bf).
    if prototype.result is ResultKind.VOID or (
        prototype.name.startswith("map_") and not b.profile.knows("6.4")
    ):
        anything_in(b, R0)
    return at


def _number(b: Builder, dice: Dice, register: Register) -> None:
    """Of what is kept over a call, or a constant."""
    kept = [other for other in b.state.numbers() if other >= 6]
    if kept and dice.pick(2):
        b.emit(mov64(register, dice.of(kept)))
    else:
        b.emit(mov64(register, dice.of((0, immediate(dice)))))


def _memory(b: Builder, dice: Dice, prototype: Prototype, arg: Arg, register: Register, least: int) -> int:
    """Point the register at memory that is written already; how many bytes of it the helper may have."""
    rooms = [
        (other, content.size)
        for other in REGISTERS[6:10]
        if isinstance(content := b.state.registers.get(other), KnownPointer)
        and _lends(b, prototype, arg, content)
    ]
    if rooms and dice.pick(2):
        source, room = dice.of(rooms)
        b.emit(mov64(register, source))
    else:
        room = INPUT_BYTES
        to_stack(b, register, INPUT_BASE)
    return least + dice.pick(min(room, INPUT_BYTES) - least + 1)


def _lends(b: Builder, prototype: Prototype, arg: Arg, content: KnownPointer) -> bool:
    if content.kind is PointerKind.MAP_VALUE:
        return not content.nullable and content.size > 0
    readable = prototype.packet_access and b.type in PACKET_HELPERS and arg.kind is not A.MEM_UNINIT
    return content.kind is PointerKind.PACKET and readable and content.size > 0


PRODUCTIONS = (Production("helper", 6, _any, (needs.MAY_CALL, needs.OUTSIDE_LOOPS)),)
