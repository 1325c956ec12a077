"""What a helper's prototype asks of R1 to R5."""

from __future__ import annotations

import z3

from ebpf import rules
from ebpf.helpers import Arg, ArgKind, Prototype
from oracles.reference.argument_kinds import CHECKS, leave_unmodelled
from oracles.reference.argument_memory import HUGE, MEMORY, SIZED, WRITTEN, memory
from oracles.reference.argument_values import Arguments, Written, wrong
from oracles.reference.explorer import Explorer
from oracles.reference.registers import is_pointer, number, read
from oracles.reference.signals import Unmodelled
from oracles.reference.state import SymbolicState
from oracles.reference.values import Null, RegionKind, SymbolicPointer, Value
from oracles.terms.term import Condition, Term, conjunction, disjunction, equal, extract

A = ArgKind


def check(x: Explorer, s: SymbolicState, prototype: Prototype) -> Arguments:
    """Hold R1 to R5 against the prototype."""
    found = Arguments(prototype.packet_access)
    for index, arg in enumerate(prototype.args):
        register = index + 1
        value = read(x, s, register)
        found.values.append(value)
        if arg.kind in SIZED:
            continue  # with the size, which follows
        _argument(x, s, prototype, found, register, arg, value)
        if prototype.releases == register:
            found.released = value if isinstance(value, SymbolicPointer | Null) else None
    return found


def _argument(
    x: Explorer,
    s: SymbolicState,
    prototype: Prototype,
    found: Arguments,
    register: int,
    arg: Arg,
    value: Value,
) -> None:
    kind = arg.kind
    if isinstance(value, Null) and kind.name.endswith("_OR_NULL"):
        return
    if kind is A.ANYTHING:
        if is_pointer(value) and not x.facts.privileged:
            x.refuse(s, rules.POINTER_LEAK, f"R{register} into a helper")
        return
    if kind in (A.SIZE, A.SIZE_OR_ZERO):
        _sized(x, s, found, register, prototype.args[register - 2], arg)
        return
    if kind is A.ALLOC_SIZE_OR_ZERO:
        found.size = None if is_pointer(value) else x.constant(s, number(s, value))
        if found.size is None:
            x.refuse(s, rules.HELPER_ARGUMENT, f"R{register} is not a constant size")
            raise Unmodelled("an allocation of unknown size")
        return
    if kind.name.endswith("_OR_NULL") and not isinstance(value, SymbolicPointer):
        if value == 0 if isinstance(value, int) else False:
            return
        wrong(x, s, register, arg)
    if isinstance(value, Null):
        x.violation(s, rules.HELPER_ARGUMENT, f"R{register} may be null")
    if not isinstance(value, SymbolicPointer):
        wrong(x, s, register, arg)
        return
    if value.check is not None and not kind.name.endswith("_OR_NULL"):
        x.unchecked(s, value.check, rules.NULL_CHECK, f"R{register}")
    CHECKS.get(kind, leave_unmodelled)(x, s, found, register, arg, value)


def _sized(x: Explorer, s: SymbolicState, found: Arguments, register: int, arg: Arg, sized: Arg) -> None:
    """Memory, which is ``arg``, at R(register - 1), whose size R(register) holds."""
    zero = sized.kind is A.SIZE_OR_ZERO
    length = found.values[register - 1]
    if is_pointer(length):
        x.violation(s, rules.HELPER_ARGUMENT, f"R{register} is a pointer, not a size")
    whole = number(s, length)
    if x.possible(s, _at_least(whole, HUGE)):
        x.refuse(s, rules.HELPER_SIZE, f"R{register}")
    size: Term = extract(whole, 31, 0) if isinstance(whole, int) else z3.ZeroExt(32, z3.Extract(31, 0, whole))
    if not zero and x.possible(s, equal(whole, 0)):
        x.refuse(s, rules.ZERO_SIZE, f"R{register}", before=sized.zero_since)
    base = found.values[register - 2]
    empty = equal(size, 0)
    if isinstance(base, Null) or not isinstance(base, SymbolicPointer):
        value = number(s, base)
        null_allowed = "OR_NULL" in arg.kind.name or zero
        fine: Condition = conjunction(equal(value, 0), empty) if null_allowed else False
        if "OR_NULL" in arg.kind.name:
            fine = disjunction(fine, equal(value, 0)) if not isinstance(value, int) else fine
        x.require(s, fine, rules.HELPER_ARGUMENT, f"R{register - 1} is not {arg.kind.value}")
        if "OR_NULL" not in arg.kind.name:
            # Nothing misbehaves, but the type is a number's (kernel/bpf/verifier.c, check_func_arg:
            # register_is_null).
            x.refuse(s, rules.HELPER_ARGUMENT, f"R{register - 1} is null")
        return
    if base.check is not None and "OR_NULL" not in arg.kind.name:
        # Where null is allowed, kernels take a pointer that may be (check_reg_type; Linux 6.1 to 7.3).
        x.unchecked(s, base.check, rules.NULL_CHECK, f"R{register - 1}")
    writes = arg.kind is A.MEM_UNINIT
    if base.region.kind not in MEMORY | {RegionKind.CONTEXT} and empty is not True:
        # For a size of 0 kernels still want a pointer to memory, or null.
        x.violation(s, rules.HELPER_ARGUMENT, f"R{register - 1} is no memory a helper may use")
    memory(x, s, register - 1, base, size, reads=not writes, writes=writes, packet=found.packet)
    if writes or arg.kind in WRITTEN:
        found.written.append(Written(base, size))


def _at_least(term: Term, limit: int) -> Condition:
    return term >= limit if isinstance(term, int) else z3.UGE(term, limit)
