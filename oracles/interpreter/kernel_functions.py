"""Kernel functions: what they take, and objects that they give, hold and release; what else they do is
unknown."""

from __future__ import annotations

from ebpf import rules
from ebpf.kfuncs import KFUNCS, KernelArg, KernelArgKind
from oracles.interpreter.helpers.memory import readable, room
from oracles.interpreter.helpers.results import present
from oracles.interpreter.machine import Machine
from oracles.interpreter.memory import UNDEFINED, Pointer, Value
from oracles.interpreter.objects import KernelRegion
from oracles.interpreter.signals import Abstain


def call(m: Machine, name: str) -> Value:
    """R0 after the kernel function was called with what the registers hold."""
    function = KFUNCS.get(name)
    if function is None:
        raise Abstain("kernel function calls")
    m.resources.check_call(name)
    values = [m.read(register) for register in range(1, len(function.args) + 1)]
    for register, (arg, value) in enumerate(zip(function.args, values, strict=True), 1):
        _check(m, register, arg, value)
    if function.releases is not None:
        released = values[function.releases - 1]
        assert isinstance(released, Pointer)
        m.resources.release(released.region)
    if function.void:
        return UNDEFINED
    if not function.gives:
        scripted = m.scripted()
        return m.environment.bits(64) if scripted is None else scripted
    if not present(m, usual=True):
        return 0
    region = KernelRegion(function.gives, m.environment)
    m.resources.acquire(region)
    return Pointer(region, 0)


def _check(m: Machine, register: int, arg: KernelArg, value: Value) -> None:
    if arg.kind is KernelArgKind.NUMBER:
        m.number(value)
    elif arg.kind is KernelArgKind.MEMORY:
        readable(m, value, arg.size, f"R{register}")
        span = room(m, value, arg.size, f"R{register}")
        span.fill(m.environment.bits(8 * arg.size).to_bytes(arg.size, "little"))
    else:
        region = value.region if isinstance(value, Pointer) else None
        if region is not None and region.gone is not None:
            m.trap(region.gone, f"R{register}: {region.name} was released")
        if not (isinstance(region, KernelRegion) and isinstance(value, Pointer) and value.offset == 0):
            m.trap(rules.HELPER_ARGUMENT, f"R{register} is no {arg.kind.value}")
        if region.name != arg.struct:
            raise Abstain("a kernel structure given as another")
