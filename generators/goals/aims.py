"""The production that gives every callee of a program's type its turn.

Types have some dozen helpers in common, and each a few of its own; by weight the latter come up seldom.  Here
a callee is drawn evenly, whatever it takes to call it.
"""

from __future__ import annotations

from functools import cache, partial

from ebpf.kfuncs import KFUNCS
from generators import conditions as needs
from generators.builder import Builder
from generators.dice import Dice
from generators.goals import (
    callbacks,
    deferred,
    dynptrs,
    exceptions,
    iterators,
    kernel_functions,
    kernel_pointers,
    local_objects,
    locks,
    production,
    sections,
)
from generators.goals.callees import Caller, caller_of, candidates, is_goal, may_call
from generators.productions import helpers
from generators.productions.table import Production

_BY_NAME: dict[str, Production] = {
    row.name: row
    for module in (
        callbacks, deferred, dynptrs, exceptions, iterators, kernel_pointers, local_objects, locks, sections,
    )
    for row in module.PRODUCTIONS
}  # fmt: skip
_HELPERS: dict[str, tuple[str, ...]] = {
    "locked-change": ("spin_lock", "spin_unlock"),
    "callback-loop": ("loop",),
    "callback-elements": ("for_each_map_elem",),
    "timer": ("timer_init", "timer_set_callback", "timer_start", "timer_cancel"),
    "kernel-pointer": ("kptr_xchg",),
    "dynptr": (
        "dynptr_from_mem", "dynptr_read", "dynptr_write", "dynptr_data", "ringbuf_reserve_dynptr",
        "ringbuf_submit_dynptr", "ringbuf_discard_dynptr",
    ),
}  # fmt: skip
"""By production: helpers that are called by nothing else."""


def _production_of(name: str) -> Production | None:
    """The production that alone calls the kernel function."""
    function = KFUNCS[name]
    if function.object is not None:
        return _BY_NAME["local-object"]
    if function.dynptr is not None:
        return _BY_NAME["dynptr"]
    if function.step is not None:
        return _BY_NAME["iterator"]
    if function.begins or function.ends:
        return _BY_NAME["section"]
    if function.throws:
        return _BY_NAME["throw"]
    return _BY_NAME["work-queue"] if name.startswith("bpf_wq_") else None


def _plain(caller: Caller) -> set[str]:
    """Helpers that take what every program has."""
    prototypes = helpers.callable_helpers(
        caller.type, caller.attach_type, caller.release, True, caller.gpl, caller.may_sleep
    )
    return {prototype.name for prototype in prototypes}


@cache
def aims(caller: Caller) -> tuple[str, ...]:
    """What such a program may call and something here knows how to, by name and in order."""
    names = _plain(caller) | {prototype.name for prototype in candidates(caller)}
    names |= {name for group in _HELPERS.values() for name in group if may_call(caller, name)}
    if caller.functions:
        names |= kernel_functions.allowed_names(caller.type, caller.linux, caller.may_sleep)
    return tuple(sorted(names))


@cache
def _ways(caller: Caller) -> dict[str, Production]:
    """By callee: the production that calls it."""
    plain = _plain(caller)
    ways = {
        prototype.name: Production(prototype.name, 1, partial(production.reach, prototype=prototype))
        for prototype in candidates(caller)
        if is_goal(prototype) or prototype.name not in plain
    }
    ways |= {name: _BY_NAME[row] for row, names in _HELPERS.items() for name in names}
    ways |= {name: row for name in KFUNCS if (row := _production_of(name)) is not None}
    return ways


def _aim(b: Builder, dice: Dice) -> bool:
    caller = caller_of(b)
    possible = aims(caller)
    if not possible:
        return False
    name = dice.of(possible)
    way = _ways(caller).get(name)
    if way is not None:
        return way.missing(b) is None and way.apply(b, dice)
    if name in KFUNCS:
        return kernel_functions.reach(b, dice, KFUNCS[name])
    return helpers.call_by_name(b, dice, name)


AIM = Production("aim", 1, _aim, (needs.HAS_AIMS, needs.MAY_CALL, needs.OUTSIDE_LOOPS))
PRODUCTIONS = (AIM,)
