"""Helper functions as data: what each takes and gives, and which program may call it.

Prototypes describe Linux 6.12; a kernel in the range 6.1 to 7.3 that differs is named where it matters.
Names and numbers are in :mod:`ebpf.helper_names`.
"""

from __future__ import annotations

from ebpf.helpers import general, packets, sockets, tracing
from ebpf.helpers.prototype import Arg, ArgKind, Prototype, ResultKind
from ebpf.helpers.variants import VARIANTS
from ebpf.program_types import ProgramType

PROTOTYPES: dict[int, Prototype] = {
    prototype.number: prototype
    for prototype in (*general.PROTOTYPES, *tracing.PROTOTYPES, *packets.PROTOTYPES, *sockets.PROTOTYPES)
}
"""By number."""


def prototype_for(number: int, program_type: ProgramType) -> Prototype | None:
    """The prototype that programs of this type see; None for a number that no kernel knows."""
    return VARIANTS.get((number, program_type)) or PROTOTYPES.get(number)


__all__ = ["PROTOTYPES", "Arg", "ArgKind", "Prototype", "ResultKind", "prototype_for"]
