"""Helper functions: what each does where that is known, and where not, what its prototype says.

What a helper does is documented in include/uapi/linux/bpf.h; errors are negative errno as 64-bit numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from ebpf import rules
from ebpf.helpers import prototype_for
from ebpf.helpers.availability import refusal
from ebpf.program_types import AttachType, ProgramType
from ebpf.releases import NEWEST, OLDEST
from oracles.interpreter import dynptrs
from oracles.interpreter.helpers import (
    callbacks,
    kernel_pointers,
    locks,
    maps,
    packet,
    results,
    strings,
    timers,
)
from oracles.interpreter.helpers.arguments import Call, check
from oracles.interpreter.machine import Machine
from oracles.interpreter.memory import Value

BEHAVIOURS: dict[str, Callable[[Machine, Call], Value]] = {
    "map_lookup_elem": maps.lookup,
    "map_update_elem": maps.update,
    "map_delete_elem": maps.delete,
    "map_push_elem": maps.push,
    "map_pop_elem": maps.pop,
    "map_peek_elem": maps.peek,
    "get_local_storage": maps.local_storage,
    "skb_load_bytes": packet.load_bytes,
    "skb_store_bytes": packet.store_bytes,
    "skb_pull_data": packet.pull_data,
    "xdp_load_bytes": packet.xdp_load_bytes,
    "xdp_store_bytes": packet.xdp_store_bytes,
    "xdp_get_buff_len": packet.xdp_length,
    "loop": callbacks.loop,
    "for_each_map_elem": callbacks.for_each,
    "find_vma": callbacks.find_vma,
    "user_ringbuf_drain": callbacks.drain,
    "tail_call": callbacks.tail_call,
    "kptr_xchg": kernel_pointers.exchange,
    "spin_lock": locks.lock,
    "spin_unlock": locks.unlock,
    "timer_init": timers.init,
    "timer_set_callback": timers.set_callback,
    "strtol": strings.strtol,
    "strtoul": strings.strtoul,
    "strncmp": strings.strncmp,
    "dynptr_from_mem": dynptrs.from_mem,
    "ringbuf_reserve_dynptr": dynptrs.reserve,
    "ringbuf_submit_dynptr": dynptrs.give_back,
    "ringbuf_discard_dynptr": dynptrs.give_back,
    "dynptr_read": dynptrs.read,
    "dynptr_write": dynptrs.write,
    "dynptr_data": dynptrs.data,
}
"""By name; any other helper checks its arguments and gives a result that is scripted or drawn."""


@cache
def _known(program_type: ProgramType, attach_type: AttachType | None, number: int) -> bool:
    """Whether any kernel lets such a program call the helper, given every capability."""
    return any(
        refusal(program_type, attach_type, number, release, None) is None for release in (OLDEST, NEWEST)
    )


def call(m: Machine, number: int) -> Value:
    """R0 after helper ``number`` was called with what the registers hold."""
    prototype = prototype_for(number, m.program.type)
    if prototype is None:
        m.trap(rules.HELPER_UNKNOWN, f"no kernel has a helper {number}")
    if not _known(m.program.type, m.program.attach_type, number):
        m.trap(rules.HELPER_UNKNOWN, f"{m.program.type.name.lower()} programs have no bpf_{prototype.name}")
    if prototype.name not in ("spin_lock", "spin_unlock"):
        m.resources.check_call(f"bpf_{prototype.name}")
    checked = check(m, prototype)
    return BEHAVIOURS.get(prototype.name, results.result)(m, checked)
