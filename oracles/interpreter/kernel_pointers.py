"""Kernel pointers in map values: what a value holds, and what a load of it gives (kernel/bpf/verifier.c:
check_map_kptr_access, btf_ld_kptr_type; Linux 6.12).

When the run begins that is unknown: null as a rule, for nothing but programs puts any there.
"""

from __future__ import annotations

from ebpf import rules
from ebpf.kfuncs import PROTECTED_BY_RCU
from ebpf.maps import KERNEL_POINTERS, MapField, MapFieldKind
from ebpf.wording import in_bytes
from oracles.interpreter.machine import Machine
from oracles.interpreter.memory import Pointer, Region, Value
from oracles.interpreter.objects import BorrowedRegion, KernelRegion


def field_at(m: Machine, region: Region, offset: int, size: int) -> MapField | None:
    """The kernel pointer that an access of those bytes is one of; None where it touches none.  Traps where it
    is of a part."""
    for field in region.special:
        end = field.offset + field.kind.size
        if field.kind in KERNEL_POINTERS and field.offset < offset + size and offset < end:
            if (offset, size) != (field.offset, field.kind.size):
                place = f"{in_bytes(size)} at {region.name}{offset:+d}"
                m.trap(rules.SPECIAL_FIELD, f"{place} are not the whole {field.kind.value}")
            return field
    return None


def content(m: Machine, region: Region, field: MapField) -> Pointer | None:
    """What the field holds; a script may know better, for others exchange it, too."""
    known = region.kept.get(field.offset)
    scripted = m.scripted()
    if scripted is None and field.offset in region.kept:
        return known
    present = m.environment.chance(False) if scripted is None else scripted != 0
    if not present:
        known = None
    elif known is None:
        known = Pointer(KernelRegion(field.to, m.environment), 0)
    region.kept[field.offset] = known
    return known


def load(m: Machine, region: Region, field: MapField) -> Value:
    """The pointer, which is not held, or null."""
    held = content(m, region, field)
    if held is None:
        return 0
    protected = field.kind is MapFieldKind.KPTR and field.to in PROTECTED_BY_RCU and m.in_rcu()
    borrowed = BorrowedRegion(held.region, m.environment, protected=protected)
    m.resources.borrowed.append(borrowed)
    return Pointer(borrowed, 0)
