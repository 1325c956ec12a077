"""Handler of 64-bit immediates: numbers, maps, values in maps, and functions."""

from __future__ import annotations

from ebpf import rules
from ebpf.isa import opcodes as o
from ebpf.isa.insn import Insn
from ebpf.kernel_variables import PER_CPU
from ebpf.maps import MapType
from oracles.interpreter.arithmetic import U32
from oracles.interpreter.machine import Handler, Machine
from oracles.interpreter.maps import Map
from oracles.interpreter.memory import Pointer, Value
from oracles.interpreter.objects import VariableRegion
from oracles.interpreter.signals import Abstain


def _immediate64(m: Machine, insn: Insn, pc: int) -> int:
    following = m.code[pc + 1] if pc + 1 < len(m.code) else None
    if following is None or (following.opcode, following.dst, following.src, following.off) != (0, 0, 0, 0):
        m.trap(
            rules.IMMEDIATE_HALVES,
            "the second slot of a 64-bit immediate is missing, or holds more than its upper half",
        )
    m.write(insn.dst, _constant(m, insn, following.imm, pc))
    return pc + 2


def _constant(m: Machine, insn: Insn, high: int, pc: int) -> Value:
    if insn.src == 0:
        return (high & 0xFFFF_FFFF) << 32 | insn.imm & 0xFFFF_FFFF
    if insn.src == o.PSEUDO_FUNC:
        return Pointer(m.code_region, pc + 1 + insn.imm)
    if insn.src in o.PSEUDO_MAPS and 0 <= insn.imm < len(m.maps):
        chosen = m.maps[insn.imm]
        if insn.src in (o.PSEUDO_MAP_FD, o.PSEUDO_MAP_IDX):
            if high:
                m.trap(rules.IMMEDIATE_HALVES, "the upper half of a map's descriptor")
            return Pointer(chosen.handle, 0)
        return _direct_value(m, chosen, high)
    name = dict(m.program.kfuncs).get(pc, "")
    if insn.src == o.PSEUDO_BTF_ID and name in PER_CPU:
        return Pointer(VariableRegion(name, PER_CPU[name], m.environment), 0)
    raise Abstain(f"64-bit immediate of kind {insn.src}")


def _direct_value(m: Machine, chosen: Map, offset: int) -> Value:
    """What a ``ld_imm64`` gives that asks for a map's value: into an array, key 0's value
    (kernel/bpf/arraymap.c), into an instruction array its jump table (kernel/bpf/bpf_insn_array.c), of an
    arena the address in user space, which only its creator knows."""
    if chosen.spec.type is MapType.ARENA:
        m.environment.used = True
        return m.arena().user + (offset & U32)
    if chosen.spec.type is MapType.INSN_ARRAY:
        return Pointer(chosen.jump_table(m.code_region), offset)
    followed = chosen.spec.type is MapType.ARRAY and chosen.modelled()
    region = chosen.lookup((0).to_bytes(4, m.word)) if followed else None
    if region is None:
        raise Abstain(f"a direct value of a {chosen.spec.type.name.lower()} map")
    return Pointer(region, offset)


HANDLERS: dict[int, Handler] = {o.LD_IMM64: _immediate64}
