"""Helpers that call back into the program, and the one that leaves it (kernel/bpf: bpf_iter.c, arraymap.c;
Linux 6.12)."""

from __future__ import annotations

from collections.abc import Iterable
from errno import E2BIG, EBUSY, EINVAL, ENOENT

from ebpf import rules
from oracles.interpreter.arithmetic import U64
from oracles.interpreter.frames import MAX_LOOPS
from oracles.interpreter.helpers.arguments import Call
from oracles.interpreter.machine import Machine
from oracles.interpreter.memory import UNDEFINED, Pointer, Value
from oracles.interpreter.objects import KernelRegion
from oracles.interpreter.signals import Abstain, TailCalled

U32 = 0xFFFF_FFFF
_WAKEUPS = 3
"""BPF_RB_NO_WAKEUP and BPF_RB_FORCE_WAKEUP, include/uapi/linux/bpf.h."""


def _rounds(m: Machine, callback: Value, rounds: Iterable[list[Value]]) -> int:
    """How often the callback was called: until it returns 1."""
    assert isinstance(callback, Pointer)
    calls = 0
    for arguments in rounds:
        calls += 1
        m.registers[1:6] = [*arguments, *m.scratched(5 - len(arguments))]
        held = set(m.resources.held)
        m.run_callback(callback.offset)
        result = m.number(m.read(0))
        if result > 1:
            m.trap(rules.RETURN_RANGE, f"the callback returned {result}, which is neither 0 nor 1")
        if set(m.resources.held) - held:
            m.trap(rules.REFERENCE_LEAK, "the callback returns with a reference held")
        if result:
            break
    return calls


def loop(m: Machine, call: Call) -> Value:
    """bpf_loop(nr_loops, callback, context, flags): the number of calls made."""
    count, callback, context, flags = call.values
    number = m.number(count) & U32
    if m.number(flags):
        return -EINVAL & U64
    if number > MAX_LOOPS:
        return -E2BIG & U64
    return _rounds(m, callback, ([index, context] for index in range(number)))


def for_each(m: Machine, call: Call) -> Value:
    """bpf_for_each_map_elem(map, callback, context, flags): callback(map, key, value, context) for each
    element."""
    chosen = call.map
    assert chosen is not None
    _, callback, context, flags = call.values
    if m.number(flags):
        return -EINVAL & U64
    handle = Pointer(chosen.handle, 0)
    elements = chosen.elements()
    if len(elements) > 1 and not chosen.is_array():
        m.environment.drawn = True  # The order of a hash map's elements is its own.
    return _rounds(
        m, callback, ([handle, Pointer(key, 0), Pointer(value, 0), context] for key, value in elements)
    )


def find_vma(m: Machine, call: Call) -> Value:
    """bpf_find_vma(task, address, callback, context, flags): callback(task, area, context) where there is an
    area, and 0; else an error (kernel/bpf/task_iter.c)."""
    task, _, callback, context, flags = call.values
    if m.number(flags):
        return -EINVAL & U64
    scripted = m.scripted()
    error = (0 if m.environment.chance(False) else -ENOENT & U64) if scripted is None else scripted
    if error:
        if error not in (-ENOENT & U64, -EBUSY & U64):
            raise Abstain("a scripted result that bpf_find_vma cannot give")
        return error
    _rounds(m, callback, [[task, Pointer(KernelRegion("vm_area_struct", m.environment), 0), context]])
    return 0


def drain(m: Machine, call: Call) -> Value:
    """bpf_user_ringbuf_drain(map, callback, context, flags): the number of records that user space wrote, of
    which an input has none (kernel/bpf/ringbuf.c)."""
    return -EINVAL & U64 if m.number(call.values[3]) & ~_WAKEUPS else 0


def tail_call(m: Machine, call: Call) -> Value:
    """bpf_tail_call(ctx, prog_array, index): comes back, without a result, only where the array has no such
    program; what is there returns what the array's contents say, and does nothing else."""
    chosen = call.map
    assert chosen is not None
    index = m.number(call.values[2])
    if m.privileged:
        # For the others the verifier puts a comparison of all 64 bits before it (do_misc_fixups).
        index &= U32
    for key, returns in chosen.spec.contents:
        if int.from_bytes(key, m.word) == index:
            m.resources.check_exit()
            raise TailCalled(int.from_bytes(returns, m.word))
    return UNDEFINED
