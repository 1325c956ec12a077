"""Maps defined by ``struct bpf_map_def`` in a ``maps`` section (libbpf 0.3, libbpf.c:
bpf_object__init_user_maps)."""

from __future__ import annotations

from ebpf.byte_order import OBJECT_ORDER
from ebpf.maps import MapSpec
from ebpf.objects.data_maps import map_type
from ebpf.objects.errors import OpenStage, refuse
from ebpf.objects.file import ElfFile, Section
from ebpf.objects.generation import Generation
from ebpf.objects.object import MapOrigin, ObjectMap

DEFINITION = OBJECT_ORDER.layout("5I")
"""type, key_size, value_size, max_entries, map_flags."""


def legacy_maps(file: ElfFile, section: Section, generation: Generation) -> list[ObjectMap]:
    """All definitions have one size, that of the section by the number of its symbols; beyond 20 bytes they
    hold zeros.

    Every symbol counts, a section's own too (until libbpf 0.6).
    """
    symbols = [s for s in file.symbols if s.section == section.index]
    if not symbols or section.size % len(symbols) or not section.size:
        refuse(
            OpenStage.MAPS,
            str(section),
            f"{section.size} bytes are no whole definitions for {len(symbols)} symbols",
        )
    size = section.size // len(symbols)
    found = []
    for symbol in sorted(symbols, key=lambda s: s.value) if generation.maps_by_offset else symbols:
        at = f"{section}, {symbol}"
        if not symbol.name:
            refuse(OpenStage.MAPS, at, "a map without a name")
        if symbol.value + size >= 1 << 64:
            refuse(OpenStage.MAPS, at, f"definition at {symbol.value:#x}+{size} wraps around")
        if symbol.value + size > len(section.data):
            refuse(
                OpenStage.MAPS,
                at,
                f"definition at {symbol.value:#x}+{size} leaves the section's {len(section.data)} bytes",
            )
        raw = section.data[symbol.value : symbol.value + size]
        if any(raw[DEFINITION.size :]):
            refuse(OpenStage.MAPS, at, f"unrecognized, non-zero options beyond {DEFINITION.size} bytes")
        number, key, value, entries, flags = DEFINITION.unpack(
            raw[: DEFINITION.size].ljust(DEFINITION.size, b"\0")
        )
        spec = MapSpec(map_type(number, at), key, value, entries, flags, symbol.name)
        found.append(ObjectMap(spec, MapOrigin.LEGACY, section.index, symbol.value))
    return found
